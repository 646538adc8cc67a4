"""Rows F81 and F83 in the state's folder: links, modes and readings that others have planted there."""

import os
import pickle
from pathlib import Path

import pytest

from gateway.publish.boot import boot_id
from gateway.publish.spool.filing import Saved, filed
from gateway.publish.spool.nouns import New, Source
from gateway.publish.spool.store import Store
from tests.faults.disks import FILE, OUTAGE, outage, spooled
from tests.faults.rows import row
from tests.made import features


@row("F81", full=30)
def test_f81_file_modes(scene, tmp_path):
    state, victim = tmp_path / "state", tmp_path / "victim"
    victim.write_text("precious")
    state.mkdir(0o777)
    (state / f"{FILE}-wal").symlink_to(victim)
    (state / "spool.reserve").symlink_to(victim)
    before = os.umask(0)
    try:
        s = scene()
    finally:
        os.umask(before)
    s.steady()
    with s.fault():
        outage(s, 5)
        modes = {one.name: oct(one.lstat().st_mode & 0o777) for one in state.iterdir()}
        s.prove(FILE in modes, "the spool is there")
        assert set(modes.values()) == {"0o600"}, modes
        assert state.stat().st_mode & 0o777 == 0o700
        s.broker.start()
    s.back(within=20)
    s.over(told=[OUTAGE], faults=["broker"])
    assert victim.read_text() == "precious"


@row("F83", full=40)
@pytest.mark.parametrize("payload", ["reading", "rows"])
def test_f83_what_is_in_planted_state_is_safe(scene, tmp_path, payload):
    s, state = scene(start=False, mqtt=f'payload = "{payload}"'), tmp_path / "state"
    state.mkdir(0o700)
    names = [
        "a/b",
        "+",
        "#",
        "$SYS",
        "..",
        "",
        "\0",
        "\ud800",
        "x" * 70_000,
        "😀",
        "status",
        "../other/status",
        "%s%b",
        '"',
    ]
    planted = Store(state, 64_000_000)
    with s.fault():
        for number, name in enumerate(names, 1):
            made = features(
                [number, number + 1], board=name, sensor=name, unit=name[:100], keys=("%s", '"', "mean", "mean")
            )
            made.value[0], made.columns[0][0], made.columns[1][0] = 1.7e308, float("inf"), float("nan")
            made.wall[0] = -9e4 if number % 2 else 2.4e11
            planted.put([filed(Saved(made, {number: 3}, "r%s", {name[:9]: name[:9]}), boot_id(), 0.0)], {}, ())
        for blob in (pickle.dumps(Bomb(tmp_path / "went off")), bytes(20 << 20), b"", b"\x02" * 100):
            planted.put([New(planted_source(), 2, 1.8e9, 1.0, blob)], {}, ())
        planted.close()
        s.prove(spooled(state) == 2 * len(names) + 8, "it is planted")
        s.start()
    s.back(within=20)
    s.until(lambda: s.status()["spooled"] == 0, "all of it is sent or dropped", 30)
    last = s.status()
    assert last["balanced"] is True
    assert last["dropped"]["spool_corrupt"] >= 6
    assert last["acknowledged"] > 2 * (len(names) - 2)
    ours = ("gateway/gw/", "homeassistant/device/gateway-gw/")
    assert all(topic.startswith(ours) for topic in s.judge.topics), s.judge.topics
    assert not s.judge.refused
    assert not (tmp_path / "went off").exists()
    assert s.gateway.stop(10) == 0


class Bomb:
    """Makes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def planted_source() -> Source:
    """Of readings that are none."""
    return Source("bench", "S1", "r", "°C", ("mean",), (), "another", False)
