"""The lane of users' own features: what waits for them, the processes that run them, and who is in quarantine."""
