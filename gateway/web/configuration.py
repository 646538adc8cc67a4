"""The configuration as it lies on the disk, without its secrets."""

from pathlib import Path

from ..censored import censored_lines

LARGEST = 1 << 20  # bytes


def hidden(path: Path) -> str:
    """The file's text, or a comment that says why there is none. Secrets are hidden in it; those in files of their own
    are not read."""
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        return f"# {path} cannot be read: {(error.strerror or str(error)).lower()}\n"
    if len(data) > LARGEST:
        return f"# {path} is too large to be shown\n"
    return censored_lines(data.decode(errors="replace"))
