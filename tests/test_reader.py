"""The reader of one board, on real pseudo-terminals that are unplugged, swapped, silenced and held by others."""

import asyncio
import contextlib
import errno
import fcntl
import os
import resource
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gateway.ingest import ports, reader, silence, trouble, trust, waiting
from gateway.ingest.hearing import QUIET, Hearing
from gateway.ingest.identity import device
from gateway.ingest.intake import Intake
from gateway.ingest.modem import Losses
from gateway.ingest.reader import Reader
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, Decoded, Frame, Noise, Port, Refusal, Sample, Why
from tests import street


class Numbers:
    """A format for tests: "S1=21.5" is a value, "# text" is noise, and all else is refused."""

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        name, _, value = frame.decode("latin-1").partition("=")
        if frame.startswith(b"#") or not frame:
            return Noise(frame)
        if not value.replace(".", "", 1).isdecimal():
            return Refusal(Why.NOT_A_NUMBER, frame)
        return Decoded([Sample(name, float(value), "°C")], [])


class Adapter:
    """A false USB adapter: a pseudo-terminal, and the link by which it is found."""

    def __init__(self, folder: Path) -> None:
        self.link = folder / "usb-board-if00"
        self.main = -1
        self.path = ""

    def plug(self) -> None:
        self.main, other = os.openpty()
        self.path = os.ttyname(other)
        os.close(other)
        fresh = self.link.with_suffix(".new")
        fresh.symlink_to(self.path)
        fresh.rename(self.link)

    def write(self, data: bytes) -> None:
        os.write(self.main, data)

    def unplug(self) -> None:
        self.link.unlink(missing_ok=True)  # as udev does; the number may be another program's a moment later
        if self.main >= 0:
            os.close(self.main)
        self.main = -1


class Rig:
    """A running reader, what it handed on, and the states that it told."""

    def __init__(self, path: str, *, port: dict[str, float] | None = None, **options: float) -> None:
        self.account, self.samples, self.chunks, self.told = Account(), [], [], []
        board = Board("bench", Port(path, **(port or {})), **options)
        intake = Intake(board, Numbers(), self.take, self.account, self.changed)
        self.reader = Reader(board, Hearing(board, intake, self.account), self.changed)

    def take(self, board: str, samples: list[Sample], at: Chunk) -> None:
        self.samples += samples
        self.chunks.append(at)

    def changed(self) -> None:
        assert imbalances(self.account, self.account.readings) == []
        self.told.append((self.reader.state, self.reader.reason))

    def values(self) -> list[float]:
        return [sample.value for sample in self.samples]

    async def state(self, state: str, within: float = 2.0) -> None:
        await until(lambda: self.reader.state == state, within)


def held(*kinds: str) -> set[str]:
    """What the descriptors of this process name, of these kinds."""
    found = set()
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the listing's own
            found.add(os.readlink(f"/proc/self/fd/{fd}"))
    return {name for name in found if name.startswith(kinds)}


def open_ports() -> set[str]:
    return held("/dev/pts/")


async def until(condition: Callable[[], object], within: float = 2.0) -> None:
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.005)


async def pause(seconds: float) -> None:
    """Lets that much time go by: what the test is about is time itself."""
    end = time.monotonic() + seconds
    await until(lambda: time.monotonic() >= end, within=seconds + 2.0)


async def rounds() -> None:
    """Time enough for the loop to do whatever it would do."""
    for _ in range(20):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def reading(path: object, **options: object) -> AsyncIterator[Rig]:
    """A reader at work; at the end it is stopped, and no frame is missing."""
    rig = Rig(str(path), **options)
    task = asyncio.create_task(rig.reader.run())
    try:
        yield rig
        assert not task.done(), task.exception()
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()
    assert rig.reader.state == "offline"
    assert imbalances(rig.account, rig.account.readings) == []


@pytest.fixture(autouse=True)
def nothing_stays_open():
    """After each test, what it opened is closed."""
    before = held("/dev/pts/", "pipe:", "socket:")
    yield
    street.until(lambda: held("/dev/pts/", "pipe:", "socket:") <= before, "all is closed, what threads close too", 5)


