"""`gateway backfill --cluster`: a real scheduler and workers of Dask's do what processes here do, whoever is killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import gateway
from tests import clusters
from tests.backfills import here, rows
from tests.certificates import Authority
from tests.clusters import DaskCluster
from tests.street import ROOT
from tests.test_backfill import archives, files

pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(240), pytest.mark.xdist_group("dask")]

PARTS = """
import os, time
import gateway.backfill.chain as chain
chain.PART = 15_000
real = chain.Chain._part

def part(self, captures, read):
    while self._journal.parts and not os.path.exists({go!r}):
        time.sleep(0.01)
    real(self, captures, read)

chain.Chain._part = part
"""
"""Small parts, of which a chain's second waits for a file."""

RETIRE = """
import distributed
client = distributed.Client({address!r})
(busy,) = [address for address, keys in client.processing().items() if keys]
client.retire_workers([busy])
"""


@pytest.fixture
def cluster(dask: Callable[..., DaskCluster]) -> DaskCluster:
    """One."""
    return dask()


@pytest.fixture
def patched(tmp_path: Path) -> Callable[[str, str], dict[str, str]]:
    """The environment of a worker in which this is run first."""

    return lambda name, code: clusters.patched(tmp_path / f"patched-{name}", code)


@pytest.fixture
def begun() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Begins the command, and sees to it that it ends."""
    made: list[subprocess.Popen[str]] = []

    def begin(*arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "gateway", "backfill", *map(str, arguments), "--json"]
        made.append(subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return made[-1]

    yield begin
    for one in made:
        one.kill()
        one.communicate()


def ended(process: subprocess.Popen[str], code: int = 0) -> tuple[dict[str, Any], str]:
    """What the command says in the end, and beside that."""
    out, beside = process.communicate(timeout=120)
    assert process.returncode == code, beside
    assert "Traceback" not in beside
    return json.loads(out), beside


def wait(holds: Callable[[], Any], seconds: float = 60.0) -> Any:
    """Until it holds; gives what it gives."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def children(pid: int) -> list[int]:
    """The processes that a process has started."""
    listed = [file.read_text().split() for file in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(one) for some in listed for one in some]


