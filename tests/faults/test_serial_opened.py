"""Rows F05, F11, F12 and F91: ports that cannot be opened at once, that others have, or that are not to be opened."""

import json
import os
import re
import subprocess
import sys
import time

from tests.faults import tree
from tests.faults.ports import AWAY, SENSORS, command, given_up, told_once
from tests.faults.rows import row
from tests.faults.strace import Strace
from tests.street import ROOT


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
        slow, paths = "openat:delay_enter=5000000", (attic._link,)  # the link stays, and is what the gateway opens
        with Strace(s.pid, s.folder / "strace.log", slow, paths=paths) as strace:
            attic.plug()
            s.until(lambda: "takes long to open" in str(s.status("attic").get("reason")), "the status says so", 6)
            s.until(lambda: "DELAYED" in strace.seen, "the open was delayed", 10)
            s.prove("DELAYED" in strace.seen, "an open has taken 5 s")
            s.arrive(time.monotonic(), 10, "it is read", ["attic"])
    lost = given_up(s, 2 * SENSORS, "attic")
    s.over(told=[AWAY], lost=lost, bystanders=["bench", "cellar"], excepted=["latency"])


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
        s.until(lambda: attic.device in tree.opened(cat.pid, attic.device), "cat has it open", 5)
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
    if not stolen:  # who reads first has it: nearly always the other one, which waits for nothing else
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


SITS = """
import fcntl, os, sys, time
while not os.path.exists(sys.argv[1]):
    time.sleep(0.001)
port = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
fcntl.flock(port, fcntl.LOCK_EX)
print("it has it", flush=True)
time.sleep(float(sys.argv[2]))
"""


@row(
    "F91",
    field="Another program sits on each port that is new, as modem and braille daemons do.",
    happens="The board is plugged in again, and another program opens and locks its port at once, for 5 s.",
    promised="The status names the program; the port is tried again, and read within 5 s of its being free. `gateway "
    "doctor` names the program as well, with the command that ends it; the other boards are as before.",
    full=60,
)
def test_f91_another_program_is_faster(scene):
    s = scene()
    s.steady()
    attic = s.boards["attic"]
    with s.fault():
        attic.unplug()
        s.noticed("board.offline", 1)
        words = [sys.executable, "-c", SITS, attic._link, "5"]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as other:
            attic.plug()
            s.prove(other.stdout.readline() == b"it has it\n", "the other program has the port")
            held = f"(pid {other.pid})"
            s.until(lambda: held in str(s.status("attic").get("reason")), "the status names it", 5)
            done = subprocess.run(
                [sys.executable, "-m", "gateway", "doctor", "--json", "-c", s.gateway.file],
                cwd=ROOT, capture_output=True, text=True,
            )  # fmt: skip
            (told,) = [one for one in json.loads(done.stdout)["findings"] if one["what"] == "port" and one["mend"]]
            assert held in told["says"] and told["mend"] == f"sudo kill {other.pid}" and "attic" in told["where"]
            other.wait(10)
    s.back(within=5)
    s.over(
        told=[AWAY], lost=given_up(s, 8 * SENSORS, "attic"), bystanders=["bench", "cellar"], excepted=["latency"]
    )  # doctor starts beside