@pytest.fixture
def adapter(tmp_path):
    adapter = Adapter(tmp_path)
    yield adapter
    adapter.unplug()


async def test_a_board_is_read(adapter):
    """From its first terminator on, a board's lines are readings, stamped with both clocks."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        adapter.write(b"1=99\nS1=21.5\nS1=22.5\n# text\nrubbish\nS1=23")
        await until(lambda: rig.account.frames == 5)
        assert rig.samples == [Sample("S1", 21.5, "°C"), Sample("S1", 22.5, "°C")]
        assert rig.account.bytes == 41
        assert abs(rig.chunks[0].wall - time.time()) < 2
        assert abs(rig.chunks[0].mono - time.monotonic()) < 2
        assert rig.told == [("online", None)]
        assert rig.reader.port == str(adapter.link)
    assert (rig.account.noise, rig.account.refused) == (3, {Why.NOT_A_NUMBER: 1})


async def test_unplugged_in_mid_line_and_back_under_another_number(adapter):
    """A board that goes in mid-line is closed at once, and read within 2 s of its return; no half line counts."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        adapter.write(b"\nS1=1\nS1=2")
        await until(lambda: rig.values() == [1.0])
        first = adapter.path
        adapter.unplug()
        await rig.state("offline", within=1.0)
        await until(lambda: first not in " ".join(open_ports()), within=1.0)  # nor "(deleted)"
        await until(lambda: "not there" in (rig.reader.reason or ""), within=1.0)
        guests = [os.openpty() for _ in range(2)]  # they take its number
        adapter.plug()
        assert adapter.path != first
        back = time.monotonic()
        await rig.state("online")
        adapter.write(b"9\nS1=3\n")
        await until(lambda: rig.values() == [1.0, 3.0])
        assert time.monotonic() - back < 2.0
        assert rig.account.reopened == 1
        for fd in sum(guests, ()):
            os.close(fd)


async def test_fifty_replugs_leave_nothing_behind(adapter, monkeypatch):
    """After many replugs there are as many descriptors and threads as before, and each time the board was read."""
    monkeypatch.setattr(waiting, "LOOK", 0.01)
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        adapter.unplug()
        await rig.state("offline")
        before, threads = len(os.listdir("/proc/self/fd")), threading.active_count()
        for number in range(50):
            adapter.plug()
            await rig.state("online")
            adapter.write(b"\nS1=%d\n" % number)
            await until(lambda: rig.values()[-1:] == [float(number)])  # noqa: B023  # it is awaited here
            adapter.unplug()
            await rig.state("offline")
        await until(lambda: len(os.listdir("/proc/self/fd")) == before)
        assert threading.active_count() <= threads + 2
        assert rig.account.reopened == 50
        assert rig.values() == [float(number) for number in range(50)]


async def test_a_flapping_hub(adapter):
    """A port that comes and goes every 50 ms costs little meanwhile, and is read within 2 s of its last return."""
    async with reading(adapter.link) as rig:
        used = resource.getrusage(resource.RUSAGE_SELF)
        for _ in range(20):
            adapter.plug()
            await asyncio.sleep(0.05)
            adapter.unplug()
            await asyncio.sleep(0.05)
        spent = resource.getrusage(resource.RUSAGE_SELF)
        adapter.plug()
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await until(lambda: rig.values() == [1.0])
        assert rig.account.reopened <= 20
        assert spent.ru_utime + spent.ru_stime - used.ru_utime - used.ru_stime < 0.5


