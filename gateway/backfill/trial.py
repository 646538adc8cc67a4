"""What the user's own features answer, found out before anything is read: all files have the same columns."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..alone import Custom, try_out
from ..config import Config
from ..ingest.capture.file import CaptureError

TAKEN = ("day",)  # by the folders


def keys_of(configs: Sequence[Config]) -> dict[str, list[str]]:
    """The keys of each feature, "module:function". Raises CaptureError for one that cannot be used."""
    out: dict[str, list[str]] = {}
    for config in configs:
        if names := tuple(name for name in config.custom if name not in out):
            custom = Custom(names, config.path.parent, config.deadline, config.memory)
            for tried in asyncio.run(try_out(custom)):
                if tried.why:
                    raise CaptureError(f"{tried.feature} {tried.why}; mend it, `gateway check` tries it as well")
                if taken := [key for key in tried.keys if key in TAKEN]:
                    raise CaptureError(f"{tried.feature} answers {taken[0]!r}, as the folders are called; rename it")
                out[tried.feature] = list(tried.keys)
    return out
