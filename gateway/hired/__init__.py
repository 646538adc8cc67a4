"""Workers of a Dask cluster, hired for work that is no room's: who is fit for it, what each is given, what it says."""
