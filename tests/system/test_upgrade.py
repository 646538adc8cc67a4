"""Upgrades in a booted machine: a good one, and such as must not be noticed, or must be undone."""

import json
import re
import time

import pytest

from tests.system.life import CHECKOUT, WHEELS, unpack

UNDER_WAY = 0.3  # s from a board's write to the gateway's having read it, with room
ROLLED_BACK = 30.0  # s from the end of the old version to its start
NUMBER = "gateway/__init__.py"


def numbered(version):
    """Another version number in the sources."""
    return lambda text: re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', text)


def at_start(line):
    """A line that is run when the service starts, and not for other commands."""
    return lambda text: text.replace("    from . import signals\n", f"    from . import signals\n\n    {line}\n", 1)


@pytest.fixture
def next_version(life):
    """Unpacks a version of that number with changes; gives the upgrade's command. What it leaves is taken away."""

    def unpacked(version, changes=None):
        unpack(life.machine, "/srv/next", {NUMBER: numbered(version), **(changes or {})})
        return [f"{CHECKOUT}/systemd/install", "--upgrade", "--offline", WHEELS, "/srv/next"]

    yield unpacked
    life.machine.run("rm", "-rf", "/srv/next")


def versions(machine):
    """What runs, by its log; and how many are kept."""
    (started,) = [json.loads(line) for line in machine.journal().splitlines() if '"service.started"' in line][-1:]
    return started["version"], len(machine.run("ls", "/opt/gateway/versions").stdout.split())


def away(machine, since):
    """Seconds from the first end of the service since `since` (Unix time) to its last start that came up."""
    said = machine.journal(f"--since=@{since:.0f}", "--output=json").splitlines()
    times = {"stopped": [], "started": []}
    for one in map(json.loads, said):
        text = one["MESSAGE"] if isinstance(one["MESSAGE"], str) else ""
        for word, found in times.items():
            if f'"service.{word}"' in text:
                found.append(int(one["__REALTIME_TIMESTAMP"]) / 1e6)
    return times["started"][-1] - times["stopped"][0]


def test_an_upgrade(life, next_version):
    """The new version runs, reads the same configuration and goes on with what was under way; two versions are kept."""
    was, _ = versions(life.machine)
    command = next_version("7.0.0")
    configuration = life.machine.path("/etc/gateway/gateway.toml").read_text()
    began = time.time()
    done = life.machine.run(*command, check=True)
    assert versions(life.machine) == ("7.0.0", 2)
    assert f"gateway 7.0.0 runs in the place of gateway {was}" in done.stdout
    assert life.machine.path("/etc/gateway/gateway.toml").read_text() == configuration
    print(f"the service was away for {away(life.machine, began):.1f} s")
    life.all_heard()
    stopped = time.monotonic() - (time.time() - stopped_at(life, began))
    assert life.nothing_lost(stopped, time.monotonic(), at_risk=UNDER_WAY) > 100
    life.machine.run("/usr/local/bin/gateway", "--version", check=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"systemd/gateway.service": lambda text: text.replace("bin/gateway run", "bin/gateway walk")},
        {"gateway/cli.py": at_start("raise SystemExit(78)")},
        {"gateway/cli.py": at_start("__import__('time').sleep(600)")},
    ],
    ids=["its unit is wrong", "it ends for good", "it hangs"],
)
def test_an_upgrade_that_does_not_come_up_is_undone(life, next_version, changes):
    """The old version is back within 30 s, and nothing is lost that was read; the command fails and says all that."""
    was = versions(life.machine)[0]
    unit = life.machine.run("systemctl", "cat", "gateway").stdout
    command = next_version("8.0.0", changes)
    began = time.time()
    done = life.machine.run(*command)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("install: gateway 8.0.0 did not come up") and f"gateway {was} is back and runs" in last
    gap = away(life.machine, began)
    print(f"{was} was back after {gap:.1f} s")
    assert gap < ROLLED_BACK
    assert versions(life.machine)[0] == was
    assert life.machine.show("ActiveState", "NeedDaemonReload") == ["active", "no"]
    assert life.machine.run("systemctl", "cat", "gateway").stdout == unit
    life.all_heard()
    stopped = time.monotonic() - (time.time() - stopped_at(life, began))
    assert life.nothing_lost(stopped, time.monotonic(), at_risk=UNDER_WAY) > 100


def stopped_at(life, since):
    """When the old version was told to stop, as Unix time."""
    said = life.machine.journal(f"--since=@{since:.0f}", "--output=json").splitlines()
    told = [one for one in map(json.loads, said) if '"service.stopping"' in str(one["MESSAGE"])]
    return int(told[0]["__REALTIME_TIMESTAMP"]) / 1e6


def test_an_upgrade_that_refuses_the_configuration(life, next_version):
    """Nothing is stopped: the same process runs on, and the sentence of the new version's check is told."""
    before, kept = life.machine.show("MainPID"), versions(life.machine)
    changed = life.configuration(extra="[spool]\nat_risk = '2s'\n")
    life.configure(changed)
    command = next_version("9.0.0", {"gateway/config/tables.py": lambda text: text.replace("at_risk", "at_rest")})
    done = life.machine.run(*command)
    assert done.returncode == 1
    assert "spool.at_risk: no such key" in done.stderr
    assert "the old one runs on" in done.stderr.splitlines()[-1]
    assert life.machine.show("MainPID") == before and versions(life.machine) == kept


def test_packages_that_are_missing(life, next_version):
    """An upgrade from a folder that lacks one ends in a sentence; what runs is not touched, no half version is left."""
    before, kept = life.machine.show("MainPID"), versions(life.machine)
    command = next_version("9.0.0")
    life.machine.run("sh", "-c", f"mkdir /srv/few; cp {WHEELS}/pip-* /srv/few", check=True)
    done = life.machine.run(*["/srv/few" if word == WHEELS else word for word in command])
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("install: /srv/few lacks a package for this Python and machine")
    assert life.machine.show("MainPID") == before and versions(life.machine) == kept
