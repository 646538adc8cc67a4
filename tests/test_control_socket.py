"""The control socket: who is answered on it, and that no caller holds up the loop, whatever he sends."""

import asyncio
import contextlib
import os
import random
import socket
import stat
import time

import pytest

from gateway import orders as orders_module
from gateway.control import caller as caller_module
from gateway.control import door as door_module
from gateway.control.caller import Unheard, ask
from gateway.control.door import MOST, Door, answers
from gateway.control.place import NAME, short
from gateway.control.protocol import Request, answered
from gateway.orders import Orders, heed
from tests.callers import RELEASE, line
from tests.waiting import until


@contextlib.asynccontextmanager
async def listening(folder, answer=None):
    """A door that answers with what it was asked."""

    async def echo(request):
        return {"ok": True, "do": request.do, **request.given}

    task = asyncio.create_task(Door(folder, answer or echo).run())
    await until(lambda: task.done() or ((folder / NAME).exists() and answers(str(folder / NAME))))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled(), task.exception()


def said(folder, data, end=True):
    """What comes back for these bytes."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(10)
        caller.connect(str(folder / NAME))
        with contextlib.suppress(BrokenPipeError):
            caller.sendall(data)
        if end:
            caller.shutdown(socket.SHUT_WR)
        heard = b""
        with contextlib.suppress(ConnectionResetError):
            while more := caller.recv(65_536):
                heard += more
        return heard


async def test_a_caller_is_answered(tmp_path):
    """By whom the mode says; the socket is gone when the gateway is."""
    async with listening(tmp_path):
        assert stat.S_IMODE((tmp_path / NAME).stat().st_mode) == 0o600
        assert (await asyncio.to_thread(ask, [tmp_path / "none", tmp_path], RELEASE))["do"] == "release"
        with pytest.raises(Unheard, match="knows no such request"):
            await asyncio.to_thread(ask, [tmp_path], {"do": "format"})
    assert not (tmp_path / NAME).exists()
    with pytest.raises(Unheard, match="no gateway is running that could be asked"):
        ask([tmp_path], RELEASE)


async def test_a_path_of_any_length(tmp_path):
    """That a socket's own path may have 107 bytes at most is nobody's concern."""
    folder = tmp_path / ("x" * 120)
    folder.mkdir()

    def there():
        with short(folder) as path:
            return answers(path)

    task = asyncio.create_task(Door(folder, None).run())
    await until(there)
    with pytest.raises(Unheard, match="a name of at most"):
        await asyncio.to_thread(ask, [folder], RELEASE | {"board": ""})
    task.cancel()
    await asyncio.wait({task})
    assert not list(folder.iterdir())


@pytest.mark.slow
async def test_bad_callers_hold_up_nobody(tmp_path, monkeypatch):
    """Silent ones, ones that send rubbish, too much, or half a line, and ones that do not read: each ends soon, more
    than a few are turned away, and then the next is answered.
    """
    monkeypatch.setattr(door_module, "PATIENCE", 1.5)
    async with listening(tmp_path):
        for data, end in ((b"\xff\x00\n", True), (b"x" * 10_000, True), (b'{"do"', True), (b"", True), (b"x", False)):
            answer = answered(await asyncio.to_thread(said, tmp_path, data, end))
            assert answer["ok"] is False
        silent = [socket.socket(socket.AF_UNIX) for _ in range(MOST + 4)]
        for caller in silent:
            await asyncio.to_thread(caller.connect, str(tmp_path / NAME))
        began = time.monotonic()
        with pytest.raises(Unheard, match="too much at once"):
            await asyncio.to_thread(ask, [tmp_path], RELEASE)
        assert time.monotonic() - began < 1.2
        heard = [await asyncio.to_thread(caller.recv, 1000) for caller in silent]
        assert sum(b"no request came within 1.5 s" in one for one in heard) == MOST
        assert (await asyncio.to_thread(ask, [tmp_path], RELEASE))["ok"]
        for caller in silent:
            caller.close()
        with socket.socket(socket.AF_UNIX) as deaf:
            deaf.connect(str(tmp_path / NAME))
            deaf.sendall(line(RELEASE) + b"\n")
            assert (await asyncio.to_thread(ask, [tmp_path], RELEASE))["ok"]


async def test_a_flood_of_callers(tmp_path):
    """A thousand who send whatever comes, with and without an end: each is answered or cut off, nothing stays open, the
    loop is never held up, and then a request is answered.
    """
    chance = random.Random(7)
    pieces = [b"{", b'{"do": "release"', b"\n", b"\xff" * 2000, b"[" * 900, b"", b'"do"', line(RELEASE), b"\x00"]

    def flood():
        for _ in range(1000):
            with socket.socket(socket.AF_UNIX) as caller:
                caller.settimeout(10)
                caller.connect(str(tmp_path / NAME))
                with contextlib.suppress(OSError):
                    caller.sendall(b"".join(chance.choices(pieces, k=chance.randrange(4))))
                    if chance.random() < 0.5:
                        caller.shutdown(socket.SHUT_WR)
                        caller.recv(1000)

    async with listening(tmp_path):
        before = len(os.listdir("/proc/self/fd"))
        flooding = asyncio.ensure_future(asyncio.to_thread(flood))
        lags, last = [], time.perf_counter()
        while not flooding.done():
            await asyncio.sleep(0)
            lags.append(time.perf_counter() - last)
            last += lags[-1]
        await flooding
        assert max(lags) < 0.5 and sorted(lags)[-len(lags) // 100] < 0.05, "the other thread and machine share the core"
        await until(lambda: len(os.listdir("/proc/self/fd")) <= before)
        await until_answered(tmp_path)


async def until_answered(folder):
    """Returns when a request is answered, which is soon: a few may still be under way."""
    deadline = time.monotonic() + 10
    while True:
        try:
            assert (await asyncio.to_thread(ask, [folder], RELEASE))["ok"]
            return
        except Unheard as error:
            assert "too much at once" in str(error) and time.monotonic() < deadline


async def test_a_socket_that_was_left_there(tmp_path):
    """That of a killed gateway is replaced; one at which another gateway listens stays, and so does any other file."""
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / NAME))
    async with listening(tmp_path):
        with pytest.raises(FileExistsError, match="another gateway listens"):
            await Door(tmp_path, None).run()
        assert (await asyncio.to_thread(ask, [tmp_path], RELEASE))["ok"]
    (tmp_path / NAME).write_text("mine")
    with pytest.raises(FileExistsError, match="is no socket"):
        await Door(tmp_path, None).run()
    assert (tmp_path / NAME).read_text() == "mine"


def test_who_may_not_ask(tmp_path, monkeypatch):
    """Is told how to; the next place is not tried, since a gateway is there."""

    def locked(folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(caller_module, "short", locked)
    with pytest.raises(Unheard, match=r"this user may not ask the gateway at .*control: run `sudo -g gateway"):
        ask([tmp_path, tmp_path / "none"], RELEASE)


class Never:
    """Does nothing that it is asked for."""

    def __getattr__(self, name):
        raise AssertionError(f"{name} was asked for")


async def test_another_gateways_file_and_another_board(tmp_path):
    """Who means another gateway is told which one this is; who means no board, which boards there are."""
    orders = Orders(tmp_path / "gateway.toml", tmp_path, [f"b{number}" for number in range(30)], Never(), Never())
    for request in (Request("release", {"board": "b1", "seconds": 1}, "/x"), Request("hold", {}, "/")):
        answer = await orders.answer(request)
        assert f"has another configuration, {tmp_path / 'gateway.toml'}, and not /" in answer["error"]
    answer = await orders.answer(Request("take_back", {"board": "b\x1b"}, str(tmp_path / "gateway.toml")))
    assert answer["error"].startswith('no board "b\\x1b" is read by this gateway; there are b0, b1, ')
    assert answer["error"].endswith("b19 and 10 more")


async def test_a_configuration_that_is_a_link(tmp_path):
    """Presets and features lie beside the link for the gateway, so a backup is to look there; asked by either path."""

    class Still:
        async def hold(self, seconds):
            return True

    (tmp_path / "conf").mkdir()
    real, link = tmp_path / "conf/gw.toml", tmp_path / "gateway.toml"
    real.write_text("")
    link.symlink_to(real)
    orders = Orders(link, tmp_path, [], Never(), Still())
    for request in (Request("hold", {}), Request("hold", {}, str(real))):
        assert (await orders.answer(request))["config"] == str(link)


@pytest.mark.parametrize("given", [True, False])
async def test_where_it_listens(tmp_path, monkeypatch, given):
    """In the service manager's directory, where the group may ask too; or in that of the state, for the user alone."""
    run, state = tmp_path / "run", tmp_path / "state"
    run.mkdir()
    state.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(run)) if given else monkeypatch.delenv("RUNTIME_DIRECTORY", False)
    task = asyncio.create_task(heed(Orders(tmp_path / "x", state, [], Never(), Never()), state, lambda *_, **__: None))
    place = (run if given else state) / NAME
    await until(lambda: place.exists() and answers(str(place)))
    assert stat.S_IMODE(place.stat().st_mode) == (0o660 if given else 0o600)
    task.cancel()
    await asyncio.wait({task})
    assert not [*run.iterdir(), *state.iterdir()]


async def test_a_disk_that_hangs(tmp_path, monkeypatch):
    """Whoever wants to copy the spool is told, and holds up nobody else."""
    monkeypatch.setattr(orders_module, "PATIENCE", 0.05)

    class Hangs:
        async def hold(self, seconds):
            await asyncio.Event().wait()

        async def let_go(self):
            await asyncio.Event().wait()

    orders = Orders(tmp_path / "gateway.toml", tmp_path, [], Never(), Hangs())
    assert "its disk does not answer" in (await orders.answer(Request("hold", {})))["error"]
    assert await orders.answer(Request("let_go", {})) == {"ok": True, "held": False}
