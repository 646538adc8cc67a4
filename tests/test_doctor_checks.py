"""Checks of doctor as functions of facts about a machine: what is said, how it stands, and what mends it."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.doctor.clock import ClockFacts, clock
from gateway.doctor.disk import DiskFacts, disk
from gateway.doctor.finding import FINE, UNKNOWN, UNWISE, WRONG, Finding, document, lines
from gateway.doctor.ports import PortFacts, ports
from gateway.doctor.unit import UnitFacts, unit
from gateway.doctor.user import may
from gateway.ingest.identity import Holder
from tests.doctor_facts import ME, NOW, SERVICE, the_one


def test_what_is_printed():
    """What is wrong comes first, with its command; what a terminal would obey is escaped; the counts come last."""
    found = [Finding("clock", "", FINE, "right"), Finding("port", "/dev/\x1b[2J", WRONG, "not there", "gateway ports")]
    assert lines(found) == [
        "wrong    port /dev/\\x1b[2J: not there", "         run: gateway ports", "fine     clock: right",
        "1 wrong, 0 unknown, 0 unwise, 1 fine",
    ]  # fmt: skip
    assert document(found)[1] == {
        "what": "port", "where": "/dev/\x1b[2J", "state": "wrong", "says": "not there", "mend": "gateway ports",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "owner", "group", "answer"),
    [(0o660, 0, 20, True), (0o600, 0, 20, False), (0o066, 990, 20, False), (0o606, 0, 0, True), (0o066, 0, 20, True)],
)
def test_who_may_open_a_device(mode, owner, group, answer):
    """The first of owner, group and others that a user is in decides, as in the kernel; root may everything."""
    assert may(SERVICE, mode, owner, group, 6) is answer
    assert may(replace(ME, uid=0), mode, owner, group, 6)


@pytest.mark.parametrize(
    ("facts", "who", "state", "says", "mend"),
    [
        (PortFacts("b", "/dev/x"), ME, FINE, "pi may open it, and nobody has it", ""),
        (PortFacts("b", "/dev/x", ours=True), ME, FINE, "the running gateway has it", ""),
        (PortFacts("b", "/dev/x", there=False), ME, WRONG, "is the board plugged in", "gateway ports"),
        (PortFacts("b", "/dev/x", serial=False), ME, WRONG, "is no serial port", "gateway ports"),
        (
            PortFacts("b", "/dev/x", allowed=False, group="dialout"),
            ME,
            WRONG,
            "after a new login",
            "sudo usermod -aG dialout pi",
        ),
        (
            PortFacts("b", "/dev/x", allowed=False, group="plugdev"),
            SERVICE,
            WRONG,
            "gateway may not open it",
            "sudo usermod -aG plugdev gateway && sudo systemctl restart gateway",
        ),
        (
            PortFacts("b", "/dev/x", allowed=False),
            SERVICE,
            WRONG,
            "no group",
            "sudo chgrp dialout /dev/x && sudo chmod 660 /dev/x",
        ),
        (PortFacts("b", "/dev/x", held=Holder(7, "picocom")), ME, WRONG, "picocom (pid 7) has it open", "sudo kill 7"),
        (
            PortFacts("b", "/dev/x", held=Holder(7, "ModemManager")),
            ME,
            WRONG,
            "takes part of the bytes",
            "sudo systemctl disable --now ModemManager",
        ),
        (PortFacts("b", "socket://[::1]:4001"), ME, UNKNOWN, "is not tried", "nc -vz ::1 4001"),
        (PortFacts("auto", "auto", there=False), ME, UNKNOWN, "no board is plugged in", "gateway ports"),
    ],
)
def test_ports(facts, who, state, says, mend):
    """Each thing that can be the matter with a port has its sentence and its command, for the user who is meant."""
    one = the_one(ports([facts], who))
    assert (one.state, one.mend) == (state, mend)
    assert says in one.says


def test_a_port_that_is_lent():
    """Whoever has it open then is not to be ended."""
    one = the_one(ports([PortFacts("b", "/dev/x", held=Holder(7, "avrdude"))], ME, {"b"}))
    assert (one.state, one.mend, one.says) == (FINE, "", "it is lent, and avrdude (pid 7) has it open")


@pytest.mark.parametrize(
    ("facts", "who", "state", "says", "mend"),
    [
        (DiskFacts(Path("/s"), tested=True), ME, FINE, "a file was written there", ""),
        (DiskFacts(Path("/s"), there=False), ME, FINE, "the gateway makes it", ""),
        (DiskFacts(Path("/s"), there=False, owned=False), SERVICE, FINE, "the gateway makes it", ""),
        (
            DiskFacts(Path("/s"), there=False, owned=False),
            ME,
            WRONG,
            "pi may not make it",
            "sudo install -d -m 700 -o pi /s",
        ),
        (
            DiskFacts(Path("/a b"), owned=False),
            SERVICE,
            WRONG,
            "is not gateway's to write",
            "sudo chown -R gateway '/a b' && sudo chmod 700 '/a b'",
        ),
        (DiskFacts(Path("/s"), visible=False), SERVICE, UNKNOWN, "may not look into it", "sudo -u gateway"),
        (
            DiskFacts(Path("/s"), read_only=True),
            ME,
            WRONG,
            "mounted read-only",
            "sudo mount -o remount,rw $(findmnt -no TARGET -T /s)",
        ),
        (
            DiskFacts(Path("/s"), tested=True, error=errno.ENOSPC),
            ME,
            WRONG,
            "the disk is full",
            "sudo journalctl --vacuum-size=50M",
        ),
        (DiskFacts(Path("/s"), tested=True, error=errno.EIO), ME, WRONG, "input/output error", "sudo dmesg"),
    ],
)
def test_the_directory(facts, who, state, says, mend):
    """It is written to where this user may, and each reason why that fails has its own way out."""
    one = the_one(disk(facts, who, 1_000_000))
    assert one.state == state
    assert says in one.says
    assert one.mend.startswith(mend)


@pytest.mark.parametrize(("free", "used", "state"), [(900, 100, FINE), (899, 100, WRONG), (0, 2000, FINE)])
def test_room_for_the_spool(free, used, state):
    """What the spool may still take has to be free; what it has taken already counts as its own."""
    found = list(disk(DiskFacts(Path("/s"), tested=True, free=free, used=used), ME, 1000))
    assert [one.state for one in found if one.what == "disk"] == [state]


@pytest.mark.parametrize(
    ("unset", "synced", "state"),
    [(False, True, FINE), (True, False, WRONG), (False, False, UNWISE), (False, None, UNKNOWN)],
)
def test_the_clock(unset, synced, state):
    """One that the gateway does not believe is wrong; one that nobody keeps right is unwise."""
    assert the_one(clock(ClockFacts(NOW, unset, synced))).state == state


LOADED = {
    "LoadState": "loaded", "ActiveState": "active", "SubState": "running", "UnitFileState": "enabled", "NRestarts": "0",
    "NeedDaemonReload": "no", "FragmentPath": "/etc/systemd/system/gateway.service", "MainPID": "7", "User": "gateway",
    "StateDirectory": "gateway", "SupplementaryGroups": "dialout",
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "state", "says", "mend"),
    [
        ({}, FINE, "is active (running)", ""),
        ({"ActiveState": "failed", "ExecMainStatus": "78"}, WRONG, "its configuration is wrong", "check"),
        (
            {"ActiveState": "failed", "ExecMainStatus": "1", "Result": "exit-code"},
            WRONG,
            "(exit-code, exit code 1)",
            "journalctl",
        ),
        ({"ActiveState": "inactive"}, WRONG, "does not run", "sudo systemctl enable --now gateway.service"),
        ({"UnitFileState": "disabled"}, UNWISE, "after a restart", "sudo systemctl enable gateway.service"),
        ({"NRestarts": "3"}, UNWISE, "anew 3 times", "journalctl"),
        ({"LoadState": "not-found"}, UNKNOWN, "is not installed", "systemctl cat"),
    ],
)
def test_the_unit(more, state, says, mend):
    """How the service stands is told by what systemd says of it."""
    one = the_one(unit(UnitFacts({**LOADED, **more})))
    assert one.state == state
    assert says in one.says
    assert mend in one.mend


def test_what_the_unit_says_of_the_gateway():
    """User, groups, state directory and pid are the installed service's; without systemd nothing is known."""
    facts = UnitFacts(LOADED)
    assert (facts.user, facts.groups, facts.pid) == ("gateway", ["dialout"], 7)
    assert facts.state_dir == Path("/var/lib/gateway")
    assert (UnitFacts().user, UnitFacts().pid, UnitFacts().state_dir) == (None, None, None)
    assert the_one(unit(UnitFacts())).state == UNKNOWN


def test_a_unit_that_has_drifted():
    """Another text than the shipped one, a file that systemd has not read again, and a drop-in are each told."""
    assert [one.state for one in unit(UnitFacts(LOADED, "[Unit]\n", "[Unit]\n"))] == [FINE, FINE]
    shipped = (Path(__file__).parent.parent / "systemd/gateway.service").read_text()
    more = {"NeedDaemonReload": "yes", "DropInPaths": "/etc/systemd/system/gateway.service.d/override.conf"}
    _, reload, drift, dropped = unit(UnitFacts({**LOADED, **more}, "[Unit]\n", shipped))
    assert (reload.state, drift.state, dropped.state) == (WRONG, UNWISE, UNWISE)
    assert "daemon-reload" in reload.mend
    assert "systemd/gateway.service /etc/systemd/system/gateway.service" in drift.mend
    own = {"DropInPaths": "/usr/local/lib/systemd/system/gateway.service.d/systemd-254.conf"}
    assert [one.state for one in unit(UnitFacts({**LOADED, **own}, shipped, shipped))] == [FINE, FINE]
