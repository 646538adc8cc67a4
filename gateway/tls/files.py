"""The files of TLS: whom we trust, and who we are; read anew for each connection, since they may have been renewed."""

from __future__ import annotations

import contextlib
import hashlib
import ssl
import stat
from dataclasses import dataclass
from pathlib import Path

from ..shown import shown

HANDED = Path("/run/credentials")  # where a service of systemd's finds what systemd hands it
MOST = 1 << 20  # bytes of a file; all CAs that a system trusts have a quarter of it


class TlsError(Exception):
    """No TLS: one sentence that says what is wrong, and what to do."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Files, PEM. ca: whom we trust, None: whom the system trusts. cert, key: who we are; key None: it is in cert.

    of: what the keys that name them begin with.
    """

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    of: str = "mqtt."

    @classmethod
    def beside(cls, path: Path, ca: str, cert: str, key: str, of: str = "mqtt.") -> Tls:
        """Files as the one at `path` names them; "" is none."""
        ca_file, cert_file, key_file = (path.parent / name if name else None for name in (ca, cert, key))
        return cls(ca_file, cert_file, key_file, of)

    @property
    def files(self) -> list[tuple[str, Path]]:
        """(key of the configuration, file) of those that are given."""
        given = (("ca_file", self.ca), ("cert_file", self.cert), ("key_file", self.key))
        return [(self.of + key, path) for key, path in given if path is not None]


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
        raise TlsError(f"{tls.of}ca_file: {of_path(tls.ca)} holds no certificate in PEM; give the CA's") from None
    if tls.cert is not None:
        key_file = tls.key or tls.cert
        try:
            made.load_cert_chain(tls.cert, tls.key, password=lambda: "")  # else it would ask on the terminal
        except ssl.SSLError as error:
            if error.reason == "KEY_VALUES_MISMATCH":
                why = (
                    f"{tls.of}key_file: {of_path(key_file)} is not the key of {of_path(tls.cert)}; give the one that is"
                )
            elif "CERTIFICATE-----" not in _text(tls.cert):
                why = f"{tls.of}cert_file: {of_path(tls.cert)} holds no certificate in PEM"
            elif "ENCRYPTED" in _text(key_file):
                why = f"{tls.of}key_file: {of_path(key_file)} needs a passphrase that nobody types; give one without"
            else:
                why = f"{tls.of}key_file: {of_path(key_file)} holds no private key in PEM"
            raise TlsError(why) from None
        except (OSError, ValueError) as error:
            raise TlsError(f"{tls.of}key_file: {of_path(key_file)} cannot be used: {error}") from None
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
    return [f"{tls.of}key_file: {of_path(key)} can be read by everyone; `chmod 600` it"]


def _see(key: str, path: Path) -> None:
    """Raises TlsError where the file cannot be used, whatever is in it."""
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise TlsError(f"{key}: {of_path(path)} is not a file; name one in PEM")
        if mode & stat.S_IWOTH:
            raise TlsError(f"{key}: {of_path(path)} can be written by everyone; `chmod o-w` it, and see what is in it")
        _text(path)
    except FileNotFoundError:
        raise TlsError(f"{key}: {handed(path) or f'there is no file {of_path(path)}'}") from None
    except PermissionError:
        raise TlsError(
            f"{key}: {of_path(path)} may not be read by this user; `chown` it to the one of the gateway"
        ) from None
    except OSError as error:
        raise TlsError(f"{key}: {of_path(path)} cannot be used: {error.strerror}") from None


def _text(path: Path) -> str:
    with open(path, encoding="latin-1") as file:
        return file.read(MOST)


def handed(path: Path) -> str | None:
    """Of a secret that is not there: the sentence about one that systemd hands to the service; None of any other."""
    if not path.is_relative_to(HANDED):
        return None
    return f"{of_path(path)} is there only while the service runs, from /etc/credstore: put it there and start that"


def of_path(path: Path | None) -> str:
    """A path as a sentence shows it."""
    return f'"{shown(str(path), 500)}"'
