"""Captures: what was heard of a port, with its times, in a file that can be sent, read, replayed and tested with.

lines.py      a line of the file as a value, and back; docs/captures.md has the format
file.py       a file that grows line by line, and one that is read
tape.py       takes down what a reader hears
playback.py   has a reader hear it again
"""
