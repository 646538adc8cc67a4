"""The keys of TLS: where they belong, what their files must be, and what comes of them."""

from pathlib import Path

import pytest

from gateway import config
from gateway.config import problems
from gateway.tls import Tls
from tests.certificates import Authority
from tests.tables import BENCH


@pytest.fixture
def files(tmp_path):
    """A CA, and a certificate of its own with its key, as ca.crt, own.crt and own.key beside the configuration."""
    ca = Authority(tmp_path / "ca")
    for source, name in zip((ca.certificate, *ca.issue("own", "")), ("ca.crt", "own.crt", "own.key"), strict=True):
        (tmp_path / name).write_bytes(source.read_bytes())
    (tmp_path / "own.key").chmod(0o600)
    return tmp_path


def test_a_configuration_with_tls(files: Path) -> None:
    """Paths start where the file is; the port is 8883 unless it is given; and a password is not warned of."""
    keys = 'url = "mqtts://broker.lan"\nca_file = "ca.crt"\ncert_file = "own.crt"\nkey_file = "own.key"\nusername = "u"'
    (files / "secret").write_text("p")
    (files / "secret").chmod(0o600)
    text = f'{BENCH.replace("/dev/ttyX0", "auto")}[mqtt]\n{keys}\npassword_file = "secret"\n'
    (files / "gateway.toml").write_text(text)
    made = config.load(files / "gateway.toml")
    assert (made.mqtt.url, made.mqtt.host, made.mqtt.port) == ("mqtts://broker.lan:8883", "broker.lan", 8883)
    assert made.mqtt.tls == Tls(files / "ca.crt", files / "own.crt", files / "own.key")
    assert config.warnings(made) == []
    (files / "own.key").chmod(0o644)
    (warned,) = config.warnings(made)
    assert "mqtt.key_file: " in warned


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ('ca_file = "ca.crt"', "mqtt.ca_file: only mqtts:// uses it; write that in mqtt.url, or take ca_file out"),
        ('url = "embedded"\ncert_file = "own.crt"', "mqtt.cert_file: only mqtts:// uses it"),
        (
            'url = "mqtts://h"\nkey_file = "own.key"',
            "mqtt.key_file: a key goes with a certificate; give cert_file as well",
        ),
        ('url = "mqtts://h"\nca_file = "none"', "mqtt.ca_file: there is no file"),
        (
            'url = "mqtts://h"\nca_file = "/run/credentials/nobody.service/ca"',
            'mqtt.ca_file: "/run/credentials/nobody.service/ca" is there only while the service runs',
        ),
        ('url = "mqtts://h"\ncert_file = "own.crt"\nkey_file = "ca.crt"', "holds no private key in PEM"),
    ],
)
def test_what_does_not_go_together(files: Path, keys: str, sentence: str) -> None:
    """Files without mqtts://, a key without a certificate, and files that hold something else are said by their key."""
    found = problems(f"{BENCH}[mqtt]\n{keys}\n", files / "gateway.toml")
    assert sentence in found[0]
    assert len(found) == 1
