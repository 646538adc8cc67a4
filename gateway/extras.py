"""What the extra `web` brings, which is not installed everywhere: whether it is there, and how it comes."""

import importlib.util

WEB = ("starlette", "uvicorn")
WEB_COMES = "pip install 'serial-edge-gateway[web]' brings it"


def without(libraries: tuple[str, ...]) -> bool:
    """Whether one of these is not installed."""
    return any(importlib.util.find_spec(name) is None for name in libraries)
