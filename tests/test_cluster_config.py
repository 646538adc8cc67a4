"""The keys of a cluster: what they take, what does not go together, what is unwise, and what check and doctor say."""

import asyncio
import importlib.util
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gateway import config
from gateway.backup.belonging import belonging
from gateway.cli import run
from gateway.config import Cluster, problems
from gateway.doctor.cluster import ClusterFacts, cluster, cluster_facts
from gateway.doctor.finding import FINE, WRONG
from gateway.tls import Tls
from tests.certificates import Authority
from tests.tables import BENCH

FILES = 'cluster_ca_file = "ca.crt"\ncluster_cert_file = "own.crt"\ncluster_key_file = "own.key"\n'


def made(folder: Path, keys: str) -> config.Config:
    """A configuration with these keys in [compute]."""
    (folder / "gateway.toml").write_text(f"{BENCH.replace('/dev/ttyX0', 'auto')}[compute]\n{keys}\n")
    return config.load(folder / "gateway.toml")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A CA's certificate, and our own with its key, beside the configuration."""
    ca = Authority(tmp_path / "ca")
    for source, name in zip((ca.certificate, *ca.issue("own", "")), ("ca.crt", "own.crt", "own.key"), strict=True):
        (tmp_path / name).write_bytes(source.read_bytes())
    (tmp_path / "own.key").chmod(0o600)
    return tmp_path


def test_what_the_keys_come_to(files: Path) -> None:
    """Without a port it is Dask's own; files start where the configuration is; without the key there is no cluster."""
    assert made(files, "").cluster is None
    assert made(files, 'cluster = "tcp://h.lan"').cluster == Cluster("tcp://h.lan:8786")
    assert made(files, 'cluster = "tcp://[::1]:9/"').cluster == Cluster("tcp://[::1]:9")
    tls = Tls(files / "ca.crt", files / "own.crt", files / "own.key", "compute.cluster_")
    assert made(files, 'cluster = "tls://h"\n' + FILES).cluster == Cluster("tls://h:8786", tls)


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ('cluster = "h:8786"', 'compute.cluster: "tcp://host:8786", "tls://host:8786" or "" for none was expected'),
        ("cluster = 5", "compute.cluster: "),
        ('cluster = "tcp://me:secret@h:1"', "compute.cluster: no user and no password may stand here"),
        ('cluster = "tcp://h:none"', "compute.cluster: host and port"),
        ('cluster = "tcp://h"\ncluster_ca_file = "ca.crt"', "compute.cluster_ca_file: only tls:// uses it"),
        ('cluster_key_file = "own.key"', "compute.cluster_key_file: only tls:// uses it"),
        (
            'cluster = "tls://h"\ncluster_ca_file = "ca.crt"',
            "compute.cluster_cert_file: Dask's TLS goes by certificates on both sides",
        ),
        ('cluster = "tls://h"\n' + FILES.replace("ca.crt", "none"), "compute.cluster_ca_file: there is no file"),
        ('cluster = "tls://h"\n' + FILES.replace("own.key", "ca.crt"), "compute.cluster_key_file: "),
    ],
)
def test_what_cannot_be(files: Path, keys: str, sentence: str) -> None:
    """One sentence each, by the key; and no password is repeated."""
    found = problems(f"{BENCH}[compute]\n{keys}\n", files / "gateway.toml")
    assert len(found) == 1 and sentence in found[0] and "secret" not in found[0]


def test_what_is_unwise(files: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open network without TLS, a key that everyone can read, and Dask not being installed; else nothing."""
    assert config.warnings(made(files, 'cluster = "tcp://127.0.0.1"')) == []
    (text,) = config.warnings(made(files, 'cluster = "tcp://10.0.0.5"'))
    assert text.startswith("compute.cluster: whoever reaches the scheduler at 10.0.0.5 can run programs on its workers")
    secured = made(files, 'cluster = "tls://10.0.0.5"\n' + FILES)
    assert config.warnings(secured) == []
    (files / "own.key").chmod(0o644)
    (text,) = config.warnings(secured)
    assert text.startswith("compute.cluster_key_file: ")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    (text,) = config.warnings(made(files, 'cluster = "tcp://localhost"'))
    assert "serial-edge-gateway[cluster]" in text


def test_check_shows_it(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The plan names the scheduler, for people and as JSON; nothing is connected to."""
    made(files, 'cluster = "tcp://127.0.0.1:9"')
    assert run(["check", "-c", str(files / "gateway.toml")]) == 0
    assert "cluster   tcp://127.0.0.1:9: what is done sooner there is computed there" in capsys.readouterr().out
    assert run(["check", "-c", str(files / "gateway.toml"), "--json"]) == 0
    plan = json.loads(capsys.readouterr().out)["plan"]
    assert plan["cluster"] == "tcp://127.0.0.1:9"
    made(files, "")
    assert run(["check", "-c", str(files / "gateway.toml"), "--json"]) == 0
    without = json.loads(capsys.readouterr().out)["plan"]
    assert without["cluster"] is None
    assert plan["memory"]["processes_bytes"] > without["memory"]["processes_bytes"]


def test_another_cluster_needs_a_restart(files: Path) -> None:
    """A reload says so, and leaves the one that is."""
    before, now = made(files, 'cluster = "tcp://127.0.0.1:9"'), made(files, 'cluster = "tcp://127.0.0.1:10"')
    found = config.changes(before, now)
    assert found.later == ("compute.cluster",) and "cluster" in found.kept


def test_a_backup_has_its_files(files: Path) -> None:
    """The CA's and ours go along; the key, a secret, only where secrets are wanted; without a key file the certificate
    is one."""
    data: dict[str, Any] = {
        "compute": {"cluster_ca_file": "ca.crt", "cluster_cert_file": "own.crt", "cluster_key_file": "own.key"}
    }
    found, left_out = belonging(data, files, secrets=False)
    assert {(one.name, one.role) for one in found} == {("ca.crt", "tls"), ("own.crt", "tls")}
    assert left_out == ["compute.cluster_key_file = own.key"]
    del data["compute"]["cluster_key_file"]
    assert [one.name for one in belonging(data, files, secrets=False)[0]] == ["ca.crt"]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port that takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


async def test_doctor_looks_at_the_scheduler(listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says whether somebody is there who speaks first, as a scheduler does; without a cluster it says nothing."""
    monkeypatch.setattr("gateway.doctor.cluster.PATIENCE", 0.2)
    assert cluster_facts(None) is None and list(cluster(None)) == []
    port = listener.getsockname()[1]
    found = cluster_facts(Cluster(f"tcp://127.0.0.1:{port}"))
    assert found is not None and "says nothing" in found.why

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello")
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    where = f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    assert await asyncio.to_thread(cluster_facts, Cluster(where)) == ClusterFacts(where)
    server.close()
    await server.wait_closed()
    gone = await asyncio.to_thread(cluster_facts, Cluster(where))
    assert gone is not None and gone.why == "takes no connection (connection refused)"
    assert [(one.what, one.state) for one in cluster(ClusterFacts(where))] == [("cluster", FINE)]
    (wrong,) = cluster(gone)
    assert wrong.state == WRONG and wrong.says.endswith("so all is computed here") and wrong.mend.startswith("nc -vz ")
