"""Boards that stop talking: the reader says so, opens the port anew and pulses DTR, ever more rarely."""

import asyncio
import socket
import time

from gateway.ingest import ports, silence
from gateway.ingest.hearing import QUIET
from gateway.ingest.reader import Reader
from tests.readers import adapter, nothing_stays_open, open_ports, pause, reading, until

__all__ = ["adapter", "nothing_stays_open"]  # the fixtures


async def test_silent_and_back(adapter):
    """A board that stops talking is silent after its time, with its port open, and online with its next byte."""
    adapter.plug()
    async with reading(adapter.link, silent=0.2, on_silence=()) as rig:
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await until(lambda: rig.values() == [1.0])
        spoke = time.monotonic()
        await rig.state("silent")
        assert 0.1 < time.monotonic() - spoke < 0.6
        assert "nothing has come" in (rig.reader.reason or "")
        assert (rig.account.silences, rig.account.reopened) == (1, 0)
        adapter.write(b"S1=2\n")
        await rig.state("online", within=1.0)
        assert rig.values() == [1.0, 2.0]
        assert rig.reader.reason is None


async def test_a_silent_port_is_opened_anew(adapter):
    """In a silence the port is opened anew at once, while the state stays silent; the next whole line is a reading."""
    adapter.plug()
    async with reading(adapter.link, silent=0.2) as rig:
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await rig.state("silent")
        await until(lambda: rig.account.reopened == 1 and adapter.path in open_ports())
        await pause(QUIET + 0.05)
        adapter.write(b"S1=2\nS1=3\n")
        await until(lambda: rig.values() == [1.0, 2.0, 3.0])
        assert [state for state, _ in rig.told] == ["online", "silent", "online"]
        assert (rig.account.silences, rig.account.noise) == (1, 1)


async def test_a_line_under_way_at_a_reopen_is_no_reading(adapter):
    """What comes at once after a reopen, or goes on with half a line before it, may lack its start and is noise."""
    adapter.plug()
    async with reading(adapter.link, silent=0.2) as rig:
        await rig.state("online")
        adapter.write(b"\nS1=1\nS1=2")
        await until(lambda: rig.account.reopened == 1 and adapter.path in open_ports())
        await pause(QUIET + 0.05)
        adapter.write(b"S1=9\nS1=3\n")
        await until(lambda: rig.values() == [1.0, 3.0])


async def test_a_silence_that_goes_on_is_opened_ever_more_rarely(adapter, monkeypatch):
    """The pauses between two reopens double; the status is told of none of them."""
    monkeypatch.setattr(silence, "LEAST", 0.02)
    adapter.plug()
    async with reading(adapter.link, silent=0.02) as rig:
        await until(lambda: rig.account.reopened == 1)
        began = time.monotonic()
        await until(lambda: rig.account.reopened == 5)
        assert 0.29 < time.monotonic() - began < 1.0  # 0.02 + 0.04 + 0.08 + 0.16
        assert {state for state, _ in rig.told[1:]} == {"silent"}
        assert rig.account.silences == 1


async def test_dtr_where_there_is_none(adapter, monkeypatch):
    """A port without DTR is told of once, and opened anew instead."""
    monkeypatch.setattr(silence, "LEAST", 0.02)
    adapter.plug()
    async with reading(adapter.link, silent=0.02, on_silence=("reopen", "dtr")) as rig:
        await until(lambda: rig.account.reopened == 3)
        assert (rig.reader.note or "").startswith("has no DTR")
        assert rig.account.dtr_pulses == 0
    async with reading(adapter.link, silent=0.02, on_silence=("dtr",)) as rig:
        await until(lambda: rig.reader.note)
        assert rig.account.reopened == 0


async def test_dtr_for_which_no_thread_can_start(adapter, monkeypatch):
    """Nothing is said of the port then, and the pulse is tried again when it is due."""
    monkeypatch.setattr(silence, "LEAST", 0.02)
    tried = []

    async def pulse(link):
        tried.append(link)
        return len(tried) > 1 or None

    monkeypatch.setattr(ports.Link, "pulse_dtr", pulse)
    adapter.plug()
    async with reading(adapter.link, silent=0.02, on_silence=("dtr",)) as rig:
        await until(lambda: rig.account.dtr_pulses == 1)
        assert (len(tried), rig.reader.note, rig.reader.state) == (2, None, "silent")


async def test_dtr_is_pulsed_when_a_reopen_was_no_help(adapter, monkeypatch):
    """Where DTR may be pulsed it is, after a reopen; what the board says while it settles then is noise."""
    pulses = []
    monkeypatch.setattr(silence, "LEAST", 0.4)
    monkeypatch.setattr(ports.modem, "pulse", lambda fd: pulses.append(fd) or True)
    ports.modem.pulse.__name__ = "pulse"
    adapter.plug()
    async with reading(adapter.link, port={"settle": 0.1}, silent=0.05, on_silence=("reopen", "dtr")) as rig:
        await until(lambda: rig.account.dtr_pulses == 1)
        assert rig.account.reopened == 1
        adapter.write(b"boot\nS1=85\n")
        await until(lambda: rig.account.noise == 2)
        assert rig.reader.state == "silent"
        await pause(0.11)
        adapter.write(b"S1=1\n")
        await rig.state("online")
        assert rig.values() == [1.0]


async def test_a_silent_serial_server_is_dialled_anew():
    """A silent socket is reopened likewise, and stays silent meanwhile."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"socket://127.0.0.1:{server.getsockname()[1]}"
        async with reading(url, silent=0.1) as rig:
            await rig.state("silent")
            await until(lambda: rig.account.reopened == 1)
            first, _ = server.accept()
            second, _ = server.accept()
            await pause(QUIET + 0.05)
            second.sendall(b"\nS1=1\n")
            await until(lambda: rig.values() == [1.0])
            assert [state for state, _ in rig.told] == ["online", "silent", "online"]
            first.close()
            second.close()


async def test_a_paused_silent_board_is_let_be(adapter, monkeypatch):
    """Nothing is tried with a board that is not read, and the loop does not spin for it."""
    monkeypatch.setattr(silence, "LEAST", 0.02)
    adapter.plug()
    async with reading(adapter.link, silent=0.02) as rig:
        await until(lambda: rig.account.reopened == 1)
        rig.reader.pause()
        dues = []
        real = Reader._due
        monkeypatch.setattr(Reader, "_due", lambda self: dues.append(1) or real(self))
        await pause(0.3)
        assert rig.account.reopened <= 2
        assert len(dues) < 3


async def test_a_board_that_talks_is_not_silent(adapter):
    """Each byte starts the time anew, and while the board talks nobody looks after it."""
    adapter.plug()
    async with reading(adapter.link, silent=0.2) as rig:
        await rig.state("online")
        for _ in range(40):
            adapter.write(b"S")
            await asyncio.sleep(0.01)
        assert rig.told == [("online", None)]
