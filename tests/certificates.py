"""Certificates for tests of TLS, made by the openssl program: a CA, and what it signs, for any time and name."""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

DAY = 86_400
CONFIG = """
[ca]
default_ca = own
[own]
database = {folder}/index
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[authority]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[other]
basicConstraints = CA:FALSE
"""


class Authority:
    """A CA of its own, whose files are in `folder`; its certificate is valid from a year ago for `days` from now."""

    def __init__(self, folder: Path, name: str = "Test CA", days: float = 365) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "index").touch()
        (folder / "serial").write_text("1000\n")
        (folder / "openssl.cnf").write_text(CONFIG.format(folder=folder))
        self.key, self.certificate = folder / "ca.key", folder / "ca.crt"
        request = self._request(self.key, name, "")
        self._sign(
            request, self.certificate, -365, days, "-selfsign", "-keyfile", str(self.key), "-extensions", "authority"
        )

    def issue(
        self, name: str, names: str = "DNS:localhost,IP:127.0.0.1", *, start: float = -1, days: float = 100
    ) -> tuple[Path, Path]:
        """A certificate (in a file of its own) and its key. names: as openssl spells them; start, days: from now."""
        key, certificate = self.folder / f"{name}.key", self.folder / f"{name}.crt"
        request = self._request(key, name, names)
        signer = ("-keyfile", str(self.key), "-cert", str(self.certificate))
        self._sign(request, certificate, start, days, *signer, "-extensions", "other")
        return certificate, key

    def _request(self, key: Path, name: str, names: str) -> Path:
        out = key.with_suffix(".csr")
        more = ("-addext", f"subjectAltName={names}") if names else ()
        self._openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", str(key),
            "-out", str(out), "-subj", f"/CN={name}", *more,
        )  # fmt: skip
        key.chmod(0o600)
        return out

    def _sign(self, request: Path, out: Path, start: float, days: float, *more: str) -> None:
        dates = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + DAY * at)) for at in (start, days))
        first, last = dates
        self._openssl(
            "ca",
            "-batch",
            "-notext",
            "-in",
            str(request),
            "-out",
            str(out),
            "-startdate",
            first,
            "-enddate",
            last,
            *more,
        )

    def _openssl(self, command: str, *words: str) -> None:
        subprocess.run(
            [OPENSSL, command, "-config", str(self.folder / "openssl.cnf"), *words], check=True, capture_output=True
        )


OPENSSL = shutil.which("openssl") or "openssl"
