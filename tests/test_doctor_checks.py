"""The checks of doctor as functions of facts: what is said, how it stands, and the command that mends it."""

import errno
import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import __version__, config
from gateway.doctor.broker import broker
from gateway.doctor.certificates import certificates
from gateway.doctor.clock import ClockFacts, clock
from gateway.doctor.disk import DiskFacts, disk
from gateway.doctor.finding import FINE, UNKNOWN, UNWISE, WRONG, Finding, document, lines
from gateway.doctor.ports import PortFacts, ports
from gateway.doctor.reading import ConfigFacts, config_facts, configuration
from gateway.doctor.steps import BrokerFacts, hear
from gateway.doctor.told import lent as lent_now
from gateway.doctor.told import read_document, told
from gateway.doctor.unit import UnitFacts, unit
from gateway.doctor.user import User, may
from gateway.ingest.identity import Holder

ME = User("pi", 1000, frozenset({1000}), me=True, service=False)
SERVICE = User("gateway", 990, frozenset({990, 20}), me=False, service=True)
NOW = 1_796_000_000.0


@pytest.fixture
def made(tmp_path):
    """A configuration of one board."""
    file = tmp_path / "gateway.toml"
    file.write_text('[gateway]\nid = "gw"\n[mqtt]\nusername = "u"\n[[boards]]\nname = "bench"\nport = "/dev/ttyUSB0"\n')
    return config.load(file)


def the_one(findings):
    """The only finding of a check."""
    (one,) = findings
    return one


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


def test_the_configuration(made, tmp_path):
    """What is wrong in it, what this user may not see, and what everyone may write."""
    path = made.path
    (wrong,) = configuration(ConfigFacts(path, problems=("boards[0].buad: no such key",)), ME)
    assert (wrong.state, wrong.says) == (WRONG, "boards[0].buad: no such key")
    (hidden,) = configuration(ConfigFacts(path, visible=False), ME)
    assert (hidden.state, "sudo -u gateway " in hidden.mend) == (UNKNOWN, True)
    found = list(configuration(ConfigFacts(path, made, unwise=("gateway.id: x",), writable=True), ME))
    assert [one.state for one in found] == [FINE, WRONG, UNWISE]
    (_, closed) = configuration(ConfigFacts(path, made, readable=False), SERVICE)
    assert (closed.state, closed.mend) == (WRONG, f"sudo chgrp gateway {path} && sudo chmod 640 {path}")
    secret = {"password_file": tmp_path / "secret"}
    (_, unseen) = configuration(ConfigFacts(path, made, hidden=secret), ME)
    assert (unseen.what, unseen.state) == ("secret", UNKNOWN)
    (_, lost) = configuration(ConfigFacts(path, made, hidden=secret, lost=secret), SERVICE)
    assert (lost.state, lost.mend) == (
        WRONG,
        f"sudo chown gateway {tmp_path}/secret && sudo chmod 600 {tmp_path}/secret",
    )


@pytest.mark.parametrize("who", [ME, SERVICE], ids=["me", "service"])
def test_secrets_that_only_a_running_service_has(tmp_path, who):
    """While it does not run they are not known, and not wrong; the command starts it."""
    file, secret = tmp_path / "gateway.toml", Path("/run/credentials/nobody.service/p")
    mqtt = f'url = "mqtts://h"\nusername = "u"\npassword_file = "{secret}"\nca_file = "{secret.with_name("ca")}"\n'
    file.write_text(f'[gateway]\nid = "gw"\n[mqtt]\n{mqtt}[[boards]]\nname = "bench"\nport = "/dev/ttyUSB0"\n')
    facts = config_facts(file, who)
    assert (facts.problems, facts.lost) == ((), {})
    assert facts.hidden == {"password_file": secret, "ca_file": secret.with_name("ca")}
    found = [one for one in configuration(facts, who) if one.what == "secret"]
    assert [(one.where, one.state) for one in found] == [("mqtt.password_file", UNKNOWN), ("mqtt.ca_file", UNKNOWN)]
    assert all("only while the service runs" in one.says for one in found)
    assert {one.mend for one in found} == {"sudo systemctl start gateway"}


def facts_of(**more):
    """What came of a broker that takes all."""
    return BrokerFacts("localhost:1883", "gateway/gw", version="5", taken=True, **more)


def test_steps_to_the_broker(made):
    """Steps before the one that failed are fine, the one that did has its sentence, and those behind it say nothing."""
    failed = replace(facts_of(), failed="login", why="the user name or password is wrong")
    *good, bad = broker(failed, made, NOW)
    assert [(one.what, one.state) for one in good] == [("broker name", FINE), ("broker port", FINE)]
    assert (bad.what, bad.state, bad.says) == ("broker login", WRONG, failed.why)
    assert bad.mend == "sudo mosquitto_passwd /etc/mosquitto/passwd u"
    assert {one.state for one in broker(facts_of(), made, NOW)} == {FINE}
    for key, steps in (("password_file", ["name", "port", "tls"]), ("ca_file", ["name", "port"])):
        seen = broker(facts_of(tls=True, hidden=frozenset({key})), made, NOW)
        assert [one.what for one in seen] == [f"broker {step}" for step in steps], "no more is tried than can be"


