"""TLS to a real mosquitto: who is refused, in which words; and who is let in."""

import asyncio
import ssl
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import tls
from gateway.publish.broker import Refused, Where
from gateway.publish.client import connect
from gateway.publish.packets import publish, topic_part
from gateway.tls import Tls, TlsError
from gateway.tls.validity import ends, several
from tests.brokers import FakeBroker, Mosquitto
from tests.certificates import Authority
from tests.connections import WILL
from tests.packets import CONNECT, PUBLISH, WELCOME_5, puback, read_packet
from tests.waiting import until


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    """The CA that has signed the broker's certificates."""
    return Authority(tmp_path_factory.mktemp("tls") / "ca")


@pytest.fixture
def served(tmp_path):
    """Starts mosquitto with a certificate and its key, and further lines; they are stopped at the end."""
    started = []

    def serve(pair, *lines):
        broker = Mosquitto(tmp_path, [f"certfile {pair[0]}", f"keyfile {pair[1]}", *lines])
        broker.start()
        started.append(broker)
        return broker

    yield serve
    for broker in started:
        broker.kill()


def at(port, files, host="127.0.0.1", **more):
    """A broker with TLS on loopback."""
    return Where(host, port, "gateway-g", tls=files, **more)


async def said(where):
    """In which words the connection is refused."""
    with pytest.raises(Refused) as refused:
        (await connect(where, will=WILL)).close()
    return str(refused.value)


@pytest.mark.parametrize("v5", [True, False])
async def test_a_broker_whose_certificate_holds(authority, served, v5):
    """It is connected to by its name and by its address, and takes what is sent."""
    broker = served(authority.issue("good"))
    for host in ("127.0.0.1", "localhost"):
        connection = await connect(at(broker.port, Tls(authority.certificate), host, v5=v5), will=WILL)
        assert isinstance(connection.wire._sock, ssl.SSLSocket)
        connection.close()


async def test_a_certificate_of_another_ca(authority, served, tmp_path):
    """The sentence names the file in which the right CA is missing, or says that there is none."""
    broker = served(authority.issue("broker"))
    for name in ("Test CA", "Another"):  # of the same name, it is its signature that does not hold
        other = Authority(tmp_path / name, name)
        text = await said(at(broker.port, Tls(other.certificate)))
        assert f'is not signed by the CA in mqtt.ca_file ("{other.certificate}")' in text
    text = await said(at(broker.port, Tls()))
    assert "nobody whom this system trusts has signed the broker's certificate" in text


@pytest.mark.parametrize(
    ("start", "days", "words"),
    [
        (
            -30,
            -2,
            "the broker's certificate expired on {last}; renew it at the broker (this machine's clock says {now})",
        ),
        (
            3,
            30,
            "the broker's certificate is not valid before {first}, and this machine's clock says {now}: is the clock",
        ),
    ],
)
async def test_a_certificate_at_the_wrong_time(authority, served, start, days, words):
    """One that has expired and one that is not valid yet are told apart, with the dates: the clock may be to blame."""
    broker = served(authority.issue(f"time{start}", start=start, days=days))
    first, last, now = (
        time.strftime("%Y-%m-%d", time.gmtime(time.time() + 86_400 * each)) for each in (start, days, 0)
    )
    assert words.format(first=first, last=last, now=now) in await said(at(broker.port, Tls(authority.certificate)))


async def test_a_ca_that_has_expired(served, tmp_path):
    """The broker's own certificate still holds, and it is not that which is to be renewed."""
    old = Authority(tmp_path / "old", days=-1)
    text = await said(at(served(old.issue("broker")).port, Tls(old.certificate)))
    assert "a certificate above the broker's has expired; renew it" in text


async def test_a_certificate_for_another_host(authority, served):
    """The sentence names the hosts that it is for."""
    broker = served(authority.issue("elsewhere", "DNS:broker.lan,IP:10.0.0.7"))
    for host in ("127.0.0.1", "localhost"):
        text = await said(at(broker.port, Tls(authority.certificate), host))
        assert f"is not for {host} but for broker.lan and 10.0.0.7; name one of these in mqtt.url" in text


@pytest.mark.parametrize("version", ["tlsv1.2", "tlsv1.3"])
async def test_a_broker_that_wants_our_certificate(authority, served, tmp_path, version):
    """Without one, with one that has expired and with somebody else's the words differ; ours is let in."""
    more = (f"cafile {authority.certificate}", "require_certificate true", f"tls_version {version}")
    broker = served(authority.issue("broker"), *more)
    ours, old = authority.issue("gateway", ""), authority.issue("old", "", start=-9, days=-1)
    strange = Authority(tmp_path / "strange", "Strange").issue("gateway", "")
    ca = authority.certificate
    (await connect(at(broker.port, Tls(ca, *ours)), will=WILL)).close()
    assert "see mqtt.cert_file" in (text := await said(at(broker.port, Tls(ca)))) or "(mqtt.cert_file)" in text
    assert "our certificate (mqtt.cert_file) has expired" in await said(at(broker.port, Tls(ca, *old)))
    assert "who signed our certificate (mqtt.cert_file)" in await said(at(broker.port, Tls(ca, *strange)))


