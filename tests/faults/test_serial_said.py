"""Rows F06 to F10 and F13: what boards say: nothing, too much, in pieces, at another rate, all over again."""

import itertools
import os
import time
from collections.abc import Iterator

import pytest

from tests.faults import tree
from tests.faults.ports import SENSORS, given_up, told_once
from tests.faults.rows import lasting, row
from tests.faults.typist import Typist
from tests.street import until

BROKER = ("broker.lost", "broker.recovered")
SILENT = ("board.silent", "board.recovered")


@row(
    "F06",
    field="A board falls silent, its port stays open.",
    happens="It writes nothing for a minute, then goes on; opening the port anew does not help it.",
    promised="`silent` after the larger of 30 s and 5 usual intervals, or as configured; the port is opened anew, ever "
    "more rarely, and neither log nor status flap; `online` within 1 s of the next frame; no value is said twice.",
    fast=True,
    full=100,
)
def test_f06_silent(scene):
    patience = lasting(30, 2, 1)
    s = scene(each="" if patience == 30 else f'silent = "{patience:g}s"')
    s.steady()
    attic = s.boards["attic"]
    with s.fault():
        attic.fault("stall", lasting(75, 6, 3))
        s.noticed("board.silent", patience + 2)
        heard = len(s.judge.readings)
        s.until(lambda: s.status("attic").get("state") == "silent", "the status says so", 2)
        quiet = [key for key in s.judge.readings if key[0] == "attic"]
        s.until(lambda: time.monotonic() > attic._quiet - 0.2, "the silence is nearly over", 80)
        s.judge.listen()
        assert quiet == [key for key in s.judge.readings if key[0] == "attic"]
        s.prove(len(s.judge.readings) > heard, "the others talk on, and it does not")
        s.until(lambda: time.monotonic() > attic._quiet, "the silence is over", 2)
    s.back(within=1.5)
    s.until(lambda: s.status("attic").get("state") == "online", "online again", 2)
    document = s.status("attic")
    assert document["silences"] == 1
    assert 1 <= document["reopened"] <= 3
    states = [heard.document["state"] for heard in s.judge.documents["gateway/gw/attic/status"]]
    assert [state for state, _ in itertools.groupby(states)][-3:] == ["online", "silent", "online"]
    lost = given_up(s, SENSORS, "attic")  # the line after a port that was opened in that very moment
    s.over(told=[SILENT], lost=lost, bystanders=["bench", "cellar"])


@row(
    "F07",
    field="The whole machine stalls, and the kernel's buffers overrun.",
    happens="SIGSTOP on the gateway for 10 s, with 5 kB/s a board.",
    promised="The torn line is refused; the gap in the boards' numbers is what they dropped; latency is normal after "
    "5 s.",
    full=60,
)
def test_f07_the_machine_stalls(scene):
    s = scene(
        boards={name: {"kind": "json"} for name in ("bench", "attic", "cellar")}, rate=80,
        timers={"documents": lasting(30, 3)},
    )  # fmt: skip
    s.steady()
    with s.fault():
        os.kill(s.pid, 19)
        s.prove(lambda: tree.state(s.pid) == "T", "the gateway is stopped")
        s.until(lambda: all(board.written.dropped > 0 for board in s.boards.values()), "all boards drop lines", 20)
        s.prove(all(board.written.dropped > 0 for board in s.boards.values()), "the boards had to drop lines")
        os.kill(s.pid, 18)
    s.back(within=5)
    for name, board in s.boards.items():
        dropped = board.written.dropped
        s.until(
            lambda name=name, dropped=dropped: s.status(name).get("count_gaps") == dropped,
            f"{name}: the gap is told: {dropped}", 35,
        )  # fmt: skip
        assert sum(s.status(name)["refused"].values()) <= 3
    s.over(excepted=["lag"])


@row(
    "F08",
    field="Chunks are cut anywhere: in a number, in a character, between CR and LF; a port is opened in mid-line.",
    happens="A board's lines arrive byte by byte, another's cut in two at each place in turn.",
    promised="The same readings, bit for bit; what comes before the first end of line is noise.",
    fast=True,
)
def test_f08_cut_anywhere(scene):
    s = scene(boards={"bytes": {"kind": None}, "halves": {"kind": None}}, each=Typist.EACH, start=False)
    log = s.folder / "gateway.log"

    def late(line: bytes, number: int) -> Iterator[bytes]:
        """The first line's second half comes when the port is open: "1.1250" of "21.1250"."""
        place = number % len(line) if number > 18 else 1
        yield line[:place]
        if number == 18:
            until(lambda: log.exists() and log.read_text().count('"board.online"') == 2, "both are open")
        yield line[place:]

    with s.fault():
        Typist(s, "bytes", rate=20, cut=lambda line, number: [line[i : i + 1] for i in range(len(line))])
        Typist(s, "halves", rate=200, cut=late, numbers=itertools.count(18))
        s.start()
        s.steady(10)
        s.prove(len(s.judge.written.sent) > 100, "lines were cut")
    s.hold(20, ci=8, fast=5)
    first = {name: min(key[2] for key in s.judge.readings if key[0] == name) for name in s.boards}
    assert first["halves"] == 19, "half a line was a value"
    early = {key for key in s.judge.missing() if key[2] < first[key[0]]}
    s.over(lost=len(early), excepted=["latency"])
    assert s.judge.missing() <= early


