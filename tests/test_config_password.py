"""The password is in a file of its own, and in no sentence."""

import asyncio
import contextlib
import os
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest

from gateway import config
from gateway.config import password, problems
from tests.tables import BENCH


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


@pytest.fixture
def hanging(tmp_path, monkeypatch):
    """A pipe that nobody writes to, in place of a file on a disk that hangs; at the end somebody does."""
    monkeypatch.setattr(password, "PATIENCE", 0.1)
    file = tmp_path / "secret"
    os.mkfifo(file, 0o600)
    yield file
    pipe = tmp_path / "hangs" if (tmp_path / "hangs").exists() else file
    deadline = time.monotonic() + 20
    for thread in waiting():
        while thread.is_alive():
            assert time.monotonic() < deadline, "a thread still waits for the pipe"
            with contextlib.suppress(OSError):  # no thread has come so far as to open it
                os.close(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
            thread.join(0.05)


def waiting():
    """The threads that read the file."""
    return [thread for thread in threading.enumerate() if thread.name == "password"]


@pytest.mark.slow
async def test_a_file_that_hangs_stops_no_loop(hanging):
    """It is told in a sentence, whatever else the loop has to do goes on, and its threads are few."""
    secret, turns = password.Password(hanging), 0

    async def others():
        nonlocal turns
        while True:
            await asyncio.sleep(0.001)
            turns += 1

    beside = asyncio.ensure_future(others())
    for _ in range(password.MOST + 12):
        before = turns
        with pytest.raises(ValueError, match=r'secret" was not read within 0\.1 s; see what its file system waits for'):
            await secret.read()
        assert turns > before + 10
    beside.cancel()
    assert password.MOST <= len(waiting()) <= password.MOST + 4


async def test_a_file_that_is_put_in_the_place_of_one_that_hangs(hanging, tmp_path):
    """It is read at the next attempt; so is one that was changed, and one that is gone is told."""
    secret = password.Password(hanging)
    with pytest.raises(ValueError, match="was not read"):
        await secret.read()
    hanging.rename(tmp_path / "hangs")
    for word in ("first", "second"):
        hanging.write_text(word + "\n")
        assert await secret.read() == word
    hanging.unlink()
    with pytest.raises(ValueError, match=r'secret" cannot be used: No such file or directory'):
        await secret.read()


async def test_a_file_that_is_put_there_after_many_have_hung(hanging, tmp_path):
    """As many readings hang as there may be at once; the good file in the place of theirs is read all the same."""
    secret, word = password.Password(hanging), None
    for _ in range(password.MOST):
        with pytest.raises(ValueError, match="was not read"):
            await secret.read()
    assert len(waiting()) == password.MOST
    hanging.rename(tmp_path / "hangs")
    hanging.write_text("good\n")
    async with asyncio.timeout(30):
        while word is None:
            with contextlib.suppress(ValueError):  # not yet
                word = await secret.read()
    assert word == "good"
    assert len(waiting()) >= password.MOST, "those that hang go on"


async def test_a_reading_that_hung_and_ends_is_believed(tmp_path, monkeypatch):
    """Whichever of those that hang comes to its end first, it is the password."""
    ends = [threading.Event() for _ in range(password.MOST + 1)]
    began = iter(range(len(ends)))

    def read(_path):
        number = next(began)
        ends[number].wait()
        return f"of {number}"

    monkeypatch.setattr(password, "read", read)
    monkeypatch.setattr(password, "PATIENCE", 0.1)
    secret = password.Password(tmp_path / "secret")
    try:
        for _ in range(password.MOST):
            with pytest.raises(ValueError, match="was not read"):
                await secret.read()
        monkeypatch.setattr(password, "PATIENCE", 30.0)
        asking = asyncio.ensure_future(secret.read())
        await asyncio.sleep(0)  # it waits now
        ends[1].set()
        assert await asking == "of 1"
    finally:
        for end in ends:
            end.set()


def test_readings_of_a_file_that_hangs_for_a_day_are_few():
    """It is asked for every five seconds; the readings are ever rarer, and yet there is always a next one."""
    began: list[float] = []
    for now in range(0, 86_400, 5):
        if password.due(began, now):
            began.append(now)
    gaps = [after - before for before, after in pairwise(began)]
    assert gaps[: password.MOST - 1] == [5] * (password.MOST - 1)
    assert gaps == sorted(gaps)
    assert 10 < len(began) < 20
    assert password.due(began, 2 * 86_400)


async def test_no_file_is_no_password():
    """Where none is configured there is nothing to read."""
    assert await password.Password(None).read() is None
