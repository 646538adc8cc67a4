"""A connection with TLS: chain and name are always verified, and what is wrong is said in a sentence."""

from __future__ import annotations

import socket
import ssl
import time

from .files import Tls, TlsError, context
from .sentences import EXPIRED, NOT_YET, WRONG_ADDRESS, WRONG_NAME, Certificate, unverified, why

NO_CHECK_TIME = 0x200000  # a verify flag of OpenSSL that Python has no name for


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
