"""What the gateway tells of itself: its faults, the status documents, and the log's events at what comes and goes."""
