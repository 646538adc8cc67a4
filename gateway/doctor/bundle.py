"""`gateway doctor --bundle FILE`: what a report of a mistake needs, in one archive, without secrets. Laid out alike
each time: names in order, no owner, no times but those in the texts.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import stat
import subprocess
import tarfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from ..censored import censored, censored_lines, censored_unit
from ..config import OWN
from ..config.password import read
from ..ingest.identity import serial_ports
from .examine import Examined
from .finding import lines
from .told import read_document
from .unit import UNIT

TOP = "gateway-report"
JOURNAL = 2000  # lines
PIECE = 1_000_000  # bytes of a text; of a longer one the end is kept, which is the newest
READ_ME = """\
What `gateway doctor --bundle` found. Passwords, user names and logins in URLs are left out; the names of boards and
ports, the broker's address and what boards have said are not. Read it through before you send it.

about.json           versions, and what could not be had, with the reason
doctor.json, .txt    the findings
gateway.toml         the configuration; presets.d/ has presets of its own
status/              what the gateway and its boards last told of themselves
refused.json         the last bytes of each board that were refused
journal.txt          the newest lines of the service's log
unit.txt             the unit, as systemd has it
ports.json           the serial ports
state.json           the files of the spool: sizes, modes, free space
"""
LIBRARIES = ("paho-mqtt", "pyserial", "pyserial-asyncio", "pydantic", "structlog", "numpy", "google-re2")


def bundle(seen: Examined, told: Mapping[str, object]) -> bytes:
    """The archive. told: what doctor prints as JSON."""
    missing: dict[str, str] = {}
    secrets = _secrets(seen)
    texts = {"README.txt": READ_ME, "doctor.json": _json(told), "doctor.txt": "\n".join(lines(seen.findings)) + "\n"}
    texts |= _configuration(seen, secrets, missing)
    texts |= _status(seen, missing)
    for name, words in {
        "journal.txt": ["journalctl", "-u", UNIT, "-n", str(JOURNAL), "-o", "short-iso", "--no-pager", "-q"],
        "unit.txt": ["systemctl", "cat", UNIT, "--no-pager"],
    }.items():
        texts |= _said(name, words, missing)
    texts["ports.json"] = _json([
        {"path": port.path, "device": port.device, "description": port.description, "note": port.note,
         "holder": port.holder and port.holder.program}
        for port in serial_ports()
    ])  # fmt: skip
    texts |= _state(seen.folder, missing)
    libraries = {name: _version(name) for name in LIBRARIES}
    texts["about.json"] = _json({"version": told["version"], "libraries": libraries, "missing": missing})
    return packed({name: censored(text[-PIECE:], secrets) for name, text in texts.items()})


def packed(texts: Mapping[str, str]) -> bytes:
    """An archive of texts: the same texts, the same bytes."""
    out = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=out, mode="wb", mtime=0) as zipped:
        with tarfile.open(fileobj=zipped, mode="w", format=tarfile.PAX_FORMAT) as archive:
            for name in sorted(texts):
                data = texts[name].encode(errors="replace")
                entry = tarfile.TarInfo(f"{TOP}/{name}")
                entry.size, entry.mode = len(data), 0o600
                archive.addfile(entry, io.BytesIO(data))
    return out.getvalue()


def written(file: Path, data: bytes) -> None:
    """Writes it for this user alone, never over a file that is there. Raises OSError."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with open(descriptor, "wb") as out:
            out.write(data)
    except OSError:
        file.unlink()
        raise


def _secrets(seen: Examined) -> list[str]:
    """What may not be in it, as far as this user may know."""
    config = seen.config.config
    found = []
    for file in (config.mqtt.password_file, config.web.token_file) if config is not None else ():
        try:
            found += [read(file)] if file is not None else []
        except (OSError, ValueError):  # it has gone meanwhile; doctor tells of it
            continue
    return found


def _configuration(seen: Examined, secrets: list[str], missing: dict[str, str]) -> dict[str, str]:
    path = seen.config.path
    texts = {}
    for name, file in [("gateway.toml", path), *((f"{OWN}/{one.name}", one) for one in _own(path.parent / OWN))]:
        try:
            texts[name] = censored_lines(file.read_text(errors="replace"), secrets)
        except OSError as error:
            missing[name] = error.strerror or str(error)
    return texts


def _own(folder: Path) -> list[Path]:
    try:
        return sorted(file for file in folder.iterdir() if re.fullmatch(r"[\w.-]+\.toml", file.name) and file.is_file())
    except OSError:
        return []


def _status(seen: Examined, missing: dict[str, str]) -> dict[str, str]:
    facts = seen.broker
    if facts is None or not facts.documents:
        missing["status"] = "the broker gave none"
        return {}
    texts, refused = {}, {}
    for topic, payload in sorted(facts.documents.items()):
        place = topic.removeprefix(f"{facts.base}/").removesuffix("status").strip("/")
        document = read_document(payload)
        texts[f"status/{place or 'gateway'}{'.board' if place else ''}.json"] = _json(document)
        if isinstance(last := document.get("last_refused"), str) and last:
            refused[place] = {"hex": last, "text": _text_of(last)}
    return texts | {"refused.json": _json(refused)}


def _text_of(hexadecimal: str) -> str | None:
    try:
        return bytes.fromhex(hexadecimal).decode("latin-1")
    except ValueError:
        return None


def _said(name: str, words: list[str], missing: dict[str, str]) -> dict[str, str]:
    """What a program prints."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, errors="replace", timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        missing[name] = str(error)
        return {}
    if done.returncode or not done.stdout.strip():
        missing[name] = done.stderr.strip()[-200:] or f"{words[0]} has nothing of it, or this user may not read it"
        return {}
    return {name: censored_unit(done.stdout) if name == "unit.txt" else done.stdout}


def _state(folder: Path, missing: dict[str, str]) -> dict[str, str]:
    try:
        found = [(file.name, file.lstat()) for file in sorted(folder.iterdir())]
        system = os.statvfs(folder)
    except OSError as error:
        missing["state.json"] = error.strerror or str(error)
        return {}
    files = {name: {"bytes": one.st_size, "mode": stat.filemode(one.st_mode), "uid": one.st_uid} for name, one in found}
    free = {"free": system.f_bavail * system.f_frsize, "size": system.f_blocks * system.f_frsize}
    return {"state.json": _json({"folder": str(folder), "files": files, **free})}


def _version(library: str) -> str | None:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def _json(document: Any) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False, sort_keys=True) + "\n"
