"""Rows F01 to F14: ports and boards."""

import contextlib
import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import tree
from tests.faults.rows import lasting, row
from tests.faults.scene import Scene
from tests.faults.typist import Typist
from tests.street import ROOT, until

AWAY = ("board.offline", "board.recovered")
BROKER = ("broker.lost", "broker.recovered")
SILENT = ("board.silent", "board.recovered")
SENSORS = 4  # of a scene's boards


def open_in(pid: int) -> list[str]:
    """What the descriptors of a process name."""
    names = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):  # closed meanwhile
            names.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return names


def let_go(s: Scene, device: str, within: float) -> None:
    """The gateway holds the device no more, gone or not."""
    s.until(lambda: not any(name.split()[0] == device for name in open_in(s.pid)), f"{device} is let go", within)


def given_up(s: Scene, most: int, *boards: str) -> int:
    """How many readings of these boards (all) the row gives up by now: not more than `most` are missing."""
    names, until = boards or tuple(s.boards), time.monotonic()
    sent = {key for key, (_, at) in dict(s.judge.written.sent).items() if key[0] in names and at < until}
    s.until(lambda: len(s.judge.missing() & sent) <= most, f"of {names} at most {most} are missing", 10)
    return most


def told_once(s: Scene, board: str, start: str, end: str, fault: str) -> None:
    """One event at the start and one at the end; the board's document is clean within 2 s of that."""
    assert (s.times(start), s.times(end)) == (1, 1), s.gateway.events()
    ended = s.events(end)[0]["mono"]

    def clean() -> bool:
        heard = s.judge.documents[f"gateway/gw/{board}/status"]
        after = [one for one in heard if one.at > ended - 0.1 and fault not in one.document["faults"]]
        return bool(after) and after[0].at <= ended + 2

    s.until(clean, f"{board}'s status is clean 2 s after {end}", 3)


def command(*arguments: str, prefix: tuple[str, ...] = ()) -> "subprocess.CompletedProcess[str]":
    """Runs `gateway ARGUMENTS`."""
    program = [*prefix, sys.executable, "-m", "gateway", *arguments]
    return subprocess.run(program, cwd=ROOT, capture_output=True, text=True, timeout=60)


@contextlib.contextmanager
def strace(s: Scene, *options: str):
    """strace on the gateway; gives its log, once it is attached."""
    log = s.folder / "strace.log"
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(s.pid), "-o", str(log), *options], stderr=subprocess.PIPE, text=True
    )
    try:
        assert tracer.stderr is not None and "attached" in tracer.stderr.readline()
        yield log
    finally:
        tracer.terminate()
        tracer.communicate(timeout=10)


@row(
    "F01",
    field="A board is unplugged in mid-line and plugged in again.",
    happens="Half a line, then the port hangs up and vanishes; 3 s later it is back under another number.",
    promised="`offline` within 1 s, our descriptor closed within 1 s, so that the kernel can give the number again; "
    "read within 2 s of its return; the half line is noise, and no part of a line is a value.",
    fast=True,
)
def test_f01_unplugged_in_mid_line(scene):
    s = scene()
    s.steady()
    attic, device = s.boards["attic"], s.boards["attic"].device
    with s.fault():
        attic.fault("unplug", lasting(3, 3, 1.5))
        s.until(lambda: attic.fd is None, "it is unplugged", 2)
        s.began = time.monotonic()
        s.prove(not os.path.exists(device), "its port has vanished")
        s.noticed("board.offline", 1)
        let_go(s, device, 1)
        s.until(lambda: attic.fd is not None, "it is plugged in again", 5)
        s.prove(attic.device != device, "under another number")
    s.back(within=2)
    s.until(lambda: s.status("attic").get("reopened") == 1, "the board's document tells of it", 35)
    assert s.status("attic")["noise"] > 0
    s.over(told=[AWAY], lost=given_up(s, 2 * SENSORS, "attic"), bystanders=["bench", "cellar"])


