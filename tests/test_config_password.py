"""The password is in a file of its own, and in no sentence."""

from pathlib import Path

import pytest

from gateway import config
from gateway.config import problems

BENCH = '[[boards]]\nname = "bench"\nport = "/dev/ttyX0"\n'


@pytest.mark.parametrize(
    ("mode", "content", "problem", "warning"),
    [
        (0o600, b"p", "", ""),
        (0o640, b"p\r\n", "", ""),
        (0o644, b"p", "", "can be read by everyone"),
        (0o666, b"p", "can be written by everyone", ""),
        (0o600, b"\n", "it is empty", ""),
        (0o600, b"\xff", "it is not UTF-8", ""),
        (0o600, b"x" * 70_000, "it is too long", ""),
    ],
)
def test_password_file(tmp_path: Path, mode: int, content: bytes, problem: str, warning: str) -> None:
    """The file is refused when all may write it or nothing usable is in it, and warned of when all may read it."""
    secret = tmp_path / "secret"
    secret.write_bytes(content)
    secret.chmod(mode)
    text = '[mqtt]\nusername = "u"\npassword_file = "secret"\n' + BENCH.replace("/dev/ttyX0", "auto")
    found = problems(text, tmp_path / "gateway.toml")
    assert [problem in one for one in found] == ([True] if problem else [])
    if not problem:
        (tmp_path / "gateway.toml").write_text(text)
        told = config.warnings(config.load(tmp_path / "gateway.toml"))
        assert [warning in one for one in told] == ([True] if warning else [])


def test_password_needs_a_name_and_a_file(tmp_path: Path) -> None:
    """A password without a user name is refused, as is a directory, a device or a planted path as its file."""
    secret = tmp_path / "secret"
    secret.write_text("p")
    (found,) = problems(f'{BENCH}[mqtt]\npassword_file = "{secret}"')
    assert "give username as well" in found
    for path in (str(tmp_path), "/dev/zero", "a\\u0000b", "\\u001b[31m"):
        (found,) = problems(f'{BENCH}[mqtt]\nusername = "u"\npassword_file = "{path}"')
        assert found.startswith("mqtt.password_file: ")
        assert found.isprintable()


@pytest.mark.parametrize(
    "text",
    [
        'url = "mqtt://u:{}@h"', 'url = "mqtt://{}@h:1"', 'url = "u:{}@h"', 'url = "mqtt:u:{}@h"', 'listen = "{}@h"',
        'password = "{}"', 'pasword = "{}"', 'passwordfile = "{}"', 'url = "mqtts://{}@h"', 'password_file = "{}" x',
    ],
)  # fmt: skip
def test_secrets_are_not_repeated(text: str) -> None:
    """A password that was written where it does not belong is in no sentence."""
    found = problems(f"{BENCH}[mqtt]\n" + text.format("c4n4ry"))
    assert found
    assert "c4n4ry" not in " ".join(found)
    if text.startswith("url"):
        assert "password_file" in found[0]