@pytest.mark.parametrize("trouble", [errno.EIO, errno.ENODEV, errno.EBADF, None])
async def test_one_read_fails(adapter, monkeypatch, trouble):
    """After one failed or empty read the port is opened anew within 2 s, and only the broken line is lost."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        adapter.write(b"\nS1=1\nS1=2\nS1=3")
        await until(lambda: rig.values() == [1.0, 2.0])
        real = os.read

        def fails(fd: int, size: int) -> bytes:
            if size != ports.READ_SIZE:
                return real(fd, size)
            monkeypatch.setattr(os, "read", real)
            if trouble is None:
                return b""
            raise OSError(trouble, os.strerror(trouble))

        monkeypatch.setattr(os, "read", fails)
        adapter.write(b"0\nS1=4\nS1=5")
        await until(lambda: rig.account.reopened == 1 and rig.reader.state == "online")
        adapter.write(b"0\nS1=6\n")
        await until(lambda: rig.values() == [1.0, 2.0, 30.0, 4.0, 6.0])  # what waited behind the failed read is good
        assert [state for state, _ in rig.told] == ["online", "offline", "online"]


async def test_a_port_that_fails_again_and_again_is_tried_ever_more_rarely(adapter, monkeypatch):
    """A port that stays there and fails as soon as it is open is not hammered: the pauses grow, with full jitter."""
    adapter.plug()
    pauses = []

    async def rest(seconds: float, *_: object) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    async def fails(*arguments: object) -> None:
        raise trouble.PortError("broken")

    monkeypatch.setattr(reader, "waited", rest)
    monkeypatch.setattr(reader, "connect", fails)
    monkeypatch.setattr(reader, "opened", lambda port: asyncio.sleep(0))
    async with reading(adapter.link) as rig:
        rig.reader._chance = lambda: 1.0  # the longest that the jitter can give
        await until(lambda: len(pauses) >= 8)
    assert pauses[:8] == [0.0, 0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 5.0]


async def test_a_board_that_is_not_there_yet(adapter):
    """A board that is not plugged in is told as such, and read as soon as it is."""
    async with reading(adapter.link) as rig:
        await until(lambda: "not there" in (rig.reader.reason or ""))
        adapter.plug()
        await rig.state("online")
        assert rig.reader.reason is None
        assert rig.account.reopened == 0


async def test_a_busy_port_is_taken_when_it_is_free(adapter):
    """A port that another program holds is left alone, its holder named, and taken when it is let go."""
    adapter.plug()
    other = os.open(adapter.path, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    async with reading(adapter.link) as rig:
        await until(lambda: "in use by" in (rig.reader.reason or ""))
        assert rig.told == [("offline", rig.reader.reason)]
        os.close(other)
        await rig.state("online", within=6.0)


async def test_a_permission_that_is_given_is_noticed_at_once(adapter, monkeypatch):
    """A port that was denied is tried again as soon as its permissions change, however long the pause was to be."""
    adapter.plug()
    denied = True
    real = ports.open_port

    def guarded(port: Port) -> ports.Handle:
        if denied:
            raise trouble.PortError("no permission to open it")
        return real(port)

    monkeypatch.setattr(ports, "open_port", guarded)
    monkeypatch.setattr(reader, "delay", lambda attempts, chance: 60.0)
    async with reading(adapter.link) as rig:
        await until(lambda: "no permission" in (rig.reader.reason or ""))
        denied = False
        os.chmod(adapter.path, 0o660)
        await rig.state("online")


async def test_a_path_that_is_no_port(tmp_path):
    """A path to something else is told as such, and nothing breaks."""
    (tmp_path / "file").write_text("S1=1\n")
    async with reading(tmp_path / "file") as rig:
        await until(lambda: "no serial port" in (rig.reader.reason or ""))
        assert rig.samples == []


async def test_an_open_that_hangs_is_told_and_holds_up_no_other(adapter, tmp_path, monkeypatch):
    """While one port hangs in its open the status says so, another board is read, and no more threads are started."""
    monkeypatch.setattr(reader, "SLOW_OPEN", 0.05)
    release, opens = threading.Event(), []
    real = ports.open_port

    def hangs(port: Port) -> ports.Handle:
        if port.baud == 300:
            opens.append(port)
            release.wait(10)
        return real(port)

    monkeypatch.setattr(ports, "open_port", hangs)
    (tmp_path / "other").mkdir()
    other = Adapter(tmp_path / "other")
    adapter.plug()
    other.plug()
    async with reading(adapter.link, port={"baud": 300}) as slow, reading(other.link) as quick:
        await until(lambda: "takes long" in (slow.reader.reason or ""))
        await quick.state("online")
        other.write(b"\nS1=1\n")
        await until(lambda: quick.values() == [1.0])
        assert (slow.reader.state, len(opens)) == ("offline", 1)
        release.set()
        await slow.state("online")
        assert slow.reader.reason is None
    other.unplug()


async def test_boot_text_is_noise_while_a_board_settles(adapter):
    """What a board says in its time to settle is noise, good lines too; it is offline until then."""
    adapter.plug()
    async with reading(adapter.link, port={"settle": 0.3}) as rig:
        await until(lambda: adapter.path in open_ports())
        began = time.monotonic()
        while rig.reader.state == "offline":
            adapter.write(b"S1=85.0\nets Jun  8 2016\n")
            await asyncio.sleep(0.02)
        assert 0.2 < time.monotonic() - began < 1.0
        await until(lambda: rig.account.noise >= 4)
        settled = rig.account.noise
        adapter.write(b"\nS1=21.5\n")
        await until(lambda: 21.5 in rig.values())
        assert settled <= rig.account.noise


async def test_a_quiet_board_that_settles_is_online_in_time(adapter):
    """A board that says nothing while it settles is online when that time is over."""
    adapter.plug()
    async with reading(adapter.link, port={"settle": 0.1}) as rig:
        await rig.state("online", within=1.0)


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


async def test_a_shared_port(adapter):
    """While another program has the port open no line is taken; when it lets go they are again."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        assert rig.reader.device == device(os.stat(adapter.path))
        rig.reader.share("cat (pid 7)")
        adapter.write(b"\nS1=1\n# text\n")
        await until(lambda: rig.account.frames == 3)
        assert (rig.values(), rig.account.refused, rig.account.noise) == ([], {Why.SHARED: 1}, 2)
        rig.reader.share(None)
        adapter.write(b"S1=2\n")
        await until(lambda: rig.values() == [2.0])
        rig.reader.share("cat (pid 7)")
        adapter.unplug()
        await rig.state("offline")
        await until(lambda: rig.reader.sharer is None)


