"""`gateway doctor --bundle`: what a report needs is in it, alike each time, and no secret is."""

import io
import json
import os
import stat
import tarfile
import time

import pytest

from gateway import cli
from gateway.censored import censored, censored_lines, censored_unit
from gateway.doctor.bundle import packed
from tests.certificates import Authority
from tests.doctors import PASSWORD, Machine
from tests.street import ROOT, running, until


@pytest.mark.parametrize(
    "line",
    [
        'password = "canary"', "  # password='canary'", '"mqtt_password" = "canary"', 'mqtt.password = "canary"',
        'username = "canary"', 'url = "mqtt://u:canary@host"', 'id = "u:canary@h"', "token=canary x canary",
        "Environment=MQTT_PASSWORD=canary", 'password = """\ncanary\n"""', "password = '''canary\ncanary''' x",
        'tags = { secret = "canary" }', 'other = "canary"\npassword = "canary"', 'secrets = ["canary"]',
        'mqtt-password = "canary"', 'a-b.pass-word = "canary"', 'secrets = [\n  "canary",\n]',
    ],
)  # fmt: skip
def test_what_may_be_a_secret(line):
    """What stands behind such a key is gone, in a comment, in several lines or in a list, and so are logins in URLs."""
    assert "canary" not in censored_lines(f"{line}\nformat = 'csv'\n")


@pytest.mark.parametrize(
    "line", ['password = "canary"', 'x = { n = 1, password = "canary", m = 2 }', 'secrets = [\n  "canary",\n]']
)
def test_secrets_of_a_broken_file(line):
    """Where a file is no TOML, what may be a secret goes with the rest of its line, or nothing of the file is shown."""
    assert "canary" not in censored_lines(f"{line}\nformat = [\n")
    assert "a = 1\n" in censored_lines("a = 1\nformat = [\n")


@pytest.mark.parametrize(
    "line",
    [
        'Environment="MQTT_PASSWORD=canary"', "Environment=A=1 TOKEN=canary", "Environment=A=1 'DB_PWD=x canary' B=2",
        'Environment="A=1" "SECRET=canary \\\n  canary"', "SetCredential=gateway.key:canary",
        "SetCredential=gateway.key:a\\\ncanary\\\n canary", "SetCredentialEncrypted=k: \\\n  canary \\\n  canary",
        "ExecStart=/bin/x --token=canary", "Environment=A=1 \\\n  TOKEN=canary", "  setcredential = k:canary",
    ],
    ids=range(10),
)  # fmt: skip
def test_secrets_of_a_unit(line):
    """A unit's credentials go, and its variables that may hold a secret, in quotes or behind others, over lines too."""
    unit = f"[Service]\n{line}\nUser=gateway\nRestart=always\n"
    said = censored_unit(unit)
    assert "canary" not in said
    assert "[Service]\n" in said and said.endswith("\nRestart=always\n")


def test_the_unit_in_a_report(tmp_path, monkeypatch):
    """What systemd says of the unit is in a report without its secrets."""
    program = tmp_path / "systemctl"
    program.write_text("""#!/bin/sh\n[ "$1" = cat ] && printf '[Service]\\nEnvironment="MQTT_PASSWORD=canary"\\n'\n""")
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    report = tmp_path / "report.tar.gz"
    cli.run(["doctor", "--bundle", str(report), "-c", str(tmp_path / "none")])
    said = unpacked(report)["unit.txt"].decode()
    assert said.startswith("[Service]\nEnvironment=") and "canary" not in said


def test_what_is_none_in_a_unit():
    """The unit that comes with the gateway stays as it is, but for its user."""
    text = (ROOT / "systemd" / "gateway.service").read_text()
    assert censored_unit(text) == censored_lines(text)
    assert "LoadCredential=k:/etc/credstore/k\n" in censored_unit(f"{text}LoadCredential=k:/etc/credstore/k\n")


@pytest.mark.parametrize("line", ["x" * 1_000_000, "token-" * 100_000, "a:" * 300_000, "user = " + "b" * 500_000])
def test_a_line_without_end_takes_no_time(line):
    """Lines that no file of settings has are not looked through, whether the file is TOML or not."""
    for text in (f"{line}\n[mqtt\n", f'a = "{line}"\n'):
        began = time.process_time()
        assert line not in censored_lines(text)
        assert time.process_time() - began < 2.0


