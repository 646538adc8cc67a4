"""A cluster of Dask's that computes what it has done sooner than this machine; and what is done while it is away."""
