"""From the unpacked board to the first message, as docs/install.md says, and back to a board without a gateway."""

import re
import time

import pytest

from tests.street import ROOT
from tests.system.life import CHECKOUT, WHEELS, Life
from tests.system.wheels import PYTHONS

PAGE = (ROOT / "docs" / "install.md").read_text()
WITHIN = 90.0  # s from nothing to the first reading outside


def blocks(heading, language="sh"):
    """The fenced blocks of a section of the page."""
    part = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", part, re.DOTALL)


@pytest.fixture(scope="module", params=PYTHONS)
def bare(request, boot):
    """A Debian with Python and nothing of ours but the sources."""
    return boot(request.param)


@pytest.fixture
def outside(bare, tmp_path):
    """A broker, a listener and boards."""
    with Life(bare, tmp_path) as life:
        yield life


def follow(life, block):
    """Does what a block says, as root, whose packages come from a folder, and whose broker is on loopback."""
    script = block.replace("sudo ", "").replace("broker.lan:1883", f"127.0.0.1:{life.broker.port}")
    script = script.replace("systemd/install", f"systemd/install --offline {WHEELS}")
    return life.machine.run("bash", "-ec", f"cd {CHECKOUT}\n{script}", check=True).stdout


def test_from_the_unpacked_board_to_the_first_message_and_away(outside):
    """Each command of the page, in its order; the whole way to the first reading takes less than 90 s."""
    life, machine = outside, outside.machine
    began = time.monotonic()
    (install,) = blocks("Install")
    follow(life, install)
    took = time.monotonic() - began
    broker, start = blocks("First message")
    assert "is good" in follow(life, broker)
    # the page's board is on a port that this machine has not
    table = blocks("First message", "toml")[0].replace("/dev/ttyS0", life.port("bench")).replace("9600", "115200")
    file = machine.path("/etc/gateway/gateway.toml")
    file.write_text(re.sub(r"\nid = .*", '\nid = "gw"', file.read_text()) + table)
    assert "active (running)" in follow(life, start)
    life.until(lambda: life.heard("bench"), "the first reading", 30)
    whole = time.monotonic() - began
    began, up = map(int, machine.show("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic"))
    print(f"installed in {took:.0f} s, active in {(up - began) / 1e6:.2f} s, first reading after {whole:.0f} s")
    assert whole < WITHIN

    assert machine.run("systemd-analyze", "verify", "gateway.service").stderr == ""
    machine.run("systemd-analyze", "security", "--threshold=15", "gateway.service", check=True)
    kind = "notify-reload" if "systemd 257" in machine.run("systemctl", "--version").stdout else "notify"
    assert machine.show("Type") == [kind]

    (reload,) = blocks("Another configuration")
    follow(life, reload)
    life.until(lambda: life.events("config.reloaded"), "the file is taken over")
    (upgrade,) = blocks("Upgrade")
    follow(life, upgrade)
    (secret,) = blocks("Secrets")
    follow(life, secret)
    machine.run("systemctl", "restart", "gateway", check=True)
    given = machine.run("cat", "/run/credentials/gateway.service/gateway.password", check=True).stdout
    assert given == "the password\n"
    now = time.monotonic()
    life.until(lambda: life.heard("bench", now), "readings after all that", 30)


def test_installed_again_it_changes_nothing(outside):
    """The configuration, the service's process and the version stay; it says how another version is put there."""
    machine = outside.machine
    text = machine.path("/etc/gateway/gateway.toml").read_text()
    before = machine.show("MainPID", "ActiveState")
    said = machine.run(f"{CHECKOUT}/systemd/install", "--offline", WHEELS, check=True).stdout
    assert "--upgrade puts" in said and "stays as it is" in said
    assert machine.show("MainPID", "ActiveState") == before
    assert machine.path("/etc/gateway/gateway.toml").read_text() == text


def test_a_secret_that_is_encrypted_for_this_machine(outside):
    """By the page's own lines: what lies on the disk is not the secret, and what the service gets is."""
    machine = outside.machine
    (encrypt,) = re.findall(r"(?m)^    systemd-ask-password -n \| sudo (.*)$", PAGE)
    machine.run("sh", "-ec", f"rm -f /etc/credstore/gateway.password; printf geheim | {encrypt}", check=True)
    if machine.show("Type") == ["notify"]:  # systemd 252
        (line,) = re.findall(r"`(LoadCredentialEncrypted=\S+)`", PAGE)
        override = machine.path("/etc/systemd/system/gateway.service.d/override.conf")
        override.parent.mkdir(parents=True)
        override.write_text(f"[Service]\n{line}\n")
        machine.run("systemctl", "daemon-reload", check=True)
    machine.run("systemctl", "restart", "gateway", check=True)
    assert "geheim" not in machine.path("/etc/credstore.encrypted/gateway.password").read_text()
    given = machine.run("cat", "/run/credentials/gateway.service/gateway.password", check=True).stdout
    assert given == "geheim"


def test_the_rules_for_serial_ports_are_sound(outside):
    """udev reads them without complaint, where it can be asked (254 and newer)."""
    done = outside.machine.run("udevadm", "verify", "/usr/local/lib/udev/rules.d/70-gateway.rules")
    assert done.returncode == 0 or "Unknown command verb verify" in done.stderr, done.stdout + done.stderr


def test_removed_it_leaves_configuration_and_spool(outside):
    """And with --purge nothing: no file, no unit, no user. Both may be said twice."""
    machine = outside.machine
    for _ in range(2):
        machine.run(f"{CHECKOUT}/systemd/install", "--uninstall", check=True)
        assert machine.show("LoadState") == ["not-found"]
        assert machine.path("/etc/gateway/gateway.toml").exists() and machine.path("/var/lib/gateway/spool.db").exists()
        assert not machine.path("/opt/gateway").exists()
    for _ in range(2):
        machine.run(f"{CHECKOUT}/systemd/install", "--uninstall", "--purge", check=True)
    left = machine.run("sh", "-c", "find / -xdev -name '*gateway*' -not -path '/srv/*' -not -path '/var/log/*'").stdout
    assert left == ""
    assert machine.run("getent", "passwd", "gateway").returncode == 2
    assert machine.run("systemctl", "is-system-running").stdout.strip() == "running"