@row(
    "F01",
    full=1500,
)
def test_f01_a_thousand_times(scene):
    s = scene(rate=20)
    s.steady()
    attic = s.boards["attic"]
    times, slowest = int(lasting(1000, 60)), 0.0
    with s.fault():
        for _ in range(times):
            attic.unplug()
            s.until(lambda: not any("/dev/pts/" in name for name in open_in(s.pid) if "deleted" in name), "let go", 2)
            back = time.monotonic()
            attic.plug()
            slowest = max(slowest, s.arrive(back, 10, "it is read again", ["attic"]))
        s.prove(attic.path and times >= 60, f"unplugged {times} times")
    s.told["slowest_back"] = round(slowest, 2)
    assert slowest <= 2.0
    s.until(lambda: s.status("attic").get("reopened") == times, "each time is counted", 35)
    in_the_port = given_up(s, times * SENSORS * 2, "attic")  # as the plug was pulled
    s.over(lost=in_the_port, bystanders=["bench", "cellar"])


@row(
    "F02",
    field="After a reboot ttyUSB0 and ttyUSB1 have changed places.",
    happens="Between two runs both get other numbers, in the other order, and their links follow.",
    promised="Every reading is under the right board; `check` warns of a bare number and gives the stable path.",
    fast=True,
)
def test_f02_changed_places(scene, tmp_path):
    s = scene(boards={"bench": {}, "attic": {}})
    s.steady()
    bench, attic = s.boards["bench"], s.boards["attic"]
    before = bench.device, attic.device
    with s.fault():
        bench.stop()
        attic.stop()
        s.until(lambda: not s.judge.missing(), "all that was written is here", 10)
        assert s.gateway.stop() == 0
        bench.unplug()
        attic.unplug()
        attic.plug()
        bench.plug()
        s.prove(bench.device != before[0] and attic.device != before[1], "each has another number")
        bench._stopped = attic._stopped = False
        s.start()
    s.arrive(s.healed, 20, "readings after the swap")
    s.until(lambda: len(s.judge.written.sent) > 1200, "enough to be judged by", 20)
    s.baseline = s.reading()
    bare = tmp_path / "bare.toml"
    bare.write_text(f'[[boards]]\nname = "b"\nport = "{bench.device}"\n')
    warned = command("check", "-c", str(bare))
    assert "may be another board after a restart" in warned.stdout + warned.stderr
    s.over(lost=given_up(s, 2 * 2 * SENSORS))  # a line at each open


