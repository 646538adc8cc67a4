"""TLS to the broker: whom we trust, who we are, and what an error of it means, as a sentence.

Chain and name are always verified. Files are read anew for each connection, since they may have been renewed.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import ssl
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .shown import shown

Certificate = Mapping[str, Any]
"""As the library gives one that was verified: subject, issuer, notBefore, notAfter, subjectAltName."""

NOT_YET, EXPIRED, WRONG_NAME, WRONG_ADDRESS = 9, 10, 62, 64  # verify codes of OpenSSL, x509_vfy.h
UNKNOWN_SIGNER = {2, 7, 18, 19, 20, 21, 27, 30, 31}
MOST = 1 << 20  # bytes of a file; all CAs that a system trusts have a quarter of it
NO_CHECK_TIME = 0x200000  # a verify flag of OpenSSL that Python has no name for
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


class TlsError(Exception):
    """No TLS: one sentence that says what is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files, PEM. ca: whom we trust, None: whom the system trusts. cert, key: who we are; key None: it is in cert."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    @property
    def files(self) -> list[tuple[str, Path]]:
        """(key of the configuration, file) of those that are given."""
        given = (("mqtt.ca_file", self.ca), ("mqtt.cert_file", self.cert), ("mqtt.key_file", self.key))
        return [(key, path) for key, path in given if path is not None]


def context(tls: Tls) -> ssl.SSLContext:
    """What a connection is made with. Reads the files. Raises TlsError."""
    for key, path in tls.files:
        _see(key, path)
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # verifies chain and name; TLS 1.2 and newer
    try:
        if tls.ca is None:
            made.load_default_certs()
        else:
            made.load_verify_locations(tls.ca)
    except (OSError, ValueError):
        raise TlsError(f"mqtt.ca_file: {_of(tls.ca)} holds no certificate in PEM; give the CA's") from None
    if tls.cert is not None:
        key_file = tls.key or tls.cert
        try:
            made.load_cert_chain(tls.cert, tls.key, password=lambda: "")  # else it would ask on the terminal
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                why = f"mqtt.key_file: {_of(key_file)} is not the key of {_of(tls.cert)}; give the one that is"
            elif "CERTIFICATE-----" not in _text(tls.cert):
                why = f"mqtt.cert_file: {_of(tls.cert)} holds no certificate in PEM"
            elif "ENCRYPTED" in _text(key_file):
                why = f"mqtt.key_file: {_of(key_file)} needs a passphrase that nobody types; give one without"
            else:
                why = f"mqtt.key_file: {_of(key_file)} holds no private key in PEM"
            raise TlsError(why) from None
        except (OSError, ValueError) as error:
            raise TlsError(f"mqtt.key_file: {_of(key_file)} cannot be used: {error}") from None
    return made


def mark(tls: Tls | None) -> str:
    """Another one when another text is in a file; one that cannot be read has none. Reads the files."""
    made = hashlib.sha256()
    for _, path in tls.files if tls is not None else ():
        with contextlib.suppress(OSError):
            made.update(_text(path).encode())
        made.update(b"\0")
    return made.hexdigest()


def warnings(tls: Tls) -> list[str]:
    """What is unwise about files that will do, a sentence each."""
    key = tls.key or tls.cert
    if key is None or not key.exists() or not key.stat().st_mode & stat.S_IROTH:
        return []
    return [f"mqtt.key_file: {_of(key)} can be read by everyone; `chmod 600` it"]


def secured(sock: socket.socket, host: str, tls: Tls, patience: float) -> ssl.SSLSocket:
    """TLS over a connected socket, which is closed where that fails. Blocks, `patience` s a step. Raises TlsError."""
    where = sock.getpeername()[:2]
    try:
        return _shaken(sock, host, context(tls), patience)
    except ssl.SSLCertVerificationError as error:
        seen = _looked_at(where, host, tls, error.verify_code, patience)
        raise TlsError(unverified(error, host, tls, seen, time.time())) from None
    except (OSError, ValueError) as error:
        raise TlsError(why(error)) from None
    finally:
        sock.close()  # its descriptor is the new one's, or it failed


def certificate(address: tuple[str, int], host: str, tls: Tls, patience: float) -> Certificate:
    """The broker's certificate, verified, without a word of MQTT. Blocks. Raises TlsError, and OSError without TCP."""
    with secured(socket.create_connection(address, patience), host, tls, patience) as line:
        return line.getpeercert() or {}


def _shaken(sock: socket.socket, host: str, made: ssl.SSLContext, patience: float) -> ssl.SSLSocket:
    line = made.wrap_socket(sock, server_hostname=host, do_handshake_on_connect=False)
    try:
        line.settimeout(patience)
        line.do_handshake()
    except BaseException:
        line.close()
        raise
    return line


def _looked_at(where: tuple[str, int], host: str, tls: Tls, code: int, patience: float) -> Certificate:
    """The certificate that was refused for its dates or its name alone, to tell of it: asked for once more, with all
    else verified; nothing is said to the broker. {} where that does not come about.
    """
    if code not in (NOT_YET, EXPIRED, WRONG_NAME, WRONG_ADDRESS):
        return {}
    try:
        made = context(tls)
        made.check_hostname = False
        made.verify_flags |= NO_CHECK_TIME
        with _shaken(socket.create_connection(where, patience), host, made, patience) as line:
            return line.getpeercert() or {}
    except (OSError, ValueError, TlsError):
        return {}


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
        return f"the broker's certificate is not signed by the CA in mqtt.ca_file ({_of(tls.ca)}); give its CA's"
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
    if isinstance(error, ssl.SSLEOFError | ConnectionError):
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


def _see(key: str, path: Path) -> None:
    """Raises TlsError where the file cannot be used, whatever is in it."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise TlsError(f"{key}: {_of(path)} is not a file; name one in PEM")
        if mode & stat.S_IWOTH:
            raise TlsError(f"{key}: {_of(path)} can be written by everyone; `chmod o-w` it, and see what is in it")
        _text(path)
    except FileNotFoundError:
        raise TlsError(f"{key}: there is no file {_of(path)}") from None
    except PermissionError:
        raise TlsError(
            f"{key}: {_of(path)} may not be read by this user; `chown` it to the one of the gateway"
        ) from None
    except OSError as error:
        raise TlsError(f"{key}: {_of(path)} cannot be used: {error.strerror}") from None


def _text(path: Path) -> str:
    with open(path, encoding="latin-1") as file:
        return file.read(MOST)


def _of(path: Path | None) -> str:
    return f'"{shown(str(path), 500)}"'
