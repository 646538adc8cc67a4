"""Times as text: RFC 3339 in UTC, with milliseconds."""

from datetime import UTC, datetime
from functools import lru_cache


@lru_cache(256)  # what came in one piece came at one time
def instant(wall: float) -> str:
    """RFC 3339 in UTC with milliseconds. wall: s since 1970."""
    ms = round(wall * 1000)
    return f"{_second(ms // 1000)}.{ms % 1000:03d}Z"


@lru_cache(64)
def _second(whole: int) -> str:
    return datetime.fromtimestamp(whole, UTC).strftime("%Y-%m-%dT%H:%M:%S")