@row(
    "F03",
    field="A hub browns out: all ports go, and come back in any order, some flapping.",
    happens="12 ports hang up within 100 ms and return over 5 s; three of them flap 20 times, open for 200 ms.",
    promised="Each is back within 2 s of its last return; under 20 % of one core meanwhile; one log line a board and "
    "state, with the number of those that it holds.",
    full=60,
)
def test_f03_a_hub_browns_out(scene):
    names = [f"b{number:02}" for number in range(12)]
    s = scene(boards=names, rate=5, sensors=4)
    s.steady()
    flapping, order = names[:3], names[3:]
    s.dice.shuffle(order)
    last: dict[str, float] = {}
    with s.fault():
        for name in names:
            s.boards[name].unplug()
        s.prove(time.monotonic() - s.began < 0.5, "all are gone at once")
        used, since = tree.cpu(s.pid), time.monotonic()
        for step in range(20):
            for name in flapping:
                s.boards[name].plug()
            for name in order[step // 2 : step // 2 + 1] if step % 2 == 0 else ():
                s.boards[name].plug()
                last[name] = time.monotonic()
            s.spend(0.2)
            if step < 19:
                for name in flapping:
                    s.boards[name].unplug()
                s.spend(0.1)
        last |= dict.fromkeys(flapping, time.monotonic() - 0.2)
        share = (tree.cpu(s.pid) - used) / (time.monotonic() - since)
        s.told["cpu_share"] = round(share, 3)
        assert set(last) == set(names)
    for name in names:
        s.arrive(last[name], max(0.1, last[name] + 2 - time.monotonic()), f"{name} is back in 2 s", [name])
    assert share < 0.2, f"{share:.0%} of a core"
    for name in names:
        lines = [event for event in s.gateway.events() if event.get("board") == name]
        assert len([line for line in lines if line["event"] == "board.offline"]) <= 3
    s.over(lost=given_up(s, 12 * SENSORS * 2))


@row(
    "F04",
    field="One read fails (EIO), without a hang-up.",
    happens="strace gives one read of the board's port EIO.",
    promised="The port is closed and opened again within 2 s, which is counted; nothing is lost but what broke.",
    full=60,
)
def test_f04_one_read_fails(scene):
    s = scene()
    s.steady()
    device = s.boards["attic"].device
    with s.fault():
        with strace(s, "-P", device, "-e", "trace=read", "-e", "inject=read:error=EIO:when=50") as log:
            s.until(lambda: "INJECTED" in log.read_text(), "the read fails", 20)
            s.began = time.monotonic()
            s.prove(log.read_text().count("INJECTED") == 1, "one read has failed")
            s.noticed("board.offline", 2)
            s.arrive(s.began, 2, "read again", ["attic"])
        s.until(lambda: s.status("attic").get("reopened") == 1, "it is counted", 35)
    s.back(within=2)
    lost = given_up(s, 2 * SENSORS, "attic")
    s.over(told=[AWAY], lost=lost, bystanders=["bench", "cellar"], excepted=["latency", "lag"])


@row(
    "F05",
    field="Opening a port takes seconds, is denied, or its path is not there.",
    happens="strace delays each open of the port by 5 s; the port has no permission for our user; the path dangles.",
    promised="The loop is never 0.1 s late; tried again within 5 s; the status gives the reason, and the command "
    "that gives a permission.",
    full=60,
)
def test_f05_opening_takes_seconds(scene):
    s = scene()
    s.steady()
    attic = s.boards["attic"]
    with s.fault():
        attic.unplug()
        s.noticed("board.offline", 1)
        with strace(s, "-e", "trace=openat", "-e", "inject=openat:delay_enter=5000000", "-P", attic_next(attic)) as log:
            attic.plug()
            s.until(lambda: "takes long to open" in str(s.status("attic").get("reason")), "the status says so", 6)
            s.until(lambda: "DELAYED" in log.read_text(), "the open was delayed", 10)
            s.prove("DELAYED" in log.read_text(), "an open has taken 5 s")
            s.arrive(time.monotonic(), 10, "it is read", ["attic"])
    lost = given_up(s, 2 * SENSORS, "attic")
    s.over(told=[AWAY], lost=lost, bystanders=["bench", "cellar"], excepted=["latency"])


def attic_next(board) -> str:
    """The path by which the gateway opens a board: its link, which stays."""
    return str(board._link)


@row("F05", root=True, full=60)
def test_f05_no_permission(scene):
    s = scene(prefix=["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all", "--"])
    s.steady()
    attic = s.boards["attic"]
    with s.fault():
        attic.unplug()
        s.noticed("board.offline", 1)
        attic.plug()
        os.chmod(attic.device, 0)
        s.until(lambda: "no permission" in str(s.status("attic").get("reason")), "the status says so", 5)
        s.prove("no permission" in s.status("attic")["reason"], "it was denied")
        assert "sudo usermod -aG" in s.status("attic")["reason"]
        s.hold(10, ci=4)
        os.chmod(attic.device, 0o620)
    s.back(within=2)
    s.over(told=[AWAY], lost=given_up(s, 4 * SENSORS, "attic"), bystanders=["bench", "cellar"])


@row("F05", full=60)
def test_f05_no_path(scene):
    s = scene(start=False)
    s.boards["attic"].unplug()
    s.start()
    with s.fault():
        s.arrive(time.monotonic(), 20, "the others are read", ["bench", "cellar"])
        s.until(lambda: "is not there" in str(s.status("attic").get("reason")), "the status says so", 5)
        s.prove(s.status("attic")["state"] == "offline", "it is not there")
        s.steady_from = time.monotonic()
        s.hold(10, ci=3)
        s.steady_to = time.monotonic()
        s.boards["attic"].plug()
    s.back(within=2)
    s.baseline = s.reading()
    s.over(bystanders=["bench", "cellar"])


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
    s = scene(boards={name: {"kind": "json"} for name in ("bench", "attic", "cellar")}, rate=80)
    s.steady()
    with s.fault():
        os.kill(s.pid, 19)
        s.prove(lambda: tree.state(s.pid) == "T", "the gateway is stopped")
        s.spend(10)
        s.prove(all(board.written.dropped > 0 for board in s.boards.values()), "the boards had to drop lines")
        os.kill(s.pid, 18)
    s.back(within=5)
    s.spend(5)
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
    fast=True,
)
@pytest.mark.parametrize("baud", [57_600, *(pytest.param(one, marks=pytest.mark.slow) for one in (9600, 230_400))])
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
        s.hold(30)
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
    full=120,
)
def test_f10_a_babbling_board(scene):
    quiet = [f"quiet{number}" for number in range(8)]
    s = scene(boards={"babbler": {"kind": "json"}} | {name: {"rate": 10} for name in quiet}, mqtt='payload = "rows"')
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