async def test_bytes_that_the_kernel_lost(adapter, monkeypatch):
    """When the driver counts a loss, the lines around it are refused, and it is counted in the account."""
    lost = Losses(3, 5)
    monkeypatch.setattr(ports.modem, "losses", lambda fd: lost)
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await until(lambda: rig.values() == [1.0])
        assert rig.account.overruns == 0
        lost = Losses(5, 6)
        adapter.write(b"S1=2\n")
        await until(lambda: rig.account.refused == {Why.OVERRUN: 1})
        assert (rig.account.overruns, rig.account.line_errors) == (2, 1)
        await pause(trust.HOLD)
        adapter.write(b"S1=3\n")
        await until(lambda: rig.values() == [1.0, 3.0])


async def test_a_board_that_talks_is_not_silent(adapter):
    """Each byte starts the time anew, and while the board talks nobody looks after it."""
    adapter.plug()
    async with reading(adapter.link, silent=0.2) as rig:
        await rig.state("online")
        for _ in range(40):
            adapter.write(b"S")
            await asyncio.sleep(0.01)
        assert rig.told == [("online", None)]


async def test_the_usual_interval_is_learnt(adapter):
    """The interval between a board's frames is known after some of them, and is not learnt across an outage."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        for _ in range(6):
            adapter.write(b"S1=1\n")
            await asyncio.sleep(0.05)
        learnt = rig.reader.hearing.interval
        assert learnt == pytest.approx(0.05, rel=0.5)
        adapter.unplug()
        await rig.state("offline")
        adapter.plug()
        await rig.state("online")
        adapter.write(b"S1=1\n")
        await until(lambda: rig.account.bytes == 35)
        assert rig.reader.hearing.interval == learnt


async def test_a_link_that_never_hung_up(adapter, monkeypatch):
    """When a silent port's path names another device, the old one is let go although it never said that it is gone."""
    monkeypatch.setattr(reader, "LOOK_WHEN_SILENT", 0.05)
    adapter.plug()
    async with reading(adapter.link, silent=0.1) as rig:
        await rig.state("silent")
        old, old_path = adapter.main, adapter.path
        adapter.plug()
        await until(lambda: rig.account.reopened == 1)
        await rig.state("online")
        assert old_path not in open_ports()
        assert any("another device" in (reason or "") for _, reason in rig.told)
        adapter.write(b"\nS1=1\n")
        await until(lambda: rig.values() == [1.0])
        os.close(old)


