"""All checks, one after the other."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .. import __version__, state
from ..commands.ends import CONFIG, DONE, FAILED
from ..ingest.identity import lockers
from .broker import broker
from .certificates import certificate_facts, certificates
from .clock import clock, clock_facts
from .cluster import cluster, cluster_facts
from .disk import disk, disk_facts
from .finding import FINE, UNKNOWN, WRONG, Finding
from .ports import port_facts, ports
from .reading import ConfigFacts, config_facts, configuration
from .steps import BrokerFacts, broker_facts
from .told import lent, told
from .unit import UnitFacts, unit, unit_facts
from .user import user
from .web import web, web_facts


@dataclass(frozen=True, slots=True)
class Examined:
    """What was seen. broker: None where it was not asked."""

    findings: Sequence[Finding]
    config: ConfigFacts
    unit: UnitFacts
    folder: Path
    broker: BrokerFacts | None = None

    @property
    def code(self) -> int:
        """78 when the configuration is wrong, 1 when something else is, else 0; what is unknown counts for nothing."""
        if self.config.wrong:
            return CONFIG
        return FAILED if any(one.state == WRONG for one in self.findings) else DONE


def examine(path: Path) -> Examined:
    """Looks at everything. path: of the configuration."""
    service = unit_facts()
    who = user(service.user, service.groups)
    read = config_facts(path, who)
    findings = [
        Finding(
            "version", "", FINE, f"gateway {__version__} on Python {platform.python_version()}, {platform.platform()}"
        ),
        *configuration(read, who),
        *unit(service),
        *clock(clock_facts()),
    ]
    config = read.config
    folder = (config.state_dir if config else None) or _folder(service)
    if config is None:
        return Examined(findings, read, service, folder)
    runs = service.pid or _locker(folder)
    seen = port_facts(config, who, runs)  # who has one open may have gone a moment later
    facts = asyncio.run(broker_facts(config, hidden=read.hidden))
    findings += certificates(certificate_facts(config.mqtt.tls), time.time())
    findings += certificates(certificate_facts(config.cluster.tls if config.cluster else None), time.time())
    findings += ports(seen, who, lent(facts, config))
    findings += disk(disk_facts(folder, who), who, config.spool_bytes)
    findings += web(web_facts(config.web), runs=runs is not None)
    findings += cluster(cluster_facts(config.cluster))
    findings += broker(facts, config, time.time())
    if config.mqtt.embedded and facts.failed == "port" and runs is None:
        findings = [one for one in findings if not one.what.startswith("broker")]
        findings.append(Finding("broker", facts.where, UNKNOWN, "is the gateway's own, which does not run"))
    findings += told(facts, config, time.time(), runs=runs is not None)
    return Examined(findings, read, service, folder, facts)


def _folder(service: UnitFacts) -> Path:
    """Where the state is when the configuration does not say."""
    if "STATE_DIRECTORY" not in os.environ and service.state_dir is not None:
        return service.state_dir
    return state.default()


def _locker(folder: Path) -> int | None:
    """The pid of the gateway that has the lock of the directory; None where it is free, or not this user's to see."""
    return next(iter(lockers(str(folder / state.LOCK))), None)
