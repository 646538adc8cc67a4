"""The spool: readings that the broker has not acknowledged in time, on the disk until it has."""
