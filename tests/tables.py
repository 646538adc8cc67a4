"""The least configuration for tests, and what comes of a text: a configuration, or its one problem."""

from pathlib import Path

from gateway import config
from gateway.config import Config, problems

BENCH = '[[boards]]\nname = "bench"\nport = "/dev/ttyX0"\n'


def loaded(tmp_path: Path, text: str) -> Config:
    """The configuration that `text` is, beside what else is in `tmp_path`."""
    file = tmp_path / "gateway.toml"
    file.write_text(text)
    return config.load(file)


def the_one(text: str) -> str:
    """The only problem of `text`."""
    found = problems(text)
    assert len(found) == 1, found
    return found[0]