async def test_many_records_at_once(authority):
    """A broker makes a record of each acknowledgement: those that are there are taken together."""
    certificate, key = authority.issue("server")
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate, key)

    async def serve(reader, writer):
        assert (await read_packet(reader))[0] == CONNECT
        writer.write(WELCOME_5)
        assert (await read_packet(reader))[0] == PUBLISH
        for number in range(1, 51):
            writer.write(puback(number))
        await reader.read()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=made)
    together = []
    where = at(server.sockets[0].getsockname()[1], Tls(authority.certificate))
    connection = await connect(where, acked=lambda acks: together.append([ack.packet_id for ack in acks]))
    connection.wire.write(publish(topic_part("a"), b"", 1, v5=True))
    await until(lambda: together)
    assert together == [list(range(1, 51))]
    connection.close()
    server.close()


async def test_plain_meets_tls(authority, served):
    """Each side that speaks the wrong language is told so, and nothing is ever sent in plain text instead."""
    broker = served(authority.issue("broker"))
    assert "where it speaks TLS on this port, mqtt.url begins with mqtts://" in await said(at(broker.port, None))
    heard = []

    async def script(reader, writer):
        heard.append(await reader.read(100))
        writer.write(answers.pop())
        writer.close()

    answers = [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"]
    while answers:
        async with FakeBroker(script=script) as plain:
            text = await said(at(plain.port, Tls(authority.certificate)))
        assert "does it speak TLS on this port?" in text
    assert all(first.startswith(b"\x16\x03") for first in heard), "a TLS handshake, and no MQTT"


async def test_a_renewed_certificate_and_ca(authority, served, tmp_path):
    """Files are read at each attempt: a CA that is put right counts at once."""
    broker, file = served(authority.issue("broker")), tmp_path / "ca.pem"
    file.write_bytes(Authority(tmp_path / "before", "Before").certificate.read_bytes())
    await said(at(broker.port, Tls(file)))
    file.write_bytes(authority.certificate.read_bytes())
    (await connect(at(broker.port, Tls(file)), will=WILL)).close()


def test_files_that_will_not_do(authority, tmp_path):
    """Each sentence begins with the key of the configuration, and says what is the matter with its file."""
    certificate, key = authority.issue("mine", "")
    other = authority.issue("other", "")[1]
    (tmp_path / "empty").touch()
    (tmp_path / "open").write_bytes(key.read_bytes())
    (tmp_path / "open").chmod(0o666)
    locked = tmp_path / "locked"
    locked.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAA==\n-----END ENCRYPTED PRIVATE KEY-----\n")
    ca = authority.certificate
    for files, words in (
        (Tls(tmp_path / "none"), "mqtt.ca_file: there is no file"),
        (Tls(tmp_path), "mqtt.ca_file: .* is not a file"),
        (Tls(tmp_path / "empty"), "mqtt.ca_file: .* holds no certificate in PEM"),
        (Tls(ca, tmp_path / "empty", key), "mqtt.cert_file: .* holds no certificate in PEM"),
        (Tls(ca, certificate), 'mqtt.key_file: .*mine.crt" holds no private key in PEM'),
        (Tls(ca, certificate, other), 'mqtt.key_file: .*other.key" is not the key of .*mine.crt'),
        (Tls(ca, certificate, locked), "mqtt.key_file: .* needs a passphrase"),
        (Tls(ca, certificate, tmp_path / "open"), "mqtt.key_file: .* can be written by everyone"),
    ):
        with pytest.raises(TlsError, match=words):
            tls.context(files)


@pytest.mark.parametrize("days", [1, 100, 36_500])
def test_when_a_certificate_ends(authority, days):
    """It is read as openssl has written it, in this century and beyond, where years have four digits."""
    pem = authority.issue(f"for{days}", days=days)[0].read_text()
    assert ends(pem) == pytest.approx(time.time() + days * 86_400, abs=60)
    assert ends(f"text before\n{pem}{authority.certificate.read_text()}") == ends(pem)
    assert (several(pem), several(pem * 2)) == (False, True)


@given(at=st.integers(0, 400), byte=st.integers(0, 255))
def test_a_certificate_that_is_damaged(authority, at, byte):
    """Whatever a byte of it becomes, or where it is cut, it is a time or none, and nothing is raised."""
    der = bytearray(ssl.PEM_cert_to_DER_cert(authority.certificate.read_text()))
    for data in (der[:at], der[:at] + bytes([byte]) + der[at + 1 :]):
        assert isinstance(ends(ssl.DER_cert_to_PEM_cert(bytes(data))), float | None)


def test_a_key_that_everyone_may_read(authority):
    """It is used, and warned of."""
    certificate, key = authority.issue("readable", "")
    assert tls.warnings(Tls(authority.certificate, certificate, key)) == []
    key.chmod(0o644)
    (text,) = tls.warnings(Tls(authority.certificate, certificate, key))
    assert "can be read by everyone" in text
