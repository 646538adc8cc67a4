"""What a machine lives with: boards that are plugged in, a broker and a listener outside, an account of losses."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gateway.installer.versions import PARTS
from simulators import Board
from tests.brokers import Mosquitto
from tests.faults.judge import Judge
from tests.street import ROOT
from tests.system.machine import Machine

CHECKOUT, WHEELS = "/srv/gateway", "/srv/wheels"  # inside
AT_RISK = 1.0 + 0.5  # s for which a reading may be in memory alone
KEEPS = ("max_queued_messages 10000000",)


def unpack(machine: Machine, place: str = CHECKOUT, changes: dict[str, Callable[[str], str]] | None = None) -> None:
    """Puts the sources into a machine, some files changed."""
    for part in PARTS:
        source, target = ROOT / part, machine.path(place) / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    for name, change in (changes or {}).items():
        file = machine.path(place) / name
        before = file.read_text()
        file.write_text(change(before))
        assert file.read_text() != before, name


class Life:
    """A broker, a judge and boards for one machine. In a `with` the boards talk."""

    def __init__(self, machine: Machine, folder: Path, boards: tuple[str, ...] = ("bench", "attic")) -> None:
        self.machine = machine
        self._stack = contextlib.ExitStack()
        self.broker = Mosquitto(folder, ["persistence true", *KEEPS])
        self.broker.start()
        self._stack.callback(self.broker.kill)
        self.judge = Judge(folder, self.broker.port)
        self._stack.callback(self.judge.close)
        self.boards = {name: self._plugged(name) for name in boards}

    def __enter__(self) -> Life:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _plugged(self, name: str) -> Board:
        board = Board("json", name=name, sensors=3, rate=20.0, baud=115_200, boot=0.05, log=self.judge.written)
        self._stack.enter_context(board)
        os.chmod(self._pty(board), 0o666)  # whose groups are this machine's
        return board

    @staticmethod
    def _pty(board: Board) -> str:
        return os.path.realpath(board.path)

    def port(self, name: str) -> str:
        """What a board's port is called inside."""
        return f"/dev/boards/{Path(self._pty(self.boards[name])).name}"

    def configuration(self, *, each: str = "", extra: str = "", leave: tuple[str, ...] = ()) -> str:
        """A gateway.toml with all boards but those in `leave`."""
        tables = "".join(
            f'[[boards]]\nname = "{name}"\nport = "{self.port(name)}"\n{each}\n'
            for name in self.boards
            if name not in leave
        )
        return f'[gateway]\nid = "gw"\n[mqtt]\nurl = "mqtt://127.0.0.1:{self.broker.port}"\n{tables}{extra}\n'

    def configure(self, text: str) -> None:
        """Writes the configuration, as its editor would."""
        self.machine.path("/etc/gateway/gateway.toml").write_text(text)

    # what arrives

    def heard(self, board: str, since: float = 0.0) -> bool:
        """Whether a reading of `board` has arrived that was written after `since`, by the monotonic clock."""
        self.judge.listen()
        return self.judge.newest.get(board, 0.0) > since

    def all_heard(self, patience: float = 15.0) -> float:
        """Waits until each board is heard of that writes now. Gives the seconds that took."""
        began = time.monotonic()
        self.until(lambda: all(self.heard(name, began) for name in self.boards), "readings of all boards", patience)
        return time.monotonic() - began

    def until(self, condition: Callable[[], Any], what: str, patience: float = 15.0) -> None:
        """Waits; fails with what is missing and what the service says of itself."""
        deadline = time.monotonic() + patience
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {patience:g} s: {what}\n{self.machine.journal('--lines=30')}")
            time.sleep(0.05)

    def status(self) -> dict[str, Any]:
        """The newest status document."""
        self.judge.listen()
        found = self.judge.last.get("gateway/gw/status")
        return found.document if found else {}

    def nothing_lost(self, until: float, back: float = 0.0, since: float = 0.0, at_risk: float = AT_RISK) -> int:
        """All that was written since `since`, up to `at_risk` s before `until`, arrives in the end, and nothing that
        nobody wrote; and all that was written since `back`, up to a moment ago. Gives how many that were.
        """

        def due() -> set[tuple[str, str, int]]:
            now = time.monotonic() - AT_RISK
            sent = dict(self.judge.written.sent)
            return {key for key, (_, at) in sent.items() if since < at < until - at_risk or (back and back < at < now)}

        wanted = due()
        self.until(lambda: self.judge.listen() or wanted <= set(self.judge.readings), "what was at no risk", 30)
        self.until(lambda: not self.judge.strangers(), "the boards' word on all that was heard")  # a write may just end
        self.judge.doubled()  # fails where one reading was published as two
        return len(wanted)

    def events(self, name: str) -> list[dict[str, Any]]:
        """Events of that name in the log since the boot."""
        found = [json.loads(line) for line in self.machine.journal().splitlines() if line.startswith("{")]
        return [one for one in found if one["event"] == name]