def at_work(worker: subprocess.Popen[bytes]) -> list[int]:
    """A Dask worker's processes that have a chain."""
    return [
        pid for pid in children(worker.pid) if b"gateway.backfill.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]


def registered(folder: Path, many: int) -> None:
    """Waits until the scheduler has so many workers."""
    log = folder / "dask-0/0-scheduler.log"
    wait(lambda: log.read_text().count("Register worker") >= many)


def test_what_comes_out_is_what_processes_here_make(
    tmp_path: Path, cluster: DaskCluster, begun: Any, patched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte by byte, and the same account; workers of another version, or that do not see the folder, are left out and
    told with why; a relative path is the same folder there."""
    other = tmp_path / "other"
    (other / "gateway").mkdir(parents=True)
    for file in Path(gateway.__file__).parent.iterdir():
        if file.name not in ("__init__.py", "__pycache__"):
            (other / "gateway" / file.name).symlink_to(file)
    (other / "gateway/__init__.py").write_text('__version__ = "0.0.1"\n')
    folder = archives(tmp_path / "captures", "wxyz")
    config = tmp_path / "gateway.toml"
    (tmp_path / "own.py").write_text("def double(times, values, new):\n    return 2 * values[-new:]\n")
    config.write_text('[[boards]]\nname = ""\nport = "auto"\n[features]\ncustom = ["own:double"]\n')
    cluster.start(1)
    cluster.add(threads=2)
    cluster.add(env={"PYTHONPATH": str(other)})
    cluster.add(env=patched("blind", "import gateway.backfill.there as there\nthere.FOLDER = 'elsewhere'\n"))
    out = os.path.relpath(tmp_path / "out", ROOT)
    arguments = os.path.relpath(folder, ROOT), "-c", os.path.relpath(config, ROOT), "-o"
    registered(tmp_path, 4)
    told, beside = ended(begun(*arguments, out, "--cluster", cluster.address))
    alone = json.loads(here(monkeypatch, *arguments, tmp_path / "one", "--json")[0])
    assert (told["captures"], told["failed"], told["readings"]) == (16, [], 4800)
    for key in ("frames", "decoded", "noise", "readings", "rows", "refused", "missed"):
        assert told[key] == alone[key]
    assert files(tmp_path / "out") == files(tmp_path / "one") != {}
    assert {row["double"] == 2 * row["value"] for row in rows(tmp_path / "out").values()} == {True}
    assert f"is not used: it has gateway 0.0.1 and not {gateway.__version__}" in beside
    assert "no such file or directory), which has to be the same folder there" in beside
    assert len(beside.splitlines()) == 2


@pytest.mark.parametrize("how", ["killed", "retired"])
def test_a_worker_that_goes(
    tmp_path: Path, cluster: DaskCluster, begun: Any, patched: Any, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """In mid-chain, by kill -9, or as one of a cluster that grows and shrinks: its process ends with it, one that has
    come since goes on behind what is done, nothing is there twice, and it is a success."""
    folder, out, go = archives(tmp_path / "captures", "x"), tmp_path / "out", tmp_path / "go"
    monkeypatch.setattr("gateway.backfill.chain.PART", 15_000)
    here(monkeypatch, folder, "-o", tmp_path / "one")
    env = patched("slow", PARTS.format(go=str(go)))
    cluster.start()
    busy = cluster.add(env=env)
    process = begun(folder, "-o", out, "--cluster", cluster.address)
    wait(lambda: list(out.rglob("part-000001.parquet")))
    (child,) = at_work(busy)
    cluster.add(env=env)
    registered(tmp_path, 2)
    if how == "killed":
        cluster.kill(busy)
    else:
        run = [sys.executable, "-c", RETIRE.format(address=cluster.address)]
        subprocess.run(run, check=True, timeout=60, capture_output=True)
    wait(lambda: not Path(f"/proc/{child}").exists())
    go.touch()
    told, beside = ended(process)
    assert (told["captures"] + told["skipped"], told["failed"], beside) == (4, [], "")
    assert files(out) == files(tmp_path / "one")
    assert len(rows(out)) == 1200


def test_a_scheduler_that_is_killed(
    tmp_path: Path, cluster: DaskCluster, begun: Any, patched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said in a sentence, the chains' processes end, and the same command goes on with a new one: all is there,
    and once."""
    folder, out, go = archives(tmp_path / "captures"), tmp_path / "out", tmp_path / "go"
    monkeypatch.setattr("gateway.backfill.chain.PART", 15_000)
    here(monkeypatch, folder, "-o", tmp_path / "one")
    env = patched("slow", PARTS.format(go=str(go)))
    cluster.start()
    for _ in range(2):
        cluster.add(env=env)
    arguments = folder, "-o", out, "--cluster", cluster.address
    process = begun(*arguments)
    wait(lambda: len(list((out / "_backfill").glob("*.json"))) == 2)
    pids = [pid for one in cluster.workers for pid in at_work(one)]
    assert len(pids) == 2
    assert cluster.scheduler is not None
    cluster.kill(cluster.scheduler)
    told, beside = ended(process, 1)
    assert f"the cluster at {cluster.address} has ended the connection" in beside
    assert beside.endswith("; what was done is done, and the same command goes on behind it\n")
    wait(lambda: not [pid for pid in pids if Path(f"/proc/{pid}").exists()])
    for one in cluster.workers:
        cluster.kill(one)
    go.touch()
    cluster.start()
    for _ in range(2):
        cluster.add(env=env)
    again, _ = ended(begun(*arguments))
    assert (again["skipped"], again["captures"], again["failed"]) == (4, 4, [])
    assert told["captures"] <= 4  # what was done as it was killed was perhaps not said
    assert files(out) == files(tmp_path / "one")


def test_a_worker_that_was_cut_off(
    tmp_path: Path, cluster: DaskCluster, begun: Any, patched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dask gives it up, and its process still writes: whoever has the chain next keeps off it and says so; when that
    process has ended, the same command goes on, and nothing is there twice."""
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL", "2s")
    monkeypatch.setattr("gateway.backfill.chain.PART", 15_000)
    folder, out, go = archives(tmp_path / "captures", "x"), tmp_path / "out", tmp_path / "go"
    here(monkeypatch, folder, "-o", tmp_path / "one")
    env = patched("slow", PARTS.format(go=str(go)))
    cluster.start()
    busy = cluster.add(env=env)
    arguments = folder, "-o", out, "--cluster", cluster.address
    process = begun(*arguments)
    wait(lambda: list(out.rglob("part-000001.parquet")))
    (child,) = at_work(busy)
    cluster.add(env=env)
    registered(tmp_path, 2)
    busy.send_signal(signal.SIGSTOP)
    assert "another process is still at the captures of x in" in ended(process, 1)[1]
    go.touch()
    wait(lambda: len(list(out.rglob("part-*.parquet"))) == 3)
    cluster.kill(busy)
    wait(lambda: not Path(f"/proc/{child}").exists())
    again, _ = ended(begun(*arguments))
    assert (again["skipped"], again["captures"], again["failed"]) == (4, 0, [])
    assert files(out) == files(tmp_path / "one")


def test_workers_that_have_other_work(
    tmp_path: Path, cluster: DaskCluster, begun: Any, patched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another backfill waits for them and says so, however long that takes, and has its turn."""
    folder, out, go = archives(tmp_path / "captures", "x"), tmp_path / "out", tmp_path / "go"
    cluster.start()
    hasty = "import gateway.hired.candidates as candidates\ncandidates.ANSWER = 3.0\ncandidates.SAID = 1.0\n"
    env = patched("hasty", hasty)
    cluster.add(env=patched("slow", PARTS.format(go=str(go))))
    first = begun(folder, "-o", out, "--cluster", cluster.address)
    wait(lambda: list(out.rglob("*.parquet")))
    monkeypatch.setenv("PYTHONPATH", env["PYTHONPATH"])
    second = begun(folder, "-o", tmp_path / "two", "--cluster", cluster.address)
    assert second.stderr is not None
    said = f"gateway: the workers of the cluster at {cluster.address} have other work; this waits for them\n"
    assert second.stderr.readline() == said
    with pytest.raises(subprocess.TimeoutExpired):
        second.wait(6.0)  # twice what one has that has nothing to do
    go.touch()
    for one in (first, second):
        told, _ = ended(one)
        assert (told["captures"], told["failed"]) == (4, [])
    assert files(tmp_path / "two") == files(out)


def test_a_cluster_that_is_restarted(
    tmp_path: Path, cluster: DaskCluster, begun: Any, patched: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever shares it (`Client.restart`): what was under way is begun again on the new workers, nothing twice."""
    folder, out, go = archives(tmp_path / "captures", "x"), tmp_path / "out", tmp_path / "go"
    monkeypatch.setattr("gateway.backfill.chain.PART", 15_000)
    here(monkeypatch, folder, "-o", tmp_path / "one")
    cluster.start()
    cluster.add(env=patched("slow", PARTS.format(go=str(go))), nanny=True)
    process = begun(folder, "-o", out, "--cluster", cluster.address)
    wait(lambda: list(out.rglob("part-000001.parquet")))
    restart = f"import distributed\ndistributed.Client({cluster.address!r}).restart()"
    subprocess.run([sys.executable, "-c", restart], check=True, timeout=60, capture_output=True)
    go.touch()
    told, beside = ended(process)
    assert (told["captures"] + told["skipped"], told["failed"], beside) == (4, [], "")
    assert files(out) == files(tmp_path / "one")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_the_command_ends(
    tmp_path: Path, cluster: DaskCluster, begun: Any, patched: Any, number: signal.Signals
) -> None:
    """By Ctrl-C or kill -9: what is under way there ends, and the workers stay for others."""
    folder, out = archives(tmp_path / "captures", "x"), tmp_path / "out"
    cluster.start()
    cluster.add(env=patched("slow", PARTS.format(go=str(tmp_path / "go"))))
    process = begun(folder, "-o", out, "--cluster", cluster.address)
    wait(lambda: list(out.rglob("*.parquet")))
    assert at_work(cluster.workers[0])
    process.send_signal(number)
    _, beside = process.communicate(timeout=30)
    assert process.returncode != 0
    assert beside == ""
    wait(lambda: not at_work(cluster.workers[0]), 10.0)
    assert cluster.workers[0].poll() is None


def test_nobody_that_can(tmp_path: Path, cluster: DaskCluster, begun: Any, patched: Any) -> None:
    """No scheduler, no worker, and none that is of use: a sentence each, and nothing is done."""
    folder, out = archives(tmp_path / "captures", "x"), tmp_path / "out"
    arguments = folder, "-o", out, "--cluster", cluster.address
    beside = ended(begun(*arguments), 1)[1]
    assert f"the cluster at {cluster.address} cannot be reached (ConnectionRefusedError: " in beside
    assert beside.endswith("; nothing was done\n")
    cluster.start()
    assert f"the cluster at {cluster.address} has no workers; " in ended(begun(*arguments), 1)[1]
    bare = "from types import SimpleNamespace as Of\nimport gateway.backfill.there as there\n"
    bare += "there.importlib = Of(util=Of(find_spec=lambda name: None))\n"
    cluster.add(env=patched("bare", bare))
    registered(tmp_path, 1)
    beside = ended(begun(*arguments), 1)[1]
    assert "has no worker that can be used (tcp://127.0.0.1:" in beside
    assert "has no pyarrow; pip install 'serial-edge-gateway[parquet]' brings it there" in beside
    assert not list(out.rglob("*.parquet"))


def test_tls(tmp_path: Path, begun: Any, dask: Callable[..., DaskCluster]) -> None:
    """With the certificates that the configuration names it is let in; with those of another CA it is not, and says
    so."""
    ours, others = Authority(tmp_path / "ca"), Authority(tmp_path / "others")
    cert, key = ours.issue("cluster")
    config = tmp_path / "gateway.toml"
    options = ("--tls-ca-file", str(ours.certificate), "--tls-cert", str(cert), "--tls-key", str(key))
    cluster = dask(scheme="tls", tls=options)
    folder, out = archives(tmp_path / "captures", "x"), tmp_path / "out"
    cluster.start(1)
    for authority, code in ((others, 1), (ours, 0)):
        names = zip(("ca", "cert", "key"), (authority.certificate, *authority.issue("gateway")), strict=True)
        named = "".join(f'cluster_{key}_file = "{name}"\n' for key, name in names)
        config.write_text(f'[[boards]]\nname = "x"\nport = "auto"\n[compute]\ncluster = "tls://other"\n{named}')
        told, beside = ended(begun(folder, "-o", out, "-c", config, "--cluster", cluster.address), code)
        assert (told["captures"], "cannot be reached" in beside) == ((0, True) if code else (4, False))
