"""`gateway doctor` on planted faults: each is named, in the words of the log, and its command mends it."""

import json
import os
import pty
import signal
import subprocess
import sys

import pytest

from gateway import cli
from tests.brokers import free_port
from tests.certificates import Authority
from tests.doctors import PASSWORD, Machine
from tests.street import ROOT, running, until


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """The CA that has signed the broker's certificates."""
    return Authority(tmp_path_factory.mktemp("doctor") / "ca")


@pytest.fixture
def machine(tmp_path, authority):
    """One on which all is well, but that no gateway runs."""
    made = Machine(tmp_path, authority, authority.issue("broker"))
    made.configure()
    yield made
    made.broker.kill()


@pytest.fixture
def port():
    """The path of a pseudo-terminal that is ours."""
    ours, theirs = pty.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_all_is_well(machine, capsys, port):
    """Exit code 0, and every step to the broker is fine, with the access list of the documents."""
    machine.configure({"bench": port})
    code = cli.run(["doctor", "-c", str(machine.file)])
    out = capsys.readouterr().out
    assert code == 0, out
    assert "fine     broker tls" in out
    assert "fine     broker publish" in out
    assert "0 wrong" in out


def test_open_files(machine, capsys):
    """A configuration that everyone may write and a password that everyone may read are named, and mended."""
    machine.file.chmod(0o666)
    machine.secret.chmod(0o644)
    code, found = machine.doctor(capsys)
    assert code == 1
    machine.mend(found["configuration", "wrong"]["mend"])
    machine.mend(found["secret", "wrong"]["mend"])
    assert machine.doctor(capsys)[0] == 0


def test_a_port_that_another_program_has(machine, capsys, port):
    """The program is named with its pid, and what ends it is the command."""
    machine.configure({"bench": port})
    with subprocess.Popen(
        [sys.executable, "-c", f"import time\nport = open({port!r}, 'rb', 0)\nprint(1, flush=True)\ntime.sleep(60)"],
        stdout=subprocess.PIPE,
    ) as other:
        other.stdout.readline()
        code, found = machine.doctor(capsys)
        assert code == 1
        assert f"(pid {other.pid}) has it open" in found["port", "wrong"]["says"]
        machine.mend(found["port", "wrong"]["mend"])
        assert other.wait(5) == -signal.SIGTERM
    assert machine.doctor(capsys)[0] == 0


def test_a_port_that_is_not_there(machine, capsys, tmp_path, port):
    """It is said so; with the link in place all is well."""
    machine.configure({"bench": str(tmp_path / "port")})
    code, found = machine.doctor(capsys)
    assert (code, "is not there" in found["port", "wrong"]["says"]) == (1, True)
    (tmp_path / "port").symlink_to(port)
    assert machine.doctor(capsys)[0] == 0


def test_no_broker(machine, capsys):
    """One that does not run, told as such."""
    machine.broker.stop()
    code, found = machine.doctor(capsys)
    assert code == 1
    assert "nobody listens there" in found["broker port", "wrong"]["says"]
    assert found["broker port", "wrong"]["mend"] == "sudo systemctl restart mosquitto"
    machine.broker.start()
    assert machine.doctor(capsys)[0] == 0


def test_a_wrong_password(machine, capsys):
    """It is refused with a sentence that does not repeat it; put right it is let in."""
    machine.secret.write_text("canary-wrong")
    code, found = machine.doctor(capsys)
    assert code == 1
    assert "the user name or password is wrong" in found["broker login", "wrong"]["says"]
    assert "canary" not in json.dumps(list(found.values()))
    machine.secret.write_text(PASSWORD)
    assert machine.doctor(capsys)[0] == 0


@pytest.mark.parametrize("version", ["5", "3.1.1"])
def test_a_missing_right(machine, capsys, version):
    """The access list lets the gateway in and not write: in MQTT 5 the broker says so, in 3.1.1 nothing arrives."""
    machine.configure(mqtt=f'version = "{version}"')
    retain(machine, "gateway/greenhouse-1/status", "{}")
    machine.acl.write_text("user gateway\ntopic read gateway/greenhouse-1/#\n")
    machine.broker.signal(signal.SIGHUP)
    until(lambda: machine.broker.log.count("Reloading config") == 1, "the access list is read")
    code, found = machine.doctor(capsys)
    assert code == 1
    says = found["broker publish", "wrong"]["says"]
    assert "gateway/greenhouse-1/doctor" in says
    assert "access list" in says
    machine.mend(found["broker publish", "wrong"]["mend"])
    until(lambda: ("broker publish", "wrong") not in machine.doctor(capsys)[1], "the access list is read")


def retain(machine, topic, payload):
    """A message that the broker keeps."""
    subprocess.run(
        [
            "mosquitto_pub", "-p", str(machine.broker.port), "--cafile", str(machine.authority.certificate),
            "-h", "127.0.0.1", "-u", "gateway", "-P", PASSWORD, "-q", "1", "-r", "-t", topic, "-m", payload,
        ],
        check=True, capture_output=True,
    )  # fmt: skip


