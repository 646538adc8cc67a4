"""[web]: what it takes, what does not go together, what is unwise, what it may cost."""

import importlib.util
import os
import random
from pathlib import Path

import pytest

from gateway import config
from gateway.config import web
from gateway.config.plan import HOUR_BYTES, SHOWN, TAIL_BYTES
from gateway.feed import ring, rings
from gateway.ingest import tail

BOARD = '\n[[boards]]\nname = "bench"\nport = "/dev/null"\n'


def problems(table: str, folder: Path, mqtt: str = "") -> list[str]:
    """What is wrong with a configuration with this [web]."""
    return config.problems(f"{mqtt}\n[web]\n{table}\n{BOARD}", folder / "gateway.toml")


def loaded(table: str, folder: Path) -> config.Config:
    """The same, checked."""
    path = folder / "gateway.toml"
    path.write_text(f"[web]\n{table}\n{BOARD}")
    return config.load(path)


def secret(folder: Path, text: str = "0123456789abcdef\n", mode: int = 0o600) -> Path:
    """A file with a token."""
    path = folder / "token"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("listen", "found"),
    [
        ("127.0.0.1:8080", []),
        ("[::1]:8080", []),
        ("localhost:8080", []),
        ("0.0.0.0:8080", ['web.listen: "0.0.0.0" is open to the network, and so needs a token']),
        ("192.168.1.5:80", ['web.listen: "192.168.1.5" is open to the network']),
        ("8080", ["web.listen: host and port, such as"]),
        (":8080", ["web.listen: host and port"]),
        ("http://127.0.0.1:8080", ["web.listen: host and port"]),
    ],
)
def test_where_it_listens(tmp_path, listen, found):
    """A host and a port; beyond this machine only with a token."""
    seen = problems(f'listen = "{listen}"', tmp_path)
    assert len(seen) == len(found)
    assert all(sentence.startswith(start) for sentence, start in zip(seen, found, strict=True)), seen


def test_off_is_what_it_is(tmp_path):
    """Without [web], and with an empty listen, nothing listens."""
    assert loaded("", tmp_path).web == config.Web()
    assert loaded('listen = ""', tmp_path).web.listen is None


def test_two_cannot_listen_in_one_place(tmp_path):
    """The embedded broker's port is taken."""
    mqtt = '[mqtt]\nurl = "embedded"\nlisten = "127.0.0.1:1883"\n'
    [found] = problems('listen = "127.0.0.1:1883"', tmp_path, mqtt)
    assert found == "web.listen: 127.0.0.1:1883 is where the embedded broker listens (mqtt.listen); set another port"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("short", "at least 16 letters"),
        ("", "it is empty"),
        ("with a space in it 123", "without a space"),
        ("überübersicherestoken", "at least 16 letters"),
        ("a" * 16, "at least 6 different letters"),
        ("abcde" * 8, "soon guessed; `openssl rand -hex 16` makes one"),
    ],
)
def test_a_token_is_long_and_plain(tmp_path, text, says):
    """What would be guessed, or no header can hold, is refused, and not repeated."""
    secret(tmp_path, text)
    [found] = problems('listen = "0.0.0.0:8080"\ntoken_file = "token"', tmp_path)
    assert found.startswith("web.token_file: ") and says in found
    assert not text or text not in found


@pytest.mark.parametrize("bytes_", [8, 16])
def test_what_comes_by_chance_is_a_token(tmp_path, bytes_):
    """Of a thousand that `openssl rand -hex` makes none is refused for having too few different characters."""
    dice = random.Random(bytes_)
    for _ in range(1_000):
        secret(tmp_path, dice.randbytes(bytes_).hex())
        assert web.problems(tmp_path / "token") == []


def test_a_token_that_is_not_there_is_told(tmp_path):
    """With what to do."""
    [found] = problems('token_file = "token"', tmp_path)
    assert "there is no file" in found and "put the token alone into it, with mode 0600" in found
    secret(tmp_path, mode=0o666)
    [found] = problems('token_file = "token"', tmp_path)
    assert "can be written by everyone" in found


def test_a_token_that_is_right(tmp_path):
    """It lies beside the file, and another one in its place is another configuration."""
    path = secret(tmp_path)
    first = loaded('listen = "0.0.0.0:8080"\ntoken_file = "token"', tmp_path).web
    assert (first.listen, first.token_file) == (("0.0.0.0", 8080), tmp_path / "token")
    path.unlink()
    secret(tmp_path, "fedcba9876543210\n")
    os.utime(path, ns=(1, 1))
    assert loaded('listen = "0.0.0.0:8080"\ntoken_file = "token"', tmp_path).web != first


@pytest.mark.parametrize("name", ["http://x", "x:80", "", "a b", "-/x", "x."])
def test_names_are_names(tmp_path, name):
    """Hosts alone, without a scheme or a port."""
    [found] = problems(f'names = ["{name}"]', tmp_path)
    assert found.startswith("web.names: names of hosts alone")


def test_check_warns_of_what_others_reach(tmp_path):
    """A listener beyond this machine, a token for all, and libraries that are not there."""
    secret(tmp_path, mode=0o644)
    made = loaded('listen = "0.0.0.0:8080"\ntoken_file = "token"', tmp_path)
    found = [one for one in config.warnings(made) if one.startswith("web.") and "libraries" not in one]
    assert "whoever reaches 0.0.0.0 can try to log in" in found[0]
    assert "can be read by everyone" in found[1]
    assert not [one for one in config.warnings(loaded('listen = "[::1]:80"', tmp_path)) if "reaches" in one]


def test_a_page_without_its_libraries_is_told(tmp_path, monkeypatch):
    """The gateway runs all the same: it is a warning, with the command."""
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "uvicorn" else find(name))
    found = [*web.warnings(config.Web(("127.0.0.1", 80)), local=True)]
    assert found == [
        "web.listen: the libraries of the page are not installed, so there will be none; "
        "pip install 'serial-edge-gateway[web]' brings it"
    ]


def test_the_plan_says_who_sees_it_and_what_it_takes(tmp_path):
    """`check` prints the address, for whom, and the memory, which holds what is really kept."""
    made = loaded('listen = "127.0.0.1:8080"', tmp_path)
    found = config.plan(made)
    assert found["web"] == {"listen": "127.0.0.1:8080", "token": False}
    assert "web       http://127.0.0.1:8080/, for whoever is on this machine" in config.lines(found)
    assert any(line.startswith("memory    page: at most about") for line in config.lines(found))
    assert config.plan(loaded("", tmp_path))["web"] is None
    assert HOUR_BYTES >= ring.BYTES + 500
    assert TAIL_BYTES >= tail.BYTES
    assert rings.MOST == SHOWN
