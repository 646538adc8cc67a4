"""`gateway watch`: the live view of a running gateway, through its broker.

watch(…)          watches, and gives its exit code
Options           what the command was given
Row, columns, …   the table of sensors, which the demo shows too: table.py
"""
