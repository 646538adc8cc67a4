"""What an error of TLS means, as a sentence: one place for the log, the status and doctor."""

from __future__ import annotations

import ssl
import time
from collections.abc import Mapping
from typing import Any

from ..shown import shown
from .files import Tls, of_path

Certificate = Mapping[str, Any]
"""As the library gives one that was verified: subject, issuer, notBefore, notAfter, subjectAltName."""

NOT_YET, EXPIRED, WRONG_NAME, WRONG_ADDRESS = 9, 10, 62, 64  # verify codes of OpenSSL, x509_vfy.h
UNKNOWN_SIGNER = {2, 7, 18, 19, 20, 21, 27, 30, 31}
OF_US = {  # alerts, as OpenSSL calls them: what the broker has against our certificate
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate of this gateway; see mqtt.cert_file",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "it found no way to agree; does it want a certificate (mqtt.cert_file)?",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it says that our certificate (mqtt.cert_file) has expired; renew it",
    "SSLV3_ALERT_CERTIFICATE_REVOKED": "it says that our certificate (mqtt.cert_file) was revoked; get another",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it does not accept our certificate (mqtt.cert_file)",
    "SSLV3_ALERT_CERTIFICATE_UNKNOWN": "it does not accept our certificate (mqtt.cert_file)",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know who signed our certificate (mqtt.cert_file): see the broker's cafile",
}
NO_TLS = "does it speak TLS on this port? 8883 is usual for that, and mqtt.url begins with mqtts:// for it alone"
OLD = {"TLSV1_ALERT_PROTOCOL_VERSION", "UNSUPPORTED_PROTOCOL"}


def unverified(error: ssl.SSLCertVerificationError, host: str, tls: Tls, seen: Certificate, now: float) -> str:
    """What is wrong with the broker's certificate. seen: that, as far as known; now: s since 1970."""
    code = error.verify_code
    if code == NOT_YET:
        since = f" before {_day(seen['notBefore'])}" if _later(seen.get("notBefore"), now) else " yet"
        return (
            f"the broker's certificate is not valid{since}, and this machine's clock says {_today(now)}: is the clock "
            "right? `timedatectl` tells"
        )
    if code == EXPIRED:
        if seen and _later(seen.get("notAfter"), now):  # it is not the broker's own
            return (
                f"a certificate above the broker's has expired; renew it (clock: {_today(now)}), and see mqtt.ca_file"
            )
        on = f" on {_day(seen['notAfter'])}" if seen else ""
        return f"the broker's certificate expired{on}; renew it at the broker (this machine's clock says {_today(now)})"
    if code in (WRONG_NAME, WRONG_ADDRESS):
        names = " and ".join(names_in(seen))
        told = f" but for {names}; name one of these in mqtt.url" if names else "; see the name in mqtt.url"
        return f"the broker's certificate is not for {shown(host, 100)}{told}"
    if code in UNKNOWN_SIGNER:
        if tls.ca is None:
            return (
                "nobody whom this system trusts has signed the broker's certificate; give its CA's certificate as "
                "mqtt.ca_file"
            )
        return f"the broker's certificate is not signed by the CA in mqtt.ca_file ({of_path(tls.ca)}); give its CA's"
    return f"the broker's certificate does not hold ({shown(error.verify_message, 100)}); see mqtt.ca_file"


def why(error: Exception) -> str:
    """What went wrong with TLS, in the handshake or behind it; certificates of the broker's are for `unverified`."""
    reason = getattr(error, "reason", None) or ""
    if reason in OF_US:
        return f"the broker ended TLS: {OF_US[reason]}"
    if reason in OLD:
        return "the broker speaks no TLS newer than 1.1, which is not safe any more; let it speak TLS 1.2 or 1.3"
    if isinstance(error, TimeoutError):
        return f"the broker does not answer in TLS: {NO_TLS}"
    if reason in ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "PACKET_LENGTH_TOO_LONG", "HTTP_REQUEST"):
        return f"the broker answers, and not in TLS: {NO_TLS}"
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError | ConnectionError):
        return f"the broker closed the connection when it was to begin TLS: {NO_TLS}"
    return f"TLS failed ({shown(reason.lower().replace('_', ' ') or str(error), 100)}); the broker's log may say why"


def names_in(certificate: Certificate) -> list[str]:
    """The hosts that a certificate is for."""
    return [shown(str(name), 100) for _, name in certificate.get("subjectAltName", ())]


def expires(certificate: Certificate) -> float | None:
    """When a certificate ends, s since 1970; None where nothing is known of it."""
    return ssl.cert_time_to_seconds(certificate["notAfter"]) if certificate.get("notAfter") else None


def _later(date: str | None, now: float) -> bool:
    return date is not None and ssl.cert_time_to_seconds(date) > now


def _day(date: str) -> str:
    return _today(ssl.cert_time_to_seconds(date))


def _today(now: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(now))
