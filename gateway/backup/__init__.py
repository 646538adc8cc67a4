"""A gateway in one file, to move it to another card: its configuration, what it remembers, what it has not sent."""
