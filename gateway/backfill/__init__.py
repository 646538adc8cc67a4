"""`gateway backfill`: captures, months of them, into Parquet, with the features of a configuration.

finding.py    what there is: captures in files and folders, in order, by the boards that spoke
chain.py      the captures of one port's boards, one after the other: readings, features, rows; part by part
table.py      the rows as Parquet, a file a part and day
journal.py    what is done, so that nothing is done twice and nothing is left half, whatever is killed when
custom.py     the user's own features, in the worker itself
worker.py     a process that works one chain after the other
command.py    the command: workers, progress, the summary
"""
