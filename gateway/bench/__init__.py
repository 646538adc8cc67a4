"""`gateway bench`: what this machine can do. It measures and shows; it chooses and changes nothing.

pool.py    the founding benchmark, in its three ways and in the gateway's own
"""

from .run import bench

__all__ = ["bench"]
