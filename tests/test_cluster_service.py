"""`gateway run` with a Dask cluster: what its status and its log say of it, and what subscribers get all the while."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from simulators import Board
from tests.clusters import DaskCluster
from tests.street import Gateway, Judge, configuration, running, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180), pytest.mark.xdist_group("dask")]

SOURCE = "import time\n\ndef heavy(times, values, new):\n    time.sleep(0.05)\n    return 2 * values[-new:]\n"
MANY = 100  # readings; the process here has values for half of them
STATUS = "gateway/gw/status"


def told(gateway: Gateway, name: str) -> list[dict[str, Any]]:
    return [event for event in gateway.events() if event["event"] == name]


def test_a_gateway_with_a_cluster(
    tmp_path: Path, mosquitto: Any, judge: Judge, dask: Callable[..., DaskCluster]
) -> None:
    """A heavy feature of four sensors at ten readings a second is twice what its process here can. The cluster is away
    at the start, comes, is killed and comes back: the status, the fault and the log say so, each reading comes once and
    in order, and while the cluster is there it has its value."""
    made = dask()
    (tmp_path / "own.py").write_text(SOURCE)
    extra = f'[features]\ncustom = ["own:heavy"]\ndeadline = "1s"\n[compute]\nworkers = 1\ncluster = "{made.address}"\n'

    def cluster() -> dict[str, Any]:
        found: dict[str, Any] = judge.documents.get(STATUS, {}).get("pool", {}).get("cluster", {})
        return found

    def fault() -> str:
        return str(judge.documents[STATUS]["faults"].get("cluster", {}).get("text", ""))

    def all_computed() -> bool:
        rows = judge.features[-MANY:]
        assert all(row["heavy"] in (None, 2 * row["value"]) for row in rows)
        return len(rows) == MANY and all(row["heavy"] is not None for row in rows)

    with Board("csv", sensors=4, rate=10.0) as board:
        text = configuration(mosquitto.port, {"b": board.path}, extra)
        with running(tmp_path, text) as gateway:
            until(lambda: cluster().get("state") == "away", "it is away", 20)
            assert fault().startswith(f"the cluster {made.address} cannot be reached")
            assert fault().endswith(": batches are computed here")
            made.start(3)
            until(lambda: cluster()["state"] == "connected" and cluster()["workers"] == 3, "it is there", 60)
            until(lambda: not fault(), "and all is well")
            until(all_computed, "it computes what is too much here", 30)
            assert made.scheduler is not None
            made.kill(made.scheduler)
            until(lambda: cluster()["state"] == "away" and fault(), "it has gone", 5)
            for worker in made.workers:
                made.kill(worker)
            made.start(3)
            until(lambda: cluster()["state"] == "connected" and not fault(), "it is back", 60)
            before = len(judge.features)
            until(lambda: len(judge.features) > before + MANY and all_computed(), "and computes", 30)
            assert gateway.stop(6.0) == 0
    until(lambda: judge.documents[STATUS]["state"] == "offline", "the last document")
    assert len(judge.sensors) == 4
    for board_name, sensor in judge.sensors:
        assert board_name == "b"
        seqs = [row["seq"] for row in judge.of("b", sensor)]
        assert seqs == list(range(1, len(seqs) + 1)) and len(seqs) >= MANY // 2
    last = judge.documents[STATUS]
    assert last["balanced"] is True and not last["dropped"] and last["pool"]["quarantined"] == []
    names = [event["event"] for event in gateway.events() if event["event"].startswith("cluster.")]
    assert names[0] == "cluster.lost" and names.count("cluster.recovered") >= 2 and names[-1] == "cluster.recovered"
    assert told(gateway, "cluster.lost")[0]["state"] == "away"
    assert all(line.startswith("{") for line in gateway.log.read_text().splitlines())  # Dask logs nothing there


def test_without_dask_all_is_computed_here(tmp_path: Path, mosquitto: Any, judge: Judge) -> None:
    """The extra is not installed: the start warns, the status says what to install, and readings come."""
    (tmp_path / "without").mkdir()
    (tmp_path / "without/distributed.py").write_text("raise ImportError('No module named distributed')\n")

    def all_computed() -> bool:
        rows = judge.features[-MANY:]
        assert all(row["heavy"] in (None, 2 * row["value"]) for row in rows)
        return len(rows) == MANY and all(row["heavy"] is not None for row in rows)

    with Board("csv", sensors=4, rate=10.0) as board:
        extra = '[compute]\ncluster = "tcp://127.0.0.1:9"\n'
        text = configuration(mosquitto.port, {"b": board.path}, extra)
        with running(tmp_path, text, environment={"PYTHONPATH": f"{tmp_path / 'without'}"}) as gateway:
            until(lambda: judge.documents.get(STATUS, {}).get("faults", {}).get("cluster"), "it is told", 20)
            assert "serial-edge-gateway[cluster]" in judge.documents[STATUS]["faults"]["cluster"]["text"]
            until(lambda: len(judge.features) > 20, "readings")
            assert gateway.stop() == 0
