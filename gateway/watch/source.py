"""Where a gateway is watched: broker and topic, out of a configuration or of the command's options."""

from __future__ import annotations

import argparse
import secrets
from dataclasses import dataclass
from pathlib import Path

from ..config import Mqtt, Unfit, Wrong, load, made
from ..config.password import Password
from ..names import level
from ..publish.subscriber import Refused, Where

CLIENT = f"gateway-watch-{secrets.token_hex(4)}"  # 22 bytes: 3.1.1 promises no more than 23
OF_BROKER = ("username", "password_file", "ca_file", "cert_file", "key_file", "prefix")


@dataclass(frozen=True, slots=True)
class Source:
    """A broker, and whom to watch there. level: its topic level, None: not known yet. here: on this machine.

    fleet: all gateways, by their documents.
    """

    mqtt: Mqtt
    level: str | None
    here: bool
    by_options: bool
    fleet: bool = False

    @property
    def topic(self) -> str:
        """What is subscribed to."""
        return f"{self.mqtt.prefix}/{self.level or '+'}/{'status' if self.fleet else '#'}"

    async def where(self) -> Where:
        """The broker, as of now. Raises Refused where the password cannot be read."""
        mqtt = self.mqtt
        try:
            secret = await Password(mqtt.password_file).read()
        except ValueError as error:
            raise Refused(f"mqtt.password_file: {error}") from None
        v5 = mqtt.version == "5" and not mqtt.embedded
        client = f"{CLIENT}a" if self.fleet else CLIENT  # one that is opened out of a fleet is a client beside it
        return Where(mqtt.host, mqtt.port, client, mqtt.username or None, secret, v5, mqtt.tls)

    def said(self, sentence: str) -> str:
        """The sentence, in the words that say where the broker is."""
        return by_options(sentence) if self.by_options else sentence


def by_options(sentence: str) -> str:
    """The sentence, with options in the place of keys of a configuration that there is not."""
    for key in ("url", *OF_BROKER):
        sentence = sentence.replace(f"mqtt.{key}", f"--{key.replace('_', '-')}")
    return sentence


def source(options: argparse.Namespace, configuration: Path) -> Source:
    """Where the command's options lead, or without a url the configuration. Raises Wrong, and Unfit for wrong use."""
    if options.all and options.gateway:
        raise Unfit("--all watches each gateway, and --gateway one: give one of the two")
    if not options.url:
        if beside := [name for name in OF_BROKER if getattr(options, name)]:
            raise Unfit(f"--{beside[0].replace('_', '-')} goes with --url: the configuration has its own")
        config = load(configuration)
        if options.all:
            return Source(config.mqtt, None, False, False, fleet=True)
        found = level(options.gateway or config.id)
        return Source(config.mqtt, found, found == level(config.id), False)
    if options.config:
        raise Unfit("-c and --url both say where the broker is: give one")
    if options.url == "embedded":
        raise Unfit("--url is where the broker listens, such as mqtt://HOST:1883")
    mqtt = {name: value for name in ("url", *OF_BROKER) if (value := getattr(options, name))}
    board = {"name": "none", "port": "/dev/null"}  # a configuration has one
    try:
        config = made({"mqtt": mqtt, "boards": [board]}, Path.cwd() / "options")
    except Wrong as error:
        raise Wrong([by_options(problem) for problem in error.problems]) from None
    named = level(options.gateway) if options.gateway else None
    return Source(config.mqtt, named, False, True, fleet=options.all)