SLOW = pytest.mark.slow  # each is a broker and a gateway; what certificates are called is shown in test_tls.py


@pytest.mark.parametrize(
    "fault",
    ["another CA", pytest.param("expired", marks=SLOW), pytest.param("not yet valid", marks=SLOW), "another host"],
)
def test_certificates_in_doctor_and_in_the_log(tmp_path, authority, capsys, fault):
    """Each has a sentence of its own, the same in doctor and in the service's log, and none of them shows a secret."""
    pair = {
        "another CA": lambda: authority.issue("broker"),
        "expired": lambda: authority.issue("old", start=-9, days=-1),
        "not yet valid": lambda: authority.issue("new", start=9, days=19),
        "another host": lambda: authority.issue("elsewhere", "DNS:broker.lan"),
    }[fault]()
    machine = Machine(tmp_path, authority, pair)
    try:
        machine.configure(ca=Authority(tmp_path / "other", "Other").certificate if fault == "another CA" else None)
        code, found = machine.doctor(capsys)
        says = found["broker tls", "wrong"]["says"]
        words = {
            "another CA": "is not signed by the CA in mqtt.ca_file", "expired": "expired on ",
            "not yet valid": "is not valid before ", "another host": "is not for 127.0.0.1 but for broker.lan",
        }  # fmt: skip
        assert (code, words[fault] in says) == (1, True)
        assert "openssl s_client" in found["broker tls", "wrong"]["mend"]
        with running(tmp_path, machine.file.read_text()) as gateway:
            until(lambda: any(one["event"] == "broker.refused" for one in gateway.events()), "it is told", 20)
            (told,) = {one["why"] for one in gateway.events() if one["event"] == "broker.refused"}
            assert told == f"no connection to 127.0.0.1:{machine.broker.port}: {says}"
            assert gateway.stop(10) == 0
            assert PASSWORD not in gateway.log.read_text()
    finally:
        machine.broker.kill()


def test_a_certificate_that_ends_soon(tmp_path, authority, capsys):
    """It is unwise 30 days before, and nothing is wrong yet."""
    machine = Machine(tmp_path, authority, authority.issue("soon", days=10))
    try:
        machine.configure()
        code, found = machine.doctor(capsys)
        assert (code, "in 10 days" in found["broker tls", "unwise"]["says"]) == (0, True)
    finally:
        machine.broker.kill()


def test_no_room_for_the_spool(machine, capsys):
    """A spool that may take more than is free is told before it does."""
    machine.configure(more='[spool]\nmax_bytes = "9999GB"\n')
    code, found = machine.doctor(capsys)
    assert (code, ("disk", "wrong") in found) == (1, True)


@pytest.mark.parametrize("broken", ["buad = 1", "["])
def test_a_wrong_configuration(machine, capsys, broken):
    """Exit code 78, each problem with the command that checks the file, and the rest of the machine is looked at."""
    machine.configure(more=broken)
    code, found = machine.doctor(capsys)
    assert code == 78
    assert found["configuration", "wrong"]["mend"].endswith(f"check -c {machine.file}")
    assert not any(what.startswith("broker") for what, _ in found)


def test_no_configuration(machine, capsys):
    """The command makes one, and it is good."""
    machine.file.unlink()
    code, found = machine.doctor(capsys)
    assert code == 78
    machine.mend(found["configuration", "wrong"]["mend"])
    assert machine.doctor(capsys)[0] != 78


def test_a_gateway_that_was_lost(machine, capsys):
    """What its will has left is told."""
    retain(
        machine, "gateway/greenhouse-1/status", '{"state": "offline", "reason": "lost", "time": "2026-11-29T20:53:10Z"}'
    )
    code, found = machine.doctor(capsys)
    assert (code, "was lost" in found["gateway", "wrong"]["says"]) == (1, True)


def test_a_broker_of_its_own(tmp_path, capsys):
    """While the gateway does not run its broker cannot be asked, and nothing is wrong with that; else it is fine."""
    file = tmp_path / "gateway.toml"
    file.write_text(
        f'[gateway]\nid = "gw"\nstate_dir = "{tmp_path}/state"\n[mqtt]\nurl = "embedded"\n'
        f'listen = "127.0.0.1:{free_port()}"\n[[boards]]\nport = "auto"\n'
    )
    assert cli.run(["doctor", "-c", str(file)]) == 0
    assert "is the gateway's own, which does not run" in capsys.readouterr().out
    with running(tmp_path, file.read_text()) as gateway:
        until(lambda: any(one["event"] == "broker.connected" for one in gateway.events()), "it is connected", 20)
        assert cli.run(["doctor", "-c", str(file)]) == 0
        out = capsys.readouterr().out
        assert "fine     broker publish" in out
        assert "fine     ledger gateway/gw" in out
        assert gateway.stop(10) == 0


