"""The configuration as doctor reads it: also where this user may not read the secrets that it names."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..config import Config, Wrong, load, warnings
from ..config.load import made, tables
from ..config.words import path_of
from ..tls import handed
from .finding import FINE, UNKNOWN, UNWISE, WRONG, Finding, itself
from .user import User, reaches

TOKEN = {"token_file": "the page"}
"""Of [web]; of [mqtt] are these."""
CLUSTER = {
    "cluster_key_file": "the cluster", "cluster_cert_file": "the cluster", "cluster_ca_file": "the cluster",
}  # fmt: skip
"""Of [compute]."""
SECRETS = {"password_file": "the password", "key_file": "the key", "cert_file": "the certificate", "ca_file": "the CA"}


@dataclass(frozen=True, slots=True)
class ConfigFacts:
    """What came of reading it. config: None where it could not be used; problems: why, if it is wrong.

    hidden: secrets that this user may not read, or that a running service alone has, by key; lost: those that the
    gateway's user may not read.
    """

    path: Path
    config: Config | None = None
    problems: tuple[str, ...] = ()
    unwise: tuple[str, ...] = ()
    visible: bool = True
    writable: bool = False  # by everyone
    readable: bool = True  # by the user that runs the gateway
    hidden: dict[str, Path] = field(default_factory=dict)
    lost: dict[str, Path] = field(default_factory=dict)
    token: Path | None = None  # of the page, where this user may not read it
    far: dict[str, Path] = field(default_factory=dict)  # as hidden, of the cluster

    @property
    def wrong(self) -> bool:
        """Whether `gateway run` would end with it."""
        return bool(self.problems)


def config_facts(path: Path, who: User) -> ConfigFacts:
    """Reads the file, without the secrets that this user may not read."""
    try:
        path.open("rb").close()
    except PermissionError:
        return ConfigFacts(path, visible=False)
    except OSError:
        pass  # the sentence is below
    try:
        data = tables(path)
        named = data["mqtt"] if isinstance(data.get("mqtt"), dict) else {}
        hidden, lost = _hidden(named, SECRETS, path, who)
        page = data["web"] if isinstance(data.get("web"), dict) else {}
        own, strange = _hidden(page, TOKEN, path, who)
        compute = data["compute"] if isinstance(data.get("compute"), dict) else {}
        far, unknown = _hidden(compute, CLUSTER, path, who)
        if far:
            data["compute"] = {key: value for key, value in compute.items() if not key.startswith("cluster")}
        config = made(_without(data, named, hidden, own), path) if hidden or own or far else load(path)
    except Wrong as error:
        return ConfigFacts(path, problems=tuple(error.problems))
    writable, readable = bool(path.stat().st_mode & 0o002), who.me or reaches(who, path.absolute(), 4) is not False
    return ConfigFacts(
        path,
        config,
        (),
        tuple(warnings(config)),
        True,
        writable,
        readable,
        hidden,
        lost | strange | unknown,
        own.get("token_file"),
        far,
    )


def _hidden(
    named: dict[str, Any], keys: Iterable[str], path: Path, who: User
) -> tuple[dict[str, Path], dict[str, Path]]:
    hidden, lost = {}, {}
    for key in keys:
        if isinstance(named.get(key), str) and named[key]:
            file = path.parent / named[key]
            try:
                file.open("rb").close()
            except PermissionError:
                hidden[key] = file
            except FileNotFoundError:
                if _later(file):
                    hidden[key] = file
                continue
            except (OSError, ValueError):
                continue  # it is told with the configuration
            if not who.me and reaches(who, file, 4) is False:
                lost[key] = file
    return hidden, lost


def _later(file: Path) -> bool:
    """Whether systemd hands it to the service, which does not run now."""
    return handed(file) is not None and not file.parent.exists()


def _without(
    data: dict[str, Any], named: dict[str, Any], hidden: dict[str, Path], token: dict[str, Path]
) -> dict[str, Any]:
    """The tables without the secrets that cannot be read; a certificate is of no use without its key, and a page of
    which the token is not known is left out.
    """
    gone = {*hidden, *(("cert_file", "key_file") if {"cert_file", "key_file"} & hidden.keys() else ())}
    whole = {**data, "mqtt": {key: value for key, value in named.items() if key not in gone}}
    return {key: value for key, value in whole.items() if key != "web"} if token else whole


def configuration(facts: ConfigFacts, who: User) -> Iterator[Finding]:
    """What is to be said of it."""
    where = str(facts.path)
    if not facts.visible:
        yield Finding("configuration", where, UNKNOWN, "this user may not read it", itself("doctor"))
        return
    if facts.problems:
        there = facts.path.exists()
        more = itself(f"check -c {shlex.quote(where)}" if there else f"init -o {shlex.quote(where)}", None)
        yield from (Finding("configuration", where, WRONG, text, more) for text in facts.problems)
        return
    yield Finding("configuration", where, FINE, "is good")
    if not facts.readable:
        says, place = f"{who.name}, who runs the gateway, may not read it", shlex.quote(where)
        yield Finding("configuration", where, WRONG, says, f"sudo chgrp {who.name} {place} && sudo chmod 640 {place}")
    if facts.writable:
        says = "can be written by everyone, who could so have the gateway do what they like"
        yield Finding("configuration", where, WRONG, says, f"sudo chmod o-w {shlex.quote(where)}")
    for text in facts.unwise:
        open_to_all = "can be read by everyone" in text
        yield from () if open_to_all else [Finding("configuration", where, UNWISE, text)]
    yield from _secrets(facts, who)


def _secrets(facts: ConfigFacts, who: User) -> Iterator[Finding]:
    token = {"token_file": facts.token} if facts.token else {}
    for key, file in {**facts.hidden, **token, **facts.far, **facts.lost}.items():
        name, place = _key(key), shlex.quote(str(file))
        if key in facts.lost:
            mend = f"sudo chown {who.name} {place} && sudo chmod 600 {place}"
            yield Finding(
                "secret", name, WRONG, f"{who.name}, who runs the gateway, may not read {path_of(file)}", mend
            )
        elif _later(file):
            says = f"{handed(file)}; {(SECRETS | TOKEN | CLUSTER)[key]} is not tried"
            yield Finding("secret", name, UNKNOWN, says, "sudo systemctl start gateway")
        else:
            says = f"this user may not read {path_of(file)}, so {(SECRETS | TOKEN | CLUSTER)[key]} is not tried"
            yield Finding("secret", name, UNKNOWN, says, itself("doctor"))
    if facts.config is None:
        return
    mqtt = facts.config.mqtt
    private = {"password_file": mqtt.password_file, "key_file": (mqtt.tls.key or mqtt.tls.cert) if mqtt.tls else None}
    private["token_file"] = facts.config.web.token_file
    if facts.config.cluster is not None and (tls := facts.config.cluster.tls) is not None:
        private["cluster_key_file"] = tls.key or tls.cert
    for key, path in private.items():
        if path is None or key in facts.lost:
            continue
        if path.stat().st_mode & 0o004:
            says = f"{path_of(path)} can be read by everyone on this machine"
            yield Finding(
                "secret",
                _key(key),
                WRONG,
                says,
                f"sudo chmod 600 {shlex.quote(str(path))}",
            )
        else:
            yield Finding(
                "secret",
                _key(key),
                FINE,
                f"{path_of(path)} is read, and not open to everyone",
            )


def _key(key: str) -> str:
    """As the configuration has it."""
    return f"{'web' if key in TOKEN else 'compute' if key in CLUSTER else 'mqtt'}.{key}"
