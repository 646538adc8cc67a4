"""What doctor looks at, for tests of its checks: who asks, a configuration, a time."""

import pytest

from gateway import config
from gateway.doctor.user import User

ME = User("pi", 1000, frozenset({1000}), me=True, service=False)
SERVICE = User("gateway", 990, frozenset({990, 20}), me=False, service=True)
NOW = 1_796_000_000.0


@pytest.fixture
def made(tmp_path):
    """A configuration of one board."""
    file = tmp_path / "gateway.toml"
    file.write_text('[gateway]\nid = "gw"\n[mqtt]\nusername = "u"\n[[boards]]\nname = "bench"\nport = "/dev/ttyUSB0"\n')
    return config.load(file)


def the_one(findings):
    """The only finding of a check."""
    (one,) = findings
    return one