def test_what_is_none():
    """The rest of a configuration stays as it is, names of files with secrets too."""
    text = 'url = "mqtts://h:8883"\npassword_file = "/etc/p"\nkey_file = "k"\npattern = "a@b (?P<t>\\\\d+)"\n'
    assert censored_lines(text) == text
    assert censored("a secret, twice a secret", ["a secret", "x"]) == "…, twice …"


def test_the_same_texts_make_the_same_bytes():
    """Names are in order, and nothing of this machine or this moment is in the archive's own fields."""
    assert packed({"b": "1", "a": "2"}) == packed({"a": "2", "b": "1"})
    with tarfile.open(fileobj=io.BytesIO(packed({"b": "1", "a": "2"}))) as archive:
        entries = archive.getmembers()
    assert [entry.name for entry in entries] == ["gateway-report/a", "gateway-report/b"]
    assert {(entry.mtime, entry.uid, entry.uname, entry.mode) for entry in entries} == {(0, 0, "", 0o600)}


@pytest.fixture
def machine(tmp_path):
    """One on which all is well."""
    authority = Authority(tmp_path / "ca")
    made = Machine(tmp_path, authority, authority.issue("broker"))
    yield made
    made.broker.kill()


def test_a_report(machine, tmp_path, capsys):
    """Of a gateway that runs: findings, versions, configuration, status, the bytes that were refused, and the spool."""
    report, secret = tmp_path / "report.tar.gz", PASSWORD.encode()
    ours, theirs = os.openpty()
    machine.configure({"bench": os.ttyname(theirs)}, more=f'format = "csv"\ntags = {{ note = "{PASSWORD}" }}\n')
    (tmp_path / "presets.d").mkdir()
    (tmp_path / "presets.d" / "own.toml").write_text("title = 'x'\n")
    try:
        with running(tmp_path, machine.file.read_text()) as gateway:
            until(lambda: any(one["event"] == "broker.connected" for one in gateway.events()), "it is connected", 20)
            os.write(ours, b"21.5,22.5\r\n21.6,22.6\r\n21.5,22.5,torn-by-hand\r\n")
            (code,) = until(lambda: written(machine, report, capsys), "the refused bytes are told", 40)
            assert gateway.stop(10) == 0
    finally:
        os.close(ours)
        os.close(theirs)
    assert code in (0, 1)
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    texts = unpacked(report)
    assert list(texts) == sorted(texts)
    assert {
        "README.txt",
        "about.json",
        "doctor.json",
        "doctor.txt",
        "gateway.toml",
        "ports.json",
        "state.json",
    } <= texts.keys()
    assert json.loads(texts["status/gateway.json"])["gateway"] == "greenhouse-1"
    assert "torn-by-hand" in json.loads(texts["refused.json"])["bench"]["text"]
    assert "lock" in json.loads(texts["state.json"])["files"]
    assert texts["presets.d/own.toml"] == b"title = 'x'\n"
    assert b'password_file = "secret"' in texts["gateway.toml"]
    assert not [name for name, text in texts.items() if secret in text or b'username = "gateway"' in text]


def written(machine, report, capsys):
    """Writes a report; its exit code once it holds refused bytes, else it is written anew."""
    report.unlink(missing_ok=True)
    code = cli.run(["doctor", "--bundle", str(report), "-c", str(machine.file)])
    assert "read it through before you send it" in capsys.readouterr().err
    return (code,) if b"torn" in unpacked(report).get("refused.json", b"") else None


def unpacked(report):
    """The texts in an archive, by name."""
    with tarfile.open(report) as archive:
        return {entry.name.removeprefix("gateway-report/"): archive.extractfile(entry).read() for entry in archive}


@pytest.mark.slow
def test_never_over_a_file(machine, tmp_path, capsys):
    """A file, or a link, that is there stays as it is, before anything is looked at; a place that cannot be is told."""
    machine.configure()
    there = tmp_path / "there"
    there.write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for target in (there, tmp_path / "link", tmp_path / "no" / "such"):
        assert cli.run(["doctor", "--bundle", str(target), "-c", str(machine.file)]) == 1
        assert str(target) in capsys.readouterr().err
    assert there.read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


def test_without_a_configuration(tmp_path, capsys):
    """There is a report all the same, which says what is missing from it, and why."""
    report = tmp_path / "report.tar.gz"
    assert cli.run(["doctor", "--json", "--bundle", str(report), "-c", str(tmp_path / "none")]) == 78
    assert json.loads(capsys.readouterr().out)["ok"] is False
    missing = json.loads(unpacked(report)["about.json"])["missing"]
    assert missing["gateway.toml"] == "No such file or directory"
    assert "status" in missing