@row(
    "F09",
    field="The baud rate is wrong: garbage.",
    happens="The board goes on at another rate for 30 s.",
    promised='None of it is accepted; the status says "garbage, wrong baud?" within 5 s; memory stays flat.',
)
@pytest.mark.parametrize("baud", [57_600, 9600, 230_400])
def test_f09_wrong_baud(scene, baud):
    s = scene()
    s.steady()
    attic = s.boards["attic"]
    with s.fault():
        attic.fault("baud", baud)
        s.noticed("board.refusing", 5)
        s.until(
            lambda: "garbage, wrong baud?" in str(s.status("attic")["faults"].get("refusing", {}).get("text")),
            "the status asks for the baud rate", 2,
        )  # fmt: skip
        s.prove(attic.written.damaged > 0, "lines were garbled")
        s.hold(30, ci=5)
        attic.fault("baud", 115_200)
    s.back(within=5)
    s.until(lambda: "refusing" not in s.status("attic")["faults"], "the status is clean again", 10)
    refused = s.status("attic")["refused"].get("garbage", 0)
    s.told["refused_as_garbage"] = refused
    lost = given_up(s, (refused + 3) * SENSORS, "attic")
    told_once(s, "attic", "board.refusing", "board.accepting", "refusing")
    s.over(lost=lost, bystanders=["bench", "cellar"])


@row(
    "F10",
    field="A board babbles.",
    happens="Valid lines as fast as the port takes them, for a minute, beside 8 quiet boards.",
    promised="The quiet boards are as quick as before; the babbler is read as fast as the machine can, and what is "
    "shed of it is exactly counted.",
    floods=True,
    full=120,
)
def test_f10_a_babbling_board(scene):
    quiet = [f"quiet{number}" for number in range(8)]
    s = scene(
        boards={"babbler": {"kind": "json"}} | {name: {"rate": 10} for name in quiet},
        mqtt='payload = "rows"',
    )
    s.steady()
    babbler = s.boards["babbler"]
    before = babbler.written.lines
    with s.fault():
        babbler.fault("flood", lasting(60, 6))
        s.until(lambda: time.monotonic() > babbler._flood, "the flood is over", 70)
        said = babbler.written.lines - before
        s.told["lines_per_s"] = round(said / (time.monotonic() - s.began))
        s.prove(said > 5000, "it babbled")
    s.back(within=5)
    s.over(bystanders=quiet, dropped=["shed"])


@row("F10", floods=True, full=60)
def test_f10_a_babbling_board_in_an_outage(scene):
    quiet = [f"quiet{number}" for number in range(8)]
    boards = {"babbler": {"kind": "json"}} | {name: {"rate": 10} for name in quiet}
    s = scene(boards=boards, mqtt='payload = "rows"', extra='[spool]\nmax_bytes = "1MB"')
    s.steady()
    babbler = s.boards["babbler"]
    with s.fault():
        s.broker.stop()
        s.noticed("broker.lost", 1)
        babbler.fault("flood", lasting(10, 6))
        s.until(lambda: time.monotonic() > babbler._flood, "the flood is over", 20)
        s.broker.start()
    s.back(within=10)
    s.until(lambda: s.status("babbler")["dropped"], "what was given up is counted", 35)
    s.prove(sum(s.status("babbler")["dropped"].values()) > 1000, "more came than there is room for")
    # lost: what the broker had handed on and not acknowledged as it went was given up, and arrived all the same
    s.over(told=[BROKER], lost=1, dropped=["shed", "spool_full"], excepted=["memory", "latency", "lag"])
    assert not {key for key in s.judge.missing() if key[0] != "babbler"}


@row(
    "F13",
    field="A board restarts: a banner, a menu, its numbers from 0.",
    happens="A real boot text, then numbers from 0.",
    promised="The banner is noise or refused, none of it a value; `board.restarted` is told; no gap is counted.",
)
def test_f13_a_board_restarts(scene):
    banner = (
        b"ets Jun  8 2016 00:22:57\r\n\r\nrst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)\r\n"
        b"configsip: 0, SPIWP:0xee\r\nmode:DIO, clock div:2\r\nload:0x3fff0030,len:1184\r\nentry 0x400805e4\r\n"
        b"\x1b[0;32mI (31) boot: ESP-IDF v4.4 2nd stage bootloader\x1b[0m\r\n1) settings\r\n2) start\r\n> \r\n"
    )
    s = scene(
        boards={"attic": {"kind": None}, "cellar": {"kind": None}}, each=Typist.EACH,
        timers={"documents": lasting(30, 3)},
    )  # fmt: skip
    Typist(s, "cellar")
    again = int(lasting(1000, 250, 200))
    numbers = itertools.chain(range(100_000, 100_000 + again), range(100_000))
    Typist(s, "attic", rate=50, numbers=numbers, before=lambda number: banner if number == 0 else b"")
    s.steady()
    with s.fault():
        s.until(lambda: ("attic", "T1", 0) in s.judge.written.sent, "it restarts", 40)
        s.began = time.monotonic()
        s.noticed("board.restarted", 3)
        s.prove(s.judge.written.sent["attic", "T1", 0], "its numbers have begun anew")
    s.back(within=2)
    early = {key for key in s.judge.missing() if key[0] == "attic" and key[2] >= 100_000}
    s.until(lambda: s.status("attic").get("restarts") == 1, "it is counted", 35)
    assert s.status("attic")["count_gaps"] == 0
    assert set(s.status("attic")["refused"]) <= {"wrong_columns"}  # two of its lines look like rows of another width
    assert len(early) < 100
    s.over(lost=len(early) + 100, bystanders=["cellar"])
    assert s.times("board.restarted") == 1
