"""What doctor says of a gateway, as functions of facts: its configuration, its broker, what it tells when it runs."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gateway import __version__
from gateway.doctor.broker import broker
from gateway.doctor.certificates import certificates
from gateway.doctor.finding import FINE, UNKNOWN, UNWISE, WRONG
from gateway.doctor.reading import ConfigFacts, config_facts, configuration
from gateway.doctor.steps import BrokerFacts, hear
from gateway.doctor.told import lent as lent_now
from gateway.doctor.told import read_document, told
from tests.certificates import Authority
from tests.doctor_facts import ME, NOW, SERVICE, made, the_one

__all__ = ["made"]  # the fixture


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


def test_the_files_of_a_cluster_that_only_a_running_service_has(tmp_path):
    """They are unknown and not wrong, and of a cluster no more is said; what is known of the broker is tried."""
    file, folder = tmp_path / "gateway.toml", Path("/run/credentials/nobody.service")
    keys = "".join(f'cluster_{name}_file = "{folder / name}"\n' for name in ("ca", "cert", "key"))
    board = '[[boards]]\nname = "bench"\nport = "/dev/ttyUSB0"\n'
    file.write_text(f'[gateway]\nid = "gw"\n{board}[compute]\nworkers = 1\ncluster = "tls://h"\n{keys}')
    facts = config_facts(file, ME)
    assert (facts.problems, facts.hidden) == ((), {})
    assert facts.config is not None and facts.config.cluster is None and facts.config.workers == 1
    found = [one for one in configuration(facts, ME) if one.what == "secret"]
    assert {(one.where, one.state) for one in found} == {
        (f"compute.cluster_{name}_file", UNKNOWN) for name in ("ca", "cert", "key")
    }
    assert all(one.says.endswith("the cluster is not tried") for one in found)


def test_the_key_of_a_cluster_that_everyone_can_read(tmp_path):
    """It is wrong, and the command mends it; mended it is fine."""
    ca = Authority(tmp_path / "ca")
    cert, key = ca.issue("own", "")
    file = tmp_path / "gateway.toml"
    keys = f'cluster_ca_file = "{ca.certificate}"\ncluster_cert_file = "{cert}"\ncluster_key_file = "{key}"\n'
    board = '[[boards]]\nname = "bench"\nport = "/dev/ttyUSB0"\n'
    file.write_text(f'[gateway]\nid = "gw"\n{board}[compute]\ncluster = "tls://h"\n{keys}')
    for mode, state in ((0o644, WRONG), (0o600, FINE)):
        key.chmod(mode)
        found = [one for one in configuration(config_facts(file, ME), ME) if one.what == "secret"]
        assert [(one.where, one.state) for one in found] == [("compute.cluster_key_file", state)]


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
