"""What is to be said of the broker, a finding a step, and what to type where one failed."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ..config import Config, Mqtt
from .certificates import SOON
from .finding import FINE, UNKNOWN, UNWISE, WRONG, Finding
from .steps import FILES, BrokerFacts

STEPS = ("name", "port", "tls", "login", "publish")


def broker(facts: BrokerFacts, config: Config, now: float) -> Iterator[Finding]:
    """What is to be said of it: a finding a step, up to the one that failed."""
    mqtt, where = config.mqtt, facts.where
    done = {
        "name": "its name is known",
        "port": "it takes connections",
        "tls": "its certificate is signed, its own and valid",
        "login": f"it lets us in (MQTT {facts.version})",
        "publish": f"it takes messages on {facts.base}/doctor",
    }
    for step in STEPS:
        needs = {"tls": FILES, "login": facts.hidden, "publish": facts.hidden}.get(step, frozenset())
        if (step == "tls" and not facts.tls) or needs & facts.hidden:
            continue
        if step == facts.failed:
            yield Finding(f"broker {step}", where, WRONG, facts.why, _mend(step, mqtt, config))
            return
        if step == "tls" and facts.expires is not None and facts.expires - now < SOON:
            day = time.strftime("%Y-%m-%d", time.gmtime(facts.expires))
            says = f"its certificate expires on {day}, in {max(0, facts.expires - now) / 86_400:.0f} days; renew it"
            yield Finding("broker tls", where, UNWISE, says, _dates(mqtt))
        elif step == "publish" and facts.version != "5" and not facts.came_back and not facts.documents:
            says = f"it acknowledges all in MQTT 3.1.1, and what was sent on {facts.base}/doctor did not come back"
            yield Finding("broker publish", where, UNKNOWN, says, _watch(mqtt, f"{facts.base}/#"))
        elif step == "publish" and facts.version != "5" and not facts.came_back and facts.documents:
            says = f"what is sent on {facts.base}/doctor does not arrive: its access list does not let us publish"
            yield Finding("broker publish", where, WRONG, says, _mend("publish", mqtt, config))
        else:
            yield Finding(f"broker {step}", where, FINE, done[step])


def _mend(step: str, mqtt: Mqtt, config: Config) -> str:
    """What to type: where the broker is this machine's own that can be mended from here, else how to look at it."""
    here = mqtt.host in ("localhost", "127.0.0.1", "::1")
    match step:
        case "name":
            return f"getent hosts {mqtt.host}"
        case "port":
            return "sudo systemctl restart mosquitto" if here else f"nc -vz {mqtt.host} {mqtt.port}"
        case "tls":
            return _dates(mqtt)
        case "login":
            return f"sudo mosquitto_passwd /etc/mosquitto/passwd {mqtt.username or 'gateway'}"
    rule = f"user {mqtt.username or 'gateway'}\\ntopic write {config.base}/#"
    return f"printf '{rule}\\n' | sudo tee -a /etc/mosquitto/acl && sudo systemctl reload mosquitto"


def _dates(mqtt: Mqtt) -> str:
    """Shows the broker's certificate."""
    return (
        f"openssl s_client -connect {mqtt.host}:{mqtt.port} -servername {mqtt.host} </dev/null | "
        "openssl x509 -noout -subject -issuer -dates -ext subjectAltName"
    )


def _watch(mqtt: Mqtt, topic: str) -> str:
    return f"mosquitto_sub -h {mqtt.host} -p {mqtt.port} -v -t '{topic}'"
