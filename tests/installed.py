"""/opt/gateway as the installer leaves it, elsewhere, for its tests."""

import pytest

from gateway.installer import versions


@pytest.fixture
def home(tmp_path, monkeypatch):
    """/opt/gateway, elsewhere."""
    monkeypatch.setattr(versions, "HOME", tmp_path)
    monkeypatch.setattr(versions, "BIN", tmp_path / "bin")
    return tmp_path


def version(home, number):
    """A version that is complete."""
    made = home / "versions" / number
    (made / "bin").mkdir(parents=True)
    (made / versions.COMPLETE).write_text(f"gateway 0.{number}\n")
    return made
