"""The cluster: whether its scheduler takes connections, and with TLS whether the two know each other."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass

from ..config import Cluster
from ..tls import Tls, TlsError, context
from .finding import FINE, WRONG, Finding

PATIENCE = 5.0  # s


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """where: its address. why: what is wrong with it, a clause; "" where it answers."""

    where: str
    why: str = ""


def cluster_facts(cluster: Cluster | None) -> ClusterFacts | None:
    """Connects to the scheduler, and says nothing; None where there is no cluster. Waits for 10 s at most."""
    if cluster is None:
        return None
    host, _, port = cluster.address.partition("://")[2].rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), PATIENCE) as plain:
            with _secured(plain, cluster.tls) as connection:
                if not connection.recv(1):  # a scheduler speaks first; with TLS 1.3 it refuses ours only now
                    return ClusterFacts(cluster.address, "ends the connection: is it a scheduler of Dask's?")
    except ssl.SSLError as error:
        return ClusterFacts(
            cluster.address, f"refuses TLS, or its certificate is another CA's ({error.reason or error})"
        )
    except TimeoutError:
        return ClusterFacts(cluster.address, f"says nothing for {PATIENCE:.0f} s: is it a scheduler of Dask's?")
    except TlsError as error:
        return ClusterFacts(cluster.address, str(error))
    except OSError as error:
        return ClusterFacts(cluster.address, f"takes no connection ({(error.strerror or str(error)).lower()})")
    return ClusterFacts(cluster.address)


def _secured(plain: socket.socket, tls: Tls | None) -> socket.socket:
    """TLS over a connection, where it is asked for."""
    if tls is None:
        return plain
    made = context(tls)
    made.check_hostname = False  # Dask goes by who has signed a certificate alone
    return made.wrap_socket(plain)


def cluster(facts: ClusterFacts | None) -> Iterator[Finding]:
    """What is to be said of it."""
    if facts is None:
        return
    if facts.why:
        host, _, port = facts.where.partition("://")[2].rpartition(":")
        says = f"{facts.why}, so all is computed here"
        yield Finding("cluster", facts.where, WRONG, says, f"nc -vz {host} {port}")
    else:
        yield Finding("cluster", facts.where, FINE, "its scheduler takes connections")
