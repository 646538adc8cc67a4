"""In the service's sandbox: a port is lent and taken back, and a gateway moves to another card."""

import json
import time

from tests.system.life import AT_RISK
from tests.system.test_life import pid

GATEWAY = "/opt/gateway/bin/gateway"


def board(life, name):
    """The newest status document of a board."""
    life.judge.listen()
    return life.judge.last[f"gateway/gw/{name}/status"].document


def test_a_port_is_lent(life):
    """By root and the group alone. Who flashes is another user, whose programs the service cannot see: it waits for
    them all the same, and then reads on, with no number missing.
    """
    machine = life.machine
    said = machine.run("stat", "--format=%a %U %G", "/run/gateway/control").stdout
    assert said == "660 gateway gateway\n"
    stranger = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]
    done = machine.run(*stranger, GATEWAY, "release", "bench")
    assert done.returncode == 1 and "this user may not ask the gateway at /run/gateway/control" in done.stderr
    group = ["setpriv", "--reuid=nobody", "--regid=gateway", "--clear-groups"]
    lent = json.loads(machine.run(*group, GATEWAY, "release", "bench", "--for", "4s", "--json", check=True).stdout)
    assert (lent["boards"], lent["done"], lent["port"]) == (["bench"], True, life.port("bench"))
    assert life.port("bench") not in machine.run("ls", "-l", f"/proc/{pid(machine)}/fd").stdout
    machine.run(
        "systemd-run", "--unit=flasher", "--uid=nobody", "sh", "-c", f"exec 3<>{lent['port']}; sleep 1000", check=True
    )
    life.until(lambda: board(life, "bench")["state"] == "lent", "the status says so")
    life.until(lambda: "lent" in board(life, "bench")["faults"], "its time is over")
    assert "another program still has it open" in board(life, "bench")["reason"]
    began = time.monotonic()
    life.until(lambda: life.heard("attic", began), "the other board is read")
    assert not life.heard("bench", began)
    assert machine.run(GATEWAY, "release", "bench", "--back").returncode == 1
    machine.run("systemctl", "stop", "flasher", check=True)
    life.all_heard()
    life.until(lambda: board(life, "bench")["state"] == "online", "the status says so")
    assert not board(life, "bench")["faults"]


def test_a_gateway_moves_to_another_card(life):
    """In an outage, while it runs: what had been there longer than at_risk is in the backup, comes with it, and is sent
    by the service as if nothing had been; all is the service's own user's again.
    """
    machine = life.machine
    life.broker.stop()
    time.sleep(2 * AT_RISK)
    copied = time.monotonic()
    machine.run(GATEWAY, "backup", "/root/gw.tar", check=True)
    machine.run("systemctl", "stop", "gateway", check=True)
    machine.run("rm", "-rf", "/var/lib/gateway", "/etc/gateway/gateway.toml", check=True)
    said = machine.run(GATEWAY, "restore", "/root/gw.tar", check=True).stdout
    assert "to /etc/gateway/gateway.toml and /var/lib/gateway" in said
    stat = ["stat", "--format=%a %U %G"]
    assert machine.run(*stat, "/var/lib/gateway", "/var/lib/gateway/spool.db").stdout == (
        "700 gateway gateway\n600 gateway gateway\n"
    )  # fmt: skip
    assert machine.run(*stat, "/etc/gateway/gateway.toml").stdout == "640 root gateway\n"
    machine.run("systemctl", "start", "gateway", check=True)
    assert machine.run(GATEWAY, "restore", "/root/gw.tar", "--force").returncode == 1
    life.broker.start()
    life.all_heard()
    assert life.nothing_lost(copied, time.monotonic()) > 100
    machine.run("rm", "/root/gw.tar", check=True)
