"""`gateway backfill`: captures, months of them, into Parquet, with the features of a configuration.

finding.py    what there is: captures in files and folders, in order, by the boards that spoke
reading.py    the captures of one port's boards, one after the other: what came
ahead.py      the same from a process of its own, where a core is left over
chain.py      what came becomes features and rows, part by part
table.py      the rows as Parquet, a file a part and day
setting.py    which boards of a configuration a capture is of
mark.py       whether it is still the configuration that what is done was done with
journal.py    what is done, so that nothing is done twice and nothing is left half, whatever is killed when
trial.py      what the user's own features answer
worker.py     a process that works one chain after the other
crew.py       these processes, or other hands
afar.py       hands of a Dask cluster; there.py: what one of its workers does
command.py    the command; summary.py: what came of it, and how far it is
"""
