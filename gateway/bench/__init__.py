"""`gateway bench`: what this machine can do. It measures and shows; it chooses and changes nothing.

pool.py    the founding benchmark, in its three ways and in the gateway's own
street.py  simulated boards through the whole gateway into a broker and back; whole.py has all the parts
size.py    how many boards this machine carries, reckoned (sizing.py) from a ladder of measured rates
"""

from .run import bench

__all__ = ["bench"]
