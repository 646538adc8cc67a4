"""The unit's sandbox, tried from inside: not what it says, but what comes of it."""

import json
import shutil
import urllib.request

import pytest

from tests import street
from tests.brokers import free_port
from tests.street import ROOT

MAY = {
    "write its state", "write its runtime directory", "read its configuration", "open a port", "speak AF_UNIX",
    "speak AF_INET", "speak AF_INET6", "write a private /tmp",
}  # fmt: skip
BARE = """
User=gateway
Group=gateway
StateDirectory=gateway
RuntimeDirectory=gateway
"""


@pytest.fixture
def tried(life):
    """What the service could do, and what its user can without the sandbox, by what was tried."""
    machine, port = life.machine, life.port("bench")
    shutil.copy(ROOT / "tests" / "system" / "probe.py", machine.path("/srv/probe.py"))
    machine.run("sh", "-ec", """
        id pi >/dev/null 2>&1 || useradd -m pi
        chmod 755 /home/pi; echo x | tee /home/pi/diary /home/pi/open >/root/diary
        chmod 644 /home/pi/diary; chmod 666 /home/pi/open
        install -d -m 777 /srv/open
        cp /usr/bin/id /srv/suid-id; chmod 4755 /srv/suid-id
        mkdir -p /etc/credstore; echo x >/etc/credstore/gateway.password; chmod 600 /etc/credstore/gateway.password
        [ -e /dev/fuse ] || mknod /dev/fuse c 10 229; chmod 666 /dev/fuse
    """, check=True)  # fmt: skip
    override = machine.path("/etc/systemd/system/gateway.service.d/probe.conf")
    override.parent.mkdir(parents=True, exist_ok=True)
    override.write_text(f"[Service]\nExecStartPre=/usr/bin/python3 /srv/probe.py {port}\n")
    bare = machine.path("/etc/systemd/system/bare.service")
    bare.write_text(f"[Service]\nType=oneshot\n{BARE}ExecStart=/usr/bin/python3 /srv/probe.py {port}\n")
    machine.run("systemctl", "daemon-reload", check=True)
    machine.run("systemctl", "restart", "gateway", check=True)
    inside = said(machine, "gateway")
    machine.run("systemctl", "stop", "gateway", check=True)
    machine.run("systemctl", "start", "bare", check=True)
    yield inside, said(machine, "bare")
    bare.unlink()
    machine.run("rm", "-f", "/etc/credstore/gateway.password", "/dev/shm/mark", "/tmp/mark")


def said(machine, unit):
    """What the probe has printed last."""
    lines = machine.run("journalctl", "--boot", f"--unit={unit}", "--no-pager", "--output=cat").stdout.splitlines()
    return json.loads([line for line in lines if line.startswith("tried ")][-1].removeprefix("tried "))


def test_it_may_do_its_work_and_nothing_else(tried, life):
    """Its state, its ports and the network are open to it; all else is refused, much of it by the sandbox alone."""
    inside, bare = tried
    print(json.dumps(inside, indent=1))
    assert {name for name, what in inside.items() if what == "done"} == MAY
    assert not life.machine.path("/tmp/mark").exists(), "its /tmp is its own"
    by_sandbox = {name for name, what in bare.items() if what == "done"} - MAY
    print("refused by the sandbox alone:", ", ".join(sorted(by_sandbox)))
    assert by_sandbox >= {
        "write where all may", "write shared memory", "write another's file", "read another's file", "become root",
        "make a file that runs as its owner", "run what it has written", "see others' processes", "speak AF_NETLINK",
        "leave a core file", "open another device",
    }  # fmt: skip


def test_a_custom_feature_works_in_it(life):
    """A user's own function, in the process that it has: it answers, and the log has nothing to say of it."""
    machine = life.machine
    feature = "def double(times, values, new):\n    return values[-new:] * 2\n"
    machine.path("/etc/gateway/mine.py").write_text(feature)
    machine.run("chmod", "644", "/etc/gateway/mine.py", check=True)
    life.configure(life.configuration(extra='[features]\ncustom = ["mine:double"]\n'))
    machine.run("systemctl", "restart", "gateway", check=True)
    life.until(
        lambda: life.judge.listen() or any("double" in one[0].document for one in life.judge.readings.values()),
        "a custom feature",
        30,
    )
    assert not life.events("custom.missed")
    machine.path("/etc/gateway/mine.py").unlink()


def test_the_broker_of_its_own_works_in_it(life):
    """With url = "embedded" the gateway starts a broker, which a client on this machine reaches."""
    port = free_port()
    text = life.configuration().replace(
        f'"mqtt://127.0.0.1:{life.broker.port}"', f'"embedded"\nlisten = "127.0.0.1:{port}"'
    )
    life.configure(text)
    life.machine.run("systemctl", "restart", "gateway", check=True)
    judge = street.Judge(port)
    try:
        life.until(lambda: {board for board, _ in judge.sensors} == set(life.boards), "readings of all boards", 20)
    finally:
        judge.close()


def test_the_page_works_in_it(life):
    """With [web] its process starts, listens, answers whoever is on this machine, and shows what the boards say."""
    port = free_port()
    life.configure(life.configuration(extra=f'[web]\nlisten = "127.0.0.1:{port}"\n'))
    life.machine.run("systemctl", "restart", "gateway", check=True)
    life.until(lambda: life.events("web.started"), "the page", 30)
    life.all_heard()
    for path, part in (("healthz", b"ok"), ("readyz", b'"ready":true'), ("metrics", b"gateway_sensor_value{")):
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
            assert part in answer.read(), path
    assert not life.events("web.said") and not life.events("web.lost")
