"""Row F66: a disk that wears out is spared while all is well."""

import json
from pathlib import Path

from tests.faults import tree
from tests.faults.rows import lasting, row


@row(
    "F66",
    field="Wear.",
    happens="The broker is well for 10 minutes.",
    promised="The disk is not touched: neither the counters of written bytes nor the times of a file or of its folder "
    "change.",
    fast=True,
    full=660,
)
def test_f66_wear(scene, tmp_path):
    s = scene()
    s.steady()
    s.until(lambda: len(noted(tmp_path / "state/retained")) == 4 * len(s.boards), "all sensors are noted", 10)

    def written() -> tuple[dict[str, str], dict[str, int]]:
        counters = {}
        for pid in tree.family(s.pid):
            text = Path(f"/proc/{pid}/io").read_text()
            counters[pid] = next(line for line in text.splitlines() if line.startswith("write_bytes"))
        state = tmp_path / "state"
        return counters, {one.name: one.stat().st_mtime_ns for one in (state, *state.iterdir())}

    with s.fault():
        before = written()
        s.hold(600, ci=20, fast=3)
        s.prove(s.judge.newest, "readings came")
        after = written()
    assert after[1] == before[1]
    # its log and its lag go to files here, a page now and then
    grown = {pid: (before[0].get(pid), line) for pid, line in after[0].items() if line != before[0].get(pid)}
    assert not {pid for pid in grown if pid != s.pid}
    assert sum(int(b.split()[1]) - int(a.split()[1]) for a, b in grown.values() if a) <= 4096 * lasting(600, 20, 8)
    s.over()


def noted(path: Path) -> set[tuple[str, str]]:
    """The boards and sensors that the next run will know of; that is written once, soon after they came."""
    base = json.loads(path.read_text())[0] if path.exists() else {"boards": {}}
    return {(board, sensor) for board, kept in base["boards"].items() for sensor in kept["sensors"]}
