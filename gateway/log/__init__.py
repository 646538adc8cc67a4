"""The log: what a line is (lines.py), how many there may be (limit.py), and where they go out (outlet.py)."""
