"""Captures: what was said on a port, with its times, in a file that can be sent, read, replayed and tested with.

lines.py      a line of the file as a value, and back; docs/captures.md has the format
file.py       a file that grows line by line, and one that is read
tape.py       takes down what is heard of a port, and said to it
listener.py   who hears a port that is taken down: a board that speaks by itself, or those that are asked
playback.py   has its boards hear it again
"""
