"""Rows F49 and F87: what can be the matter with TLS to the broker, and with the clock by which certificates hold."""

import shutil
import time

import pytest

from tests.brokers import free_port
from tests.certificates import DAY, Authority
from tests.faults.rows import lasting, row
from tests.faults.scene import KEEPS

OUTAGE = ("broker.lost", "broker.recovered")


class Served:
    """The files of a broker with TLS, beside the plain door of the judge. ca: what the gateway trusts."""

    def __init__(self, folder):
        self.authority = Authority(folder / "ca")
        self.certificate, self.key, self.ca = folder / "broker.crt", folder / "broker.key", folder / "trusted.crt"
        self.port = free_port()
        self.url = f"mqtts://127.0.0.1:{self.port}"
        self.keys = f'ca_file = "{self.ca}"'
        self.lines = (
            "per_listener_settings true", "allow_anonymous true", *KEEPS, f"listener {self.port} 127.0.0.1",
            "allow_anonymous true", f"certfile {self.certificate}", f"keyfile {self.key}",
        )  # fmt: skip
        self.good = self.authority.issue("good")
        self.use(self.good)
        self.trust(self.authority)

    def use(self, pair):
        """Puts a certificate and its key into the broker's files."""
        for source, target in zip(pair, (self.certificate, self.key), strict=True):
            shutil.copy(source, target)

    def trust(self, authority):
        """Puts a CA into the gateway's file."""
        shutil.copy(authority.certificate, self.ca)


def day(days):
    """The date so many days from now, as a sentence says it."""
    return time.strftime("%Y-%m-%d", time.gmtime(time.time() + days * DAY))


@row(
    "F49",
    field="TLS: the certificate has expired, is not valid yet, another host's or of another CA; it is renewed.",
    happens="mosquitto is restarted with such a certificate, and later with a good one; or `ca_file` is another's.",
    promised="Refused within 15 s, in a sentence that says which of these it is, with date or names, in the log and as "
    "the fault `broker`; nothing is ever sent in plain text instead. Files are read at each attempt: back within 30 s "
    "of the repair; nothing lost. `gateway doctor` says the same sentence.",
    full=90,
)
@pytest.mark.parametrize("fault", ["expired", "not yet valid", "another host", "another CA"])
def test_f49_certificates(scene, tmp_path, fault):
    served = Served(tmp_path)
    other = Authority(tmp_path / "other", "Other")
    pair, words = {
        "expired": (served.authority.issue("old", start=-9, days=-1), f"expired on {day(-1)}"),
        "not yet valid": (served.authority.issue("new", start=9, days=19), f"is not valid before {day(9)}"),
        "another host": (served.authority.issue("else", "DNS:broker.lan"), "is not for 127.0.0.1 but for broker.lan"),
        "another CA": (served.good, "is not signed by the CA in mqtt.ca_file"),
    }[fault]
    s = scene(broker=served.lines, url=served.url, mqtt=served.keys)
    s.steady()
    with s.fault():
        served.use(pair)
        served.trust(other if fault == "another CA" else served.authority)
        s.broker.stop()
        s.broker.start()
        told = s.until(lambda: any(words in one["why"] for one in s.events("broker.refused")), "it is told", 15)
        s.prove(told >= 0, "it is refused")
        s.hold(30, ci=2)
        served.use(served.good)
        served.trust(served.authority)
        s.broker.stop()
        s.broker.start()
    s.back(within=30)
    s.over(told=[OUTAGE], faults=["broker"])


@row(
    "F87",
    field="TLS before the clock is right.",
    happens="The broker's certificate is valid from 25 s on only, as if this machine's clock were behind; then it is.",
    promised="The sentence says so, and the date at which the clock stands; connected by itself within 30 s of the "
    "moment at which the clock has come up; nothing lost.",
    full=90,
)
def test_f87_a_clock_that_is_behind(scene, tmp_path):
    served = Served(tmp_path)
    ahead = lasting(25, 8)
    valid = time.monotonic() + ahead
    served.use(served.authority.issue("soon", start=ahead / DAY))
    s = scene(broker=served.lines, url=served.url, mqtt=served.keys)
    with s.fault():
        words = f"is not valid before {day(0)}, and this machine's clock says {day(0)}: is the clock right?"
        told = s.until(lambda: any(words in one["why"] for one in s.events("broker.refused")), "it is told", 10)
        s.prove(told >= 0, "it is refused")
        s.until(lambda: time.monotonic() > valid, "the certificate is valid", ahead + 1)
    s.back(within=30)
    s.over(told=[("broker.refused", "broker.recovered")], faults=["broker"], excepted=["latency", "memory", "handles"])
