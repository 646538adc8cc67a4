"""`gateway demo`: simulated boards, a broker, the gateway and a subscriber that counts, with nothing but this machine.

demonstrate(…)    runs it and gives its exit code
"""

from .show import demonstrate

__all__ = ["demonstrate"]
