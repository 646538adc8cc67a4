"""Finding out what is on a port of which nobody knows: its rate, its format, and the table that reads it."""
