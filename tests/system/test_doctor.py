"""`gateway doctor` on the installed service: each planted fault is named, and the command that it gives mends it."""

import json
import re
import subprocess

import pytest

from tests.brokers import Mosquitto
from tests.certificates import Authority
from tests.street import ROOT

GATEWAY = "/opt/gateway/bin/gateway"
FILE = "/etc/gateway/gateway.toml"
PASSWORD = "canary-s3cret"


def doctor(machine, user=""):
    """What is not fine, by (check, state): (sentence, command); and the exit code."""
    group = {"nobody": "nogroup"}.get(user, user)
    become = ["setpriv", f"--reuid={user}", f"--regid={group}", "--init-groups"] if user else []
    done = machine.run(*become, GATEWAY, "doctor", "--json")
    assert done.returncode in (0, 1, 78), done.stderr
    assert PASSWORD not in done.stdout
    said = json.loads(done.stdout)["findings"]
    return {(one["what"], one["state"]): (one["says"], one["mend"]) for one in said if one["state"] != "fine"}


def with_password(life, mode, owner):
    """The configuration names a password, whose file is like that."""
    life.configure(life.configuration().replace("[mqtt]\n", '[mqtt]\nusername = "u"\npassword_file = "password"\n'))
    file = life.machine.path("/etc/gateway/password")
    file.write_text(PASSWORD)
    life.machine.run("sh", "-ec", f"chmod {mode} {FILE.replace('gateway.toml', 'password')}", check=True)
    life.machine.run("chown", owner, "/etc/gateway/password", check=True)


def typed(command):
    """Runs a command in the machine, as root."""
    return lambda life: life.machine.run("sh", "-ec", command, check=True)


def port(command):
    """Runs a command in the machine, with the port of the first board for {}."""
    return lambda life: life.machine.run("sh", "-ec", command.format(life.port("bench")), check=True)


def read_only(life):
    """The state lies on a file system that is mounted read-only, as at a card that is worn out."""
    life.configure(life.configuration().replace("[gateway]\n", '[gateway]\nstate_dir = "/mnt"\n'))
    mount = "mount -t tmpfs -o size=9m,uid=gateway,mode=700 card /mnt && mount -o remount,ro /mnt"
    life.machine.run("sh", "-ec", f"systemctl stop gateway; {mount}", check=True)


UNIT = "/usr/local/lib/systemd/system/gateway.service"
FAULTS = {
    "a configuration that everyone may write": (typed(f"chmod 666 {FILE}"), ("configuration", "wrong")),
    "a configuration that the service may not read": (
        typed(f"chown root:root {FILE}; chmod 600 {FILE}"), ("configuration", "wrong")),
    "no configuration": (typed(f"rm {FILE}"), ("configuration", "wrong")),
    "a password that everyone may read": (lambda life: with_password(life, "644", "gateway"), ("secret", "wrong")),
    "a password that the service may not read": (lambda life: with_password(life, "600", "root"), ("secret", "wrong")),
    "a port of a group that the service is not in": (
        port("groupadd -f wires; chgrp wires {0}; chmod 660 {0}"), ("port", "wrong")),
    "a port that its mode gives to root alone": (port("chown root:root {0}; chmod 600 {0}"), ("port", "wrong")),
    "a port that another program has": (
        port("systemd-run --quiet sh -c 'exec 3<{0}; sleep 1000'"), ("port", "wrong")),
    "a state that is somebody else's": (
        typed("systemctl stop gateway; chown -R root /var/lib/gateway"), ("state_dir", "wrong")),
    "a disk that is read-only": (read_only, ("state_dir", "wrong")),
    "a service that does not run": (typed("systemctl stop gateway"), ("unit", "wrong")),
    "a service that the next boot leaves out": (typed("systemctl disable gateway"), ("unit", "unwise")),
    "a unit that systemd has not read": (typed(f"echo '# x' >> {UNIT}"), ("unit", "wrong")),
    "a unit that is not this version's": (
        typed(f"sed -i s/RestartSec=1/RestartSec=2/ {UNIT}; systemctl daemon-reload"), ("unit", "unwise")),
}  # fmt: skip


AS_BEFORE = f"""
umount /mnt
rm -f /etc/gateway/password
cp -p /root/unit {UNIT}
systemctl daemon-reload
gpasswd -d gateway wires
touch {FILE}
chown root:gateway {FILE}
chmod 640 {FILE}
chmod 666 {{0}}
systemctl enable gateway
"""


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault(life, fault):
    """It is named, by what it is found under; after its command, typed as it is given, it is not."""
    plant, where = FAULTS[fault]
    machine = life.machine
    machine.run("sh", "-c", f"cp -p {UNIT} /root/unit; ln -sf /usr/bin/env /usr/local/bin/sudo")
    try:
        assert where not in doctor(machine)
        plant(life)
        says, mend = doctor(machine)[where]
        assert mend, says
        machine.run("sh", "-ec", mend, check=True)
        assert where not in doctor(machine), (says, mend)
    finally:
        machine.run("sh", "-c", AS_BEFORE.format(life.port("bench")))


