"""What runs and is unwise is told, with the better way."""

import os
from pathlib import Path

from gateway import config
from tests.tables import BENCH, loaded


def test_warnings_of_names(tmp_path: Path) -> None:
    """A name that several may be meant to have; a calibration that goes by a name which was given here."""
    text = """
    [[sensors]]
    match = "bench/28*"
    name = "inlet"
    [[sensors]]
    match = "*/T1"
    name = "outlet"
    [[sensors]]
    match = "bench/outlet"
    offset = 1
    gain = 2
    [[sensors]]
    match = "bench/outlet"
    range = [0, 1]
    [[sensors]]
    match = "bench/28aa"
    offset = 1
    """
    found = [one for one in config.warnings(loaded(tmp_path, BENCH + text)) if one.startswith("sensors")]
    assert found == [
        'sensors[0].name: "bench/28*" may find several sensors of a board, and only the first that comes is called '
        '"inlet"; the others keep the board\'s own names',
        'sensors[2].match: "outlet" is the name that sensors[1] gives, and gain and offset go by the board\'s own '
        "names; move gain and offset there",
    ]
    other = text.replace("*/T1", "hall/T1") + BENCH.replace("bench", "hall").replace("X0", "X1")
    assert "move" not in " ".join(config.warnings(loaded(tmp_path, BENCH + other)))


def test_warnings(tmp_path: Path) -> None:
    """What runs and is unwise is told with the better way: usual names, open doors, rules that match nothing, …"""
    (tmp_path / "secret").write_text("p")
    (tmp_path / "secret").chmod(0o600)
    secured = 'username = "u"\npassword_file = "secret"\n'
    for text, warning in [
        ("", 'there is no "/dev/ttyX0" now'),
        ('[gateway]\nid = "raspberrypi"', 'many machines are called "raspberrypi"'),
        (
            f'[mqtt]\nurl = "mqtt://192.168.1.2"\n{secured}',
            "the password crosses the network to 192.168.1.2 unencrypted",
        ),
        (f'[mqtt]\nurl = "embedded"\nlisten = "0.0.0.0:1883"\n{secured}', "whoever reaches 0.0.0.0 can try to log in"),
        ('[[sensors]]\nmatch = "bnch/S1"', 'sensors[0].match: there is no board "bnch"'),
    ]:
        found = config.warnings(loaded(tmp_path, BENCH + text))
        assert any(warning in one for one in found), found
    fine = '[gateway]\nid = "g"\n[[sensors]]\nmatch = "b?nch/S1"\n[[sensors]]\nmatch = "*/x"\n' + BENCH
    (only,) = config.warnings(loaded(tmp_path, fine))
    assert "now" in only


def test_bare_port_has_a_stable_path(tmp_path: Path) -> None:
    """A bare ttyUSB number is warned of with the path that stays, by-id before by-path."""
    ours, theirs = os.openpty()
    device = os.ttyname(theirs)
    made = loaded(tmp_path, BENCH.replace("/dev/ttyX0", device) + '[gateway]\nid = "g"')
    (found,) = config.warnings(made, tmp_path)
    assert "/dev/serial/by-id or by-path stays" in found
    absent = config.warnings(loaded(tmp_path, BENCH.replace("ttyX0", "ttyUSB999") + '[gateway]\nid = "g"'), tmp_path)
    assert ["there is no" in absent[0], "may be another board after a restart" in absent[1]] == [True, True]
    for kind in ("by-path", "by-id"):
        (tmp_path / kind).mkdir()
        (link := tmp_path / kind / f"usb-{'x' * 90}").symlink_to(device)
        (found,) = config.warnings(made, tmp_path)
        assert found.endswith(f'write port = "{link}"'), "whole, to be copied"
    os.close(ours)
    os.close(theirs)