SYSTEMCTL = """#!/bin/sh
case $1 in show) cat {folder}/unit.told;; esac
"""


def test_the_service(machine, capsys, tmp_path, monkeypatch):
    """What systemd says of the unit is taken from `systemctl show`: one that failed and has changed on the disk."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/systemctl").write_text(SYSTEMCTL.format(folder=tmp_path))
    (tmp_path / "bin/timedatectl").write_text("#!/bin/sh\necho NTPSynchronized=yes\n")
    for file in (tmp_path / "bin").iterdir():
        file.chmod(0o755)
    told = {
        "LoadState": "loaded",
        "ActiveState": "failed",
        "ExecMainStatus": "78",
        "NeedDaemonReload": "yes",
        "MainPID": "0",
    }
    (tmp_path / "unit.told").write_text("".join(f"{key}={value}\n" for key, value in told.items()))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    cli.run(["doctor", "-c", str(machine.file)])
    out = capsys.readouterr().out
    assert "wrong    unit gateway.service: does not run, since its configuration is wrong" in out
    assert "sudo systemctl daemon-reload && sudo systemctl restart gateway.service" in out
    assert "and a time server keeps it right" in out


WATCHED = """
import sys
opened = []
sys.addaudithook(lambda event, given: opened.append(str(given[0])) if event == "open" else None)
from gateway import cli
code = cli.run(["doctor", "-c", sys.argv[1]])
print("OPENED", [one for one in opened if one.startswith("/dev/") and one != "/dev/null"])
sys.exit(code)
"""


def test_beside_a_running_gateway(machine, tmp_path, port):
    """The ledger balances and the port is in the gateway's hands; no device is opened, the gateway notices nothing."""
    machine.configure({"bench": port})
    with running(tmp_path, machine.file.read_text()) as gateway:
        until(lambda: any(one["event"] == "broker.connected" for one in gateway.events()), "it is connected", 20)
        before = len(gateway.events())
        done = subprocess.run(
            [sys.executable, "-c", WATCHED, str(machine.file)], cwd=ROOT, capture_output=True, text=True, timeout=60
        )
        assert done.returncode in (0, 1), done.stderr
        assert "fine     ledger gateway/greenhouse-1: it balances" in done.stdout, done.stdout
        assert "the running gateway has it" in done.stdout
        assert "OPENED []" in done.stdout
        new = [one["event"] for one in gateway.events()[before:]]
        assert not [name for name in new if name.startswith(("broker.", "board.shared", "port."))], new
        assert gateway.stop(10) == 0


def heard(machine, user, password, topic, count, seconds=5):
    """What a subscriber with that login hears within so many seconds, at most `count` messages."""
    done = subprocess.run(
        [
            "mosquitto_sub", "-p", str(machine.broker.port), "--cafile", str(machine.authority.certificate),
            "-h", "127.0.0.1", "-u", user, "-P", password, "-q", "1", "-C", str(count), "-W", str(seconds),
            "-t", topic, "-v",
        ],
        capture_output=True, text=True,
    )  # fmt: skip
    return [line.split()[0] for line in done.stdout.splitlines()]


def test_the_access_list_of_the_documents(machine, tmp_path):
    """With it the gateway publishes all that it has; its login neither writes nor reads anything else."""
    ours, theirs = pty.openpty()
    machine.configure({"bench": os.ttyname(theirs)})
    try:
        with running(tmp_path, machine.file.read_text()) as gateway:
            until(lambda: any(one["event"] == "broker.connected" for one in gateway.events()), "it is connected", 20)
            until(lambda: os.write(ours, b"T=21.5\r\n") and "board.online" in gateway.log.read_text(), "it is read", 20)
            with subprocess.Popen(["sh", "-c", "while echo T=21.5; do sleep 0.1; done"], stdout=ours) as board:
                topics = set(heard(machine, "dashboard", "d", "gateway/#", 20))
                board.kill()
            base = "gateway/greenhouse-1"
            assert {f"{base}/status", f"{base}/bench/status", f"{base}/bench/T/features"} <= topics
            assert not [one for one in gateway.events() if one["event"] == "broker.refusing"]
            assert gateway.stop(10) == 0
    finally:
        os.close(ours)
        os.close(theirs)
    retain(machine, "gateway/other/status", "{}")
    retain(machine, "else", "{}")
    node = "homeassistant/device/gateway-greenhouse-1"
    assert set(heard(machine, "gateway", PASSWORD, "#", 9, 2)) == {
        f"{base}/status", f"{base}/bench/status", f"{base}/bench/T/last", f"{node}/config", f"{node}/bench/config",
    }  # fmt: skip
    assert "gateway/other/status" not in heard(machine, "dashboard", "d", "gateway/#", 9, 2)