def test_a_board_that_this_gateway_does_not_know(life):
    """What lies at the broker in its name is named, and deleted by the command, typed where mosquitto_pub is. What it
    has left there itself, of boards that are read no more, it takes back by itself.
    """
    subprocess.run(
        ["mosquitto_pub", "-p", str(life.broker.port), "-q", "1", "-r", "-t", "gateway/gw/cellar/status", "-m", "{}"],
        check=True,
    )
    _, mend = doctor(life.machine)["orphan", "unwise"]
    subprocess.run(mend, shell=True, check=True)
    assert ("orphan", "unwise") not in doctor(life.machine)


def test_who_sees_what(life):
    """The service's own user and root see all; anybody else is told what cannot be seen, and how to look."""
    machine = life.machine
    for user in ("", "gateway"):
        assert not [where for where in doctor(machine, user) if where[1] in ("wrong", "unknown")]
    (says, mend) = doctor(machine, "nobody")["configuration", "unknown"]
    assert (says, mend) == ("this user may not read it", f"sudo -u gateway {GATEWAY} doctor")


def test_the_commands_of_the_page(life):
    """docs/operations.md: what stands there on looking at a service runs as it stands, and says how it is."""
    part = (ROOT / "docs" / "operations.md").read_text().partition("\n## TLS\n")[0]
    lines = [line for block in re.findall(r"```sh\n(.*?)```", part, re.DOTALL) for line in block.splitlines()]
    said = [
        life.machine.run("sh", "-ec", f"cd /root; {line.replace('sudo ', '')}", check=True).stdout for line in lines
    ]
    assert "active (running)" in said[0]
    assert sum("board bench" in text or '"where": "bench"' in text for text in said) == 3
    life.machine.run("rm", "/root/report.tar.gz", check=True)


def test_a_report_of_the_service(life):
    """Root's report has the journal, the unit and what the gateway has told; no secret is in it."""
    with_password(life, "600", "gateway")
    life.machine.run("sh", "-c", f"rm -f /root/r.tar.gz; {GATEWAY} doctor --bundle /root/r.tar.gz")
    names = life.machine.run("tar", "tf", "/root/r.tar.gz", check=True).stdout
    for name in ("journal.txt", "unit.txt", "status/gateway.json", "status/bench.board.json", "gateway.toml"):
        assert f"gateway-report/{name}\n" in names
    assert life.machine.run("stat", "--format=%a", "/root/r.tar.gz").stdout == "600\n"
    text = life.machine.run("sh", "-c", "tar xOf /root/r.tar.gz | cat").stdout
    assert "service.started" in text and "LoadCredential" in text
    assert PASSWORD not in text
    life.machine.run("rm", "-f", "/root/r.tar.gz", "/etc/gateway/password")


def test_secrets_by_credentials_and_tls(life, tmp_path):
    """A password and a CA that systemd hands to the service alone, and a broker with TLS: the gateway publishes, root's
    doctor finds all fine, and another user is told what is not tried.
    """
    machine, authority = life.machine, Authority(tmp_path / "ca")
    certificate, key = authority.issue("broker")
    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "gateway", PASSWORD], check=True, capture_output=True)
    lines = [f"certfile {certificate}", f"keyfile {key}", "allow_anonymous false", f"password_file {passwords}"]
    (tmp_path / "tls").mkdir()
    broker = Mosquitto(tmp_path / "tls", lines)
    broker.start()
    store, given = machine.path("/etc/credstore"), "/run/credentials/gateway.service"
    try:
        machine.run("install", "-d", "-m", "700", "/etc/credstore", check=True)
        (store / "gateway.password").write_text(PASSWORD)
        (store / "gateway.ca").write_bytes(authority.certificate.read_bytes())
        keys = f'username = "gateway"\npassword_file = "{given}/gateway.password"\nca_file = "{given}/gateway.ca"\n'
        plain = f'url = "mqtt://127.0.0.1:{life.broker.port}"\n'
        tls = f'url = "mqtts://127.0.0.1:{broker.port}"\n{keys}'
        life.configure(life.configuration().replace(plain, tls))
        machine.run("systemctl", "restart", "gateway", check=True)
        life.until(lambda: not doctor(machine).keys() - {("clock", "unwise")}, "root finds all fine")
        assert not [where for where in doctor(machine, "gateway") if where[1] == "wrong"]
        machine.run("chmod", "644", "/etc/gateway/gateway.toml", check=True)
        machine.run("chmod", "755", "/etc/gateway", check=True)
        found = doctor(machine, "nobody")
        assert not [where for where in found if where[1] == "wrong"], found
        assert "is not tried" in found["secret", "unknown"][0]
    finally:
        machine.run(
            "sh", "-c", "rm -rf /etc/credstore/gateway.*; chmod 750 /etc/gateway; chmod 640 /etc/gateway/*.toml"
        )
        broker.kill()
