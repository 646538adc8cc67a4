"""The configuration that `gateway init` writes can be read, and has what was found."""

from pathlib import Path

from gateway.config import starting_configuration
from tests.tables import loaded


def test_starting_configuration_without_boards(tmp_path: Path) -> None:
    """With no board found, the file that `init` writes takes whatever is plugged in."""
    text = starting_configuration([], "raspberrypi")
    made = loaded(tmp_path, text)
    assert [board.port.path for board in made.boards] == ["auto"]
    assert made.id == "raspberrypi"
    assert "# [[boards]]" in text


def test_starting_configuration_with_boards(tmp_path: Path) -> None:
    """Each board that was found has its table; names differ, a port that is there already is left out."""
    (tmp_path / "tty").touch()
    (tmp_path / "link").symlink_to("tty")
    found = [
        ("uno", str(tmp_path / "tty"), "Arduino Uno, serial number 1\nrange = 1"),
        ("uno", "/dev/ttyX1", "FTDI\x1b[31m"),
        ("same", str(tmp_path / "link"), "the first again"),
        ("", "/dev/ttyX2", ""),
        ("bad", "relative", "not a port"),
        ("bad", "auto", "not a port"),
    ]
    text = starting_configuration(found, "my/pi")
    made = loaded(tmp_path, text)
    assert [(one.name, one.port.path) for one in made.boards] == [
        ("uno", str(tmp_path / "tty")), ("uno-2", "/dev/ttyX1"), ("board", "/dev/ttyX2"),
    ]  # fmt: skip
    assert made.id == "my-pi"
    assert "# Arduino Uno, serial number 1\\nrange = 1\n[[boards]]" in text
    assert "\x1b" not in text
