"""Rows F01 to F04 and F14: boards that go and come back, change places, are twins, or whose port breaks."""

import json
import os
import time
from pathlib import Path

from tests.faults import tree
from tests.faults.ports import AWAY, SENSORS, command, given_up
from tests.faults.rows import lasting, row
from tests.faults.scene import Scene
from tests.faults.strace import Strace


def let_go(s: Scene, device: str, within: float) -> None:
    """The gateway holds the device no more, gone or not."""
    s.until(
        lambda: not any(name.split()[0] == device for name in tree.opened(s.pid, device)), f"{device} is let go", within
    )


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
    times, slowest = int(lasting(1000, 40)), 0.0
    with s.fault():
        for _ in range(times):
            attic.unplug()
            s.until(lambda: not any("deleted" in name for name in tree.opened(s.pid, "/dev/pts/")), "let go", 2)
            back = time.monotonic()
            attic.plug()
            slowest = max(slowest, s.arrive(back, 10, "it is read again", ["attic"]))
        s.prove(attic.path and times >= 40, f"unplugged {times} times")
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
        with Strace(s.pid, s.folder / "strace.log", "read:error=EIO:when=50", paths=(Path(device),)) as strace:
            s.until(lambda: "INJECTED" in strace.seen, "the read fails", 20)
            s.began = time.monotonic()
            s.prove(strace.seen.count("INJECTED") == 1, "one read has failed")
            s.noticed("board.offline", 2)
            s.arrive(s.began, 2, "read again", ["attic"])
        s.until(lambda: s.status("attic").get("reopened") == 1, "it is counted", 35)
    s.back(within=2)
    lost = given_up(s, 2 * SENSORS, "attic")
    s.over(told=[AWAY], lost=lost, bystanders=["bench", "cellar"], excepted=["latency", "lag"])


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