@row("F10", full=60)
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
    "F11",
    field="Two programs are on one port.",
    happens="A second gateway with the same port; then a plain `cat`.",
    promised="The second gateway names the holder and leaves the board alone. The `cat` is found: the status says "
    "`shared`, with its name, within 10 s; no line is taken while it lasts.",
    full=60,
)
def test_f11_a_second_gateway(scene, tmp_path):
    s = scene()
    s.steady()
    text = s.text.replace('id = "gw"', 'id = "second"').replace(f"{s.folder / 'state'}", f"{tmp_path / 'its-state'}")
    with s.fault():
        second = s.another(tmp_path / "second", text)
        holder = f"(pid {s.pid})"

        def named() -> bool:
            s.judge.listen()
            heard = s.judge.documents.get("gateway/second/attic/status", [])
            return bool(heard) and holder in str(heard[-1].document["reason"])

        s.until(named, "the second names the first", 20)
        s.prove(second.process.poll() is None, "the second runs")
        s.hold(5)
        assert second.stop() == 0
        assert s.judge.documents["gateway/second/attic/status"][-1].document["bytes"] == 0
    s.back(within=2)
    s.over(bystanders=list(s.boards), excepted=["latency"])  # a second gateway takes its share of the machine


@row("F11", full=60)
def test_f11_a_cat(scene):
    s = scene()
    s.steady()
    attic = s.boards["attic"]
    taken = s.folder / "cat.txt"
    with s.fault():
        with taken.open("wb") as out:
            cat = subprocess.Popen(["cat", attic.device], stdout=out)
        s.stack.callback(cat.kill)
        s.until(lambda: attic.device in open_in(cat.pid), "cat has it open", 5)
        s.prove(cat.poll() is None, "cat reads from it")
        s.until(lambda: "shared" in s.status("attic")["faults"], "the status says so", 10)
        assert f"cat (pid {cat.pid})" in s.status("attic")["faults"]["shared"]["text"]
        s.noticed("board.shared", 10)
        since = time.monotonic()
        s.hold(20, ci=5)
        fresh = [key for key in s.judge.readings if key[0] == "attic" and s.judge.written.sent[key][1] > since]
        assert not fresh, "lines were taken while it was shared"
        cat.kill()
        cat.wait(5)
    s.until(lambda: "shared" not in s.status("attic")["faults"], "the status is clean again", 8)
    s.healed = time.monotonic()
    s.back(within=2)
    stolen = taken.read_bytes().count(b"\n")
    s.told["stolen_lines"] = stolen
    s.until(lambda: s.status("attic")["refused"].get("shared"), "lines were refused", 35)
    refused = sum(s.status("attic")["refused"].values())
    lost = given_up(s, (stolen + refused + 60) * SENSORS, "attic")
    told_once(s, "attic", "board.shared", "board.unshared", "shared")
    s.over(lost=lost, bystanders=["bench", "cellar"])


