"""The unit: what systemd itself says of it, and the lines on which the service's life depends."""

import re
import shutil
import subprocess

import pytest

from tests.street import ROOT

UNIT = ROOT / "systemd" / "gateway.service"
analyses = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here: apt-get install systemd"
)


def lines(file, key):
    """What a unit says under a key, in order."""
    return re.findall(rf"(?m)^{key}=(.*)$", file.read_text())


@analyses
@pytest.mark.parametrize("newer", [False, True], ids=["252", "254"])
def test_systemd_has_nothing_to_say(tmp_path, newer):
    """`systemd-analyze verify`, which exits 0 over a key that it does not know, prints nothing."""
    (tmp_path / "gateway.service").write_text(UNIT.read_text().replace("/opt/gateway/bin/gateway", "/bin/true"))
    if newer:
        said = (UNIT.parent / "systemd-254.conf").read_text().replace("/opt/gateway/bin/gateway", "/bin/true")
        (tmp_path / "gateway.service.d").mkdir()
        (tmp_path / "gateway.service.d" / "systemd-254.conf").write_text(said)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / "gateway.service"], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@analyses
def test_the_sandbox_is_tight():
    """Its exposure, as systemd counts it from 0 (safe) to 10, is at most 1.5."""
    words = ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager", UNIT]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_serial_ports_are_let_through():
    """Classes of USB adapters, USB boards and UARTs are named; their drivers are there when they are looked up."""
    assert lines(UNIT, "DeviceAllow") == [f"char-tty{kind} rw" for kind in ("USB", "ACM", "S", "AMA")]
    for key in ("Wants", "After"):
        assert "modprobe@usbserial.service modprobe@cdc_acm.service" in lines(UNIT, key)
    assert not lines(UNIT, "PrivateDevices")


def test_nothing_at_boot_is_waited_for():
    """It is ordered behind the clock and the network, and asks for neither."""
    assert lines(UNIT, "After")[0] == "network.target time-sync.target"
    assert "online" not in " ".join(lines(UNIT, "Wants") + lines(UNIT, "Requires") + lines(UNIT, "After"))
