"""The keys of a cluster: what they come to, what they must be together, and what of them is unwise."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..tls import Tls
from . import tables
from .values import address

INSTALL = "pip install 'serial-edge-gateway[cluster]' brings it"
FILES = ("cluster_ca_file", "cluster_cert_file", "cluster_key_file")


@dataclass(frozen=True, slots=True)
class Cluster:
    """A Dask cluster that may compute as well: tcp://host:port, or tls://host:port with files."""

    address: str
    tls: Tls | None = None  # None: plain


def cluster(table: tables.Compute, path: Path) -> Cluster | None:
    """What [compute] of the file `path` says of one."""
    if not table.cluster:
        return None
    files = table.cluster_ca_file, table.cluster_cert_file, table.cluster_key_file
    secured = table.cluster.startswith("tls:")
    return Cluster(table.cluster, Tls.beside(path, *files, of="compute.cluster_") if secured else None)


def conflicts(compute: Mapping[str, Any]) -> Iterator[str]:
    """What of [compute] does not go together."""
    if not str(compute.get("cluster", "")).startswith("tls:"):
        yield from (
            f"compute.{key}: only tls:// uses it; write that in compute.cluster, or take {key} out"
            for key in FILES
            if compute.get(key)
        )
        return
    yield from (
        f"compute.{key}: Dask's TLS goes by certificates on both sides; give cluster_ca_file and cluster_cert_file"
        for key in FILES[:2]
        if not compute.get(key)
    )


def warnings(cluster: Cluster | None, local: Callable[[str], bool]) -> Iterator[str]:
    """What is unwise. local: whether only this machine reaches a host."""
    if cluster is None:
        return
    if importlib.util.find_spec("distributed") is None:
        yield f"compute.cluster: Dask is not installed, so all is computed here; {INSTALL}"
    host = address(cluster.address.partition("://")[2])[0]
    if cluster.tls is None and not local(host):
        yield (
            f"compute.cluster: whoever reaches the scheduler at {host} can run programs on its workers, and readings "
            "cross the network unencrypted; tls:// with certificates ends both"
        )