async def test_a_paused_board_waits(adapter):
    """A paused reader takes nothing and is not called silent; when it goes on, what waited is read."""
    adapter.plug()
    async with reading(adapter.link, silent=0.1) as rig:
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await until(lambda: rig.values() == [1.0])
        rig.reader.pause()
        adapter.write(b"S1=2\n")
        paused = time.monotonic()
        await until(lambda: time.monotonic() > paused + 0.3)
        assert rig.values() == [1.0]
        assert rig.told == [("online", None)]
        rig.reader.resume()
        await until(lambda: rig.values() == [1.0, 2.0])


async def test_a_paused_board_that_is_unplugged(adapter):
    """A reader that is paused still lets go of a port within a second of its loss, and stays paused on the next one."""
    adapter.plug()
    async with reading(adapter.link) as rig:
        await rig.state("online")
        rig.reader.pause()
        adapter.unplug()
        await rig.state("offline", within=1.0)
        assert adapter.path not in open_ports()
        adapter.plug()
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await rounds()
        assert rig.samples == []
        rig.reader.resume()
        await until(lambda: rig.values() == [1.0])


async def test_too_many_sensors(adapter):
    """A board that names ever new sensors keeps those that it may have; the others' values are refused."""
    adapter.plug()
    async with reading(adapter.link, max_sensors=3) as rig:
        await rig.state("online")
        adapter.write(b"\n" + b"".join(b"S%d=1\n" % number for number in range(10)))
        await until(lambda: rig.account.values == 10)
        assert [sample.sensor for sample in rig.samples] == ["S0", "S1", "S2"]
        assert rig.account.refused_values == {Why.TOO_MANY_SENSORS: 7}


async def test_a_bare_device_is_followed_by_its_stable_path(adapter, monkeypatch):
    """A board that was named by its bare number is known by its stable path once it was seen, and found there again."""
    adapter.plug()
    bare = adapter.path
    monkeypatch.setattr(reader, "stable_path", lambda path: str(adapter.link) if path == bare else path)
    async with reading(bare) as rig:
        await rig.state("online")
        assert rig.reader.port == str(adapter.link)
        adapter.unplug()
        await rig.state("offline")
        guest, guest_end = os.openpty()  # another adapter takes the number
        adapter.plug()
        await rig.state("online")
        adapter.write(b"\nS1=1\n")
        await until(lambda: rig.values() == [1.0])
        os.close(guest)
        os.close(guest_end)


async def test_a_serial_server_goes_and_comes_back():
    """A board behind a serial server is read, is offline when the server closes, and is read again when it is back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        async with reading(f"socket://127.0.0.1:{address[1]}") as rig:
            await rig.state("online")
            far, _ = server.accept()
            far.sendall(b"\nS1=1\nS1=2")
            await until(lambda: rig.values() == [1.0])
            server.close()
            far.close()
            await rig.state("offline", within=1.0)
            await until(lambda: "cannot be reached" in (rig.reader.reason or ""))
            with socket.create_server(address) as again:
                await rig.state("online", within=6.0)
                far, _ = again.accept()
                far.sendall(b"\nS1=3\n")
                await until(lambda: rig.values() == [1.0, 3.0])
                far.close()


async def test_a_stop_in_the_middle_of_an_open(adapter, monkeypatch):
    """A reader that is stopped while its port hangs in the open ends at once; the port is closed when it comes."""
    release = threading.Event()
    real = ports.open_port
    monkeypatch.setattr(ports, "open_port", lambda port: real(port) if release.wait(10) else None)
    adapter.plug()
    async with reading(adapter.link):
        await until(lambda: any(thread.name.startswith("open") for thread in threading.enumerate()))
        assert open_ports() == set()
    release.set()
    await until(lambda: not any(thread.name.startswith(("open", "close")) for thread in threading.enumerate()))
    assert adapter.path not in open_ports()
