"""The hands of a backfill on a Dask cluster: what its workers have to have, and a thread of one as a hand.

The file system is shared: captures, configuration and output are under the same paths on each worker's machine.
"""

from __future__ import annotations

import importlib.util
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from ..alone import files_of
from ..config import OWN, Config, load
from ..config.hosts import cluster
from ..config.words import Unfit
from ..hired.site import Job, Site, Where, Work
from ..ingest.capture.file import CaptureError
from .crew import Heard, Hire
from .journal import FOLDER
from .there import SEEN, UNWANTED, digest
from .trial import orders

EXTRA = "Dask is not installed; pip install 'serial-edge-gateway[cluster]' brings it"


def where(given: str, file: str | None) -> Where:
    """What `--cluster` means. file: the configuration, which has the files for tls://. Raises Unfit, Wrong,
    CaptureError."""
    try:
        address = cluster(given)
    except Unfit as error:
        raise Unfit(f"--cluster: {error}") from None
    if not address:
        raise Unfit("--cluster: a scheduler's address is wanted, such as tcp://host:8786")
    if importlib.util.find_spec("distributed") is None:
        raise CaptureError(EXTRA)
    if not address.startswith("tls:"):
        return Where(address)
    found = load(file).cluster if file else None
    tls = found.tls if found else None
    if tls is None:
        raise Unfit(
            "--cluster: tls:// takes the certificates of the configuration, which has none; give one by -c with "
            "compute.cluster, cluster_ca_file and cluster_cert_file"
        )
    return Where(address, *(str(file.resolve()) if file else "" for file in (tls.ca, tls.cert, tls.key)))


def absolute(order: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[Any]]:
    """Order and chains with paths that mean the same on each machine. Links stay as they are."""
    config = order["config"]
    return (
        {**order, "root": os.path.abspath(order["root"]), "config": config and os.path.abspath(config)},
        [
            {**task, "captures": [{**one, "path": os.path.abspath(one["path"])} for one in task["captures"]]}
            for task in tasks
        ],
    )


def asked(order: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]], configs: Sequence[Config]) -> dict[str, Any]:
    """What a worker has to see: the configuration's files, byte by byte, the first capture of each chain, and the
    folder, in which there is a file that says so; and what the user's own features have to answer there. order, tasks:
    absolute. Raises OSError."""
    file = Path(order["config"]) if order["config"] else None
    files = [file, *sorted((file.parent / OWN).glob("*.toml"))] if file else []
    custom = sorted({name for config in configs for name in config.custom})
    if file and custom:
        files += files_of(file.parent, custom)
    return {
        "files": {str(file): digest(file) for file in files},
        "captures": {task["captures"][0]["path"]: task["captures"][0]["size"] for task in tasks},
        "features": orders(configs),
        "keys": order["keys"],
        "root": order["root"],
        "seen": secrets.token_hex(16),
    }


@contextmanager
def afar(of: Where, check: Mapping[str, Any], tell: Callable[[str], None]) -> Iterator[tuple[Callable[[], int], Hire]]:
    """How many hands there may be, which raises Gone, and what makes one. check: see `asked`. tell: see Site."""
    folder = Path(check["root"]) / FOLDER
    for old in folder.glob(f"{SEEN}*"):  # of one that was killed
        old.unlink(missing_ok=True)
    seen = folder / (SEEN + check["seen"])
    seen.write_text(check["seen"])
    try:
        with Site(of, Work("backfill.there", "fit", json.dumps(check), "worked"), tell) as site:
            yield site.many, lambda order, said: Afar.at(site, order, said)
    finally:
        seen.unlink(missing_ok=True)


class Afar:
    """A hand: a thread of a worker, which has a process of its own for each chain. See crew.Works."""

    def __init__(self, site: Site, worker: str, order: dict[str, Any], said: Heard) -> None:
        self.task: dict[str, Any] | None = None
        self.again = False
        self._site, self._worker, self._order, self._said = site, worker, json.dumps(order), said
        self._why, self._jobs = "", 0

    @classmethod
    def at(cls, site: Site, order: dict[str, Any], said: Heard) -> Afar | None:
        """A new one, where a worker has a thread left."""
        return None if (worker := site.take()) is None else cls(site, worker, order, said)

    def give(self, task: dict[str, Any]) -> None:
        """See Works."""
        self.task = task
        self._jobs += 1
        self._site.give(Job(self._worker, self._hear, partial(self._over, self._jobs)), self._order, json.dumps(task))

    def close(self) -> None:
        """See Works."""
        self._said.put((self, None))

    def how(self) -> str:
        """See Works."""
        self._site.back(self._worker)
        return f"of the cluster, {self._worker}, {self._why}"

    def end(self) -> None:
        """See Works: the site, once it is left, ends all."""

    def _hear(self, text: str) -> None:
        self._said.put((self, json.loads(text)))

    def _over(self, job: int, why: str, gone: bool) -> None:
        if why and job == self._jobs:
            self._why, self.again = why, gone or why == UNWANTED
            self._said.put((self, None))
