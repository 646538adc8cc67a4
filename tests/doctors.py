"""A machine for tests of doctor: a configuration, and a real mosquitto with TLS, a password and an access list."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

from gateway import cli
from tests.brokers import Mosquitto
from tests.street import ROOT

PASSWORD = "canary-s3cret"
PAGE = ROOT / "docs" / "operations.md"


def access_list() -> str:
    """The one that docs/operations.md shows."""
    (text,) = re.findall(r"```acl\n(.*?)```", PAGE.read_text(), re.DOTALL)
    return text


class Machine:
    """Where doctor looks. keys: of [mqtt], as TOML; ports: name -> path."""

    def __init__(self, folder: Path, authority: Any, pair: tuple[Path, Path]) -> None:
        self.folder, self.authority = folder, authority
        self.acl, self.file, self.secret = folder / "acl", folder / "gateway.toml", folder / "secret"
        self.acl.write_text(access_list())
        self.secret.write_text(PASSWORD)
        self.secret.chmod(0o600)
        passwords = folder / "passwords"
        subprocess.run(
            ["mosquitto_passwd", "-b", "-c", str(passwords), "gateway", PASSWORD], check=True, capture_output=True
        )
        subprocess.run(["mosquitto_passwd", "-b", str(passwords), "dashboard", "d"], check=True, capture_output=True)
        lines = [
            f"certfile {pair[0]}", f"keyfile {pair[1]}", "allow_anonymous false", f"password_file {passwords}",
            f"acl_file {self.acl}",
        ]  # fmt: skip
        self.broker = Mosquitto(folder, lines)
        self.broker.start()

    def configure(
        self, ports: dict[str, str] | None = None, *, host: str = "127.0.0.1", ca: Path | None = None, mqtt: str = "",
        more: str = "",
    ) -> None:  # fmt: skip
        """Writes the configuration."""
        boards = {"bench": "socket://127.0.0.1:9"} if ports is None else ports
        tables = "".join(f'[[boards]]\nname = "{name}"\nport = "{path}"\n' for name, path in boards.items())
        self.file.write_text(
            f'[gateway]\nid = "greenhouse-1"\nstate_dir = "{self.folder}/state"\n'
            f'[mqtt]\nurl = "mqtts://{host}:{self.broker.port}"\nca_file = "{ca or self.authority.certificate}"\n'
            f'username = "gateway"\npassword_file = "secret"\n{mqtt}\n{tables}{more}'
        )
        self.file.chmod(0o600)

    def doctor(self, capsys: Any) -> tuple[int, dict[tuple[str, str], dict[str, str]]]:
        """What it says: the exit code, and findings that are not fine, by (check, state)."""
        capsys.readouterr()
        code = cli.run(["doctor", "--json", "-c", str(self.file)])
        out = capsys.readouterr().out
        assert PASSWORD not in out
        said = json.loads(out)
        assert said["ok"] is (code == 0)
        return code, {(one["what"], one["state"]): one for one in said["findings"] if one["state"] != "fine"}

    def mend(self, command: str) -> None:
        """Types the command that doctor gave, as root would, with this mosquitto in the place of the system's."""
        typed = command.replace("sudo ", "").replace("/etc/mosquitto/acl", str(self.acl))
        typed = typed.replace("systemctl reload mosquitto", f"kill -HUP {self.broker.pid}")
        subprocess.run(["sh", "-ec", typed], check=True, capture_output=True, cwd=ROOT)
