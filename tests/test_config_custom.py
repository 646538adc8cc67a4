"""Custom features in the configuration: which sensors they cover, and code that others could write."""

from pathlib import Path

from gateway import config
from gateway.config import plan_for
from tests.tables import loaded

CUSTOM = '[features]\ncustom = ["own:f"]\n[[boards]]\nname = "b"\nport = "/dev/ttyS0"\n[[sensors]]\nmatch = "b/x*"\n'


def test_custom_features_cover_sensors(tmp_path: Path) -> None:
    """[features] covers all, the last match of [[sensors]] those that it names; all of them need a process."""
    more = 'custom = ["a.b:g", "own:f"]\n[[sensors]]\nmatch = "b/xy"\ncustom = []\n'
    made = loaded(tmp_path, CUSTOM + more)
    assert plan_for(made, "b", "S1").custom == ("own:f",)
    assert plan_for(made, "b", "x").custom == ("a.b:g", "own:f")
    assert plan_for(made, "b", "xy").custom == ()
    assert (made.custom, made.deadline, made.memory) == (("own:f", "a.b:g"), 0.5, 256_000_000)
    assert config.plan(made)["memory"]["custom_bytes"] == 512_000_000
    assert "own:f: a message waits for it at most 500ms" in "\n".join(config.lines(config.plan(made)))


def test_code_that_others_can_write(tmp_path: Path) -> None:
    """A feature's file, its package or the directory, writable by others, is warned of by its path; nothing is run."""
    tmp_path.chmod(0o755)
    (tmp_path / "own.py").write_text("raise SystemExit\n")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "__init__.py").touch()
    (tmp_path / "a" / "b.py").touch()
    made = loaded(tmp_path, CUSTOM + 'custom = ["a.b:g", "installed:f"]\n')
    written = lambda: [text for text in config.warnings(made) if text.startswith("features.custom")]  # noqa: E731
    assert written() == []
    files = (tmp_path / "own.py", tmp_path / "a" / "b.py", tmp_path / "a" / "__init__.py")
    for place in (*files, tmp_path / "a", tmp_path):
        before = place.stat().st_mode
        place.chmod(before | 0o002)
        (said,) = written()
        assert f'others can write "{place}"' in said and "chmod go-w" in said
        place.chmod(before)
    tmp_path.chmod(0o1777)  # as /tmp: what is there cannot be replaced
    assert written() == []
