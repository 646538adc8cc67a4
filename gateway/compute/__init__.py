"""The room that turns readings into features: batches, a pool of processes, and what a worker runs."""