@row(
    "F12",
    field="Looking at a board resets it, since opening its port raises DTR.",
    happens="strace on `ports`, `check` and `init` beside a running gateway.",
    promised="Not one open of a tty that is held; none at all of `ports` and `check`.",
)
def test_f12_nothing_is_opened(scene):
    s = scene()
    s.steady()
    devices = {board.device for board in s.boards.values()} | {board.path for board in s.boards.values()}
    with s.fault():
        for number, words in enumerate((["ports"], ["ports", "--json"], ["check", "-c"], ["init", "-o", "-"])):
            log = s.folder / f"opens-{number}.log"
            prefix = ("strace", "-f", "-e", "trace=open,openat", "-o", str(log))
            arguments = [*words, str(s.gateway.file)] if words[0] == "check" else words
            done = command(*arguments, prefix=prefix)
            assert done.returncode in (0, 1), done.stderr
            opened = re.findall(r'open(?:at)?\(.*?"([^"]+)"', log.read_text())
            s.prove(len(opened) > 50, f"strace saw {words[0]} at work")
            assert not devices & set(opened), devices & set(opened)
            assert not [path for path in opened if re.match(r"/dev/(tty[A-Z]|pts/\d)", path)]
    s.back(within=2)
    assert all(s.status(name)["reopened"] == 0 for name in s.boards)
    s.over(bystanders=list(s.boards))


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
    s = scene(boards={"attic": {"kind": None}, "cellar": {"kind": None}}, each=Typist.EACH)
    Typist(s, "cellar")
    again = int(lasting(1000, 300, 200))
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


@row(
    "F14",
    field="Two adapters have the same serial number, or none.",
    happens="Two links by path and one by id, in a /dev/serial of their own.",
    promised="`ports` and `init` take the path for both; both are read.",
    root=True,
)
def test_f14_twins(scene):
    s = scene(boards={"bench": {}, "attic": {}}, start=False)
    links = {
        "by-id/usb-1a86_USB_Serial-if00-port0": s.boards["attic"].device,
        "by-path/platform-usb-0:1.1:1.0-port0": s.boards["bench"].device,
        "by-path/platform-usb-0:1.2:1.0-port0": s.boards["attic"].device,
    }
    made = "".join(f"ln -s {target} /dev/serial/{link}; " for link, target in links.items())
    inside = f'mount -t tmpfs none /dev/serial; mkdir /dev/serial/by-id /dev/serial/by-path; {made} exec "$@"'
    Path("/dev/serial").mkdir(exist_ok=True)
    try:
        prefix = ("unshare", "-m", "sh", "-c", inside, "sh")
        with s.fault():
            listed = json.loads(command("ports", "--json", prefix=prefix).stdout)
            found = {port["path"] for port in (listed["ports"] if isinstance(listed, dict) else listed)}
            paths = {f"/dev/serial/{link}" for link in links if link.startswith("by-path")}
            s.prove(paths <= found, "both are there, by path")
            assert not [path for path in found if "by-id" in path]
            written = command("init", "-o", "-", prefix=prefix).stdout
            assert all(f'port = "{path}"' in written for path in paths), written
            for link, name in zip(sorted(paths), ("bench", "attic"), strict=True):
                s.text = s.text.replace(f'port = "{s.boards[name].path}"', f'port = "{link}"')
            assert s.text.count("by-path") == 2
            s._prefix = prefix
            s.start()
        s.steady()
        s.over()
    finally:
        Path("/dev/serial").rmdir()