@pytest.mark.parametrize(("days", "state"), [(31, FINE), (29, UNWISE)])
def test_a_certificate_that_soon_expires(made, days, state):
    """It is told 30 days before."""
    found = broker(facts_of(tls=True, expires=NOW + days * 86_400), made, NOW)
    assert [one.state for one in found if one.what == "broker tls"] == [state]


@pytest.mark.parametrize(("days", "state"), [(31, FINE), (29, UNWISE), (-1, WRONG)])
def test_our_own_certificate(days, state):
    """It is told 30 days before it ends, and is wrong from then on; the command shows it."""
    one = the_one(certificates([("mqtt.cert_file", Path("/a b.crt"), NOW + days * 86_400)], NOW))
    assert (one.state, one.mend.endswith("-in '/a b.crt'")) == (state, state != FINE)


def status(**more):
    """The gateway's own document, as it is when all is well."""
    good = {
        "state": "online", "reason": None, "time": "2026-11-29T20:53:10Z", "started": "2026-11-29T20:00:00Z",
        "version": __version__, "balanced": True, "readings": 7, "faults": {},
    }  # fmt: skip
    return {"gateway/gw/status": json.dumps({**good, **more}).encode()}


BENCH = {"gateway/gw/bench/status": b'{"board": "bench", "state": "online", "readings": 7, "faults": {}}'}
AT = 1_795_985_600.0  # 10 s after


def states(made, documents, at=AT):
    """(check, state) of what is wrong, unwise or unknown by these documents."""
    found = told(facts_of(documents=documents), made, at, runs=True)
    return [(one.what, one.state) for one in found if one.state != FINE]


def test_what_a_running_gateway_tells(made):
    """A ledger that does not balance, faults, another version, a document that is old: each is told; well is well."""
    assert states(made, status() | BENCH) == []
    assert states(made, status(balanced=False) | BENCH) == [("ledger", WRONG)]
    assert states(made, status(version="0.0.1") | BENCH) == [("version", WRONG)]
    assert states(made, status() | BENCH, AT + 100) == [("gateway", WRONG)]
    assert states(made, status(state="offline", reason="lost") | BENCH) == [("gateway", WRONG)]
    fault = {"broker_lacks": {"since": "…", "count": 1, "text": "the broker does not take our last will"}}
    assert states(made, status(faults=fault) | BENCH) == [("gateway", WRONG)]
    assert states(made, {}) == [("gateway", UNKNOWN)]


def test_what_it_tells_of_boards(made):
    """One that is offline, one of which nothing is told, and documents of boards that are not read any more."""
    gone = {
        "gateway/gw/bench/status": b'{"board": "bench", "state": "offline", "reason": "is not there", "faults": {}}'
    }
    assert states(made, status() | gone) == [("board", WRONG)]
    assert states(made, status()) == [("board", UNKNOWN)]
    assert states(made, status() | BENCH | {"gateway/gw/old/status": b"{}"}) == [("orphan", UNWISE)]
    lent = {"gateway/gw/bench/status": b'{"board": "bench", "state": "lent", "faults": {}}'}
    assert states(made, status() | lent) == [("board", UNWISE)]
    assert lent_now(facts_of(documents=status() | lent), made) == {"bench"}
    gone = {"gateway/gw/status": b'{"state": "offline"}'}
    assert lent_now(facts_of(documents=gone | lent), made) == set()


@pytest.mark.parametrize(
    "rubbish",
    [
        b"", b"[]", b"\xff", b'{"faults": 7, "time": {}}', b'{"state": "online", "faults": []}',
        b'{"state": "online", "faults": {"x": "y"}}', b"[" * 100_000, b'{"time": ' * 900 + b"1" + b"}" * 900,
    ],
    ids=range(8),
)  # fmt: skip
def test_documents_that_somebody_else_wrote(made, rubbish):
    """Anybody may write there: nothing raises, and no document is nested deeper than can be written again."""
    assert states(made, {"gateway/gw/status": rubbish, "gateway/gw/bench/status": rubbish})
    assert "time" not in read_document(rubbish) or b"faults" in rubbish


def test_topics_that_nobody_subscribed_to():
    """What a broker sends beside what was asked for is not kept, since topics become names of files."""
    facts = facts_of()
    kept = ["gateway/gw/status", "gateway/gw/bench/status", "gateway/gw/../status"]
    for topic in (*kept, "gateway/gw/../../x/status", "../../x/status", "gateway/gw/bench/status/x", "gateway/gw/x"):
        hear(facts, topic, b"{}")
    assert list(facts.documents) == kept and not facts.came_back
    hear(facts, "gateway/gw/doctor", b"{}")
    assert list(facts.documents) == kept and facts.came_back
