"""`gateway replay`: a capture through the street, and the messages that would be published, as text.

The times are the capture's, so what is computed is what a live run computes, however fast it is replayed. Of publishing
there is what makes a message (`every`, tags), and nothing that waits for a broker.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .config import Config
from .config.load import made, tables
from .config.words import Unfit, nearest, quoted
from .ingest.capture.file import Capture, CaptureError
from .ingest.capture.playback import Playback
from .model import Board, Drop, Features, Sample
from .played import columns, told
from .publish.stream import Stream
from .shown import shown
from .street import Street

RUN = "replay"  # the `run` of the messages: two replays give the same text
PORTION, CHUNKS = 2000, 256  # readings that are computed together, and pieces after which the loop gets its turn


def replay(capture: Capture, config: Config, board: Board, speed: float | None, *, as_json: bool) -> int:
    """Replays `capture` as `board` of `config`, and prints. Gives the exit code.

    speed: times as fast as it was; None: as fast as can be. as_json: each message as it would be published, and at the
    end {"summary": …}; else columns, and the summary on standard error. Raises CaptureError.
    """

    def show(message: bytes) -> None:
        print(message.decode() if as_json else columns(message))

    async def run() -> dict[str, Any]:
        return await Replay(capture, config, board, show).run(speed)

    summary = asyncio.run(run())
    if as_json:
        print(json.dumps({"summary": summary}, ensure_ascii=False))
    else:
        print(told(summary), file=sys.stderr)
    return 0


def setting(capture: Capture, file: str | None, board: str | None, format: str | None) -> tuple[Config, Board]:
    """The configuration and the board of it that was recorded. file: the configuration; None: the defaults.

    board: its name, where it is not the capture's. format: instead of the board's. Raises Wrong, and Unfit for a board
    that is not there.
    """
    name = board or capture.header.board or "board"
    path = Path(file or "gateway.toml")
    data: dict[str, Any] = {"gateway": {"id": RUN}, "boards": [{"name": name, "port": "/capture"}]}
    if file:
        data = tables(path)
    config = made(data, path)
    place = _board(config, name, chosen=board is not None)
    if format is not None:
        data["boards"][config.tables[place]]["format"] = format
        config = made(data, path)
    found = config.boards[place]
    if found.modbus is not None:
        raise Unfit(f"{quoted(found.name)} is asked by Modbus, whose answers say not which registers they hold")
    return config, dataclasses.replace(found, name=name) if found.port.path == "auto" else found


def _board(config: Config, name: str, *, chosen: bool) -> int:
    """The place of the board's table; of the only one, where none was chosen."""
    names = [one.name for one in config.boards]
    if name in names:
        return names.index(name)
    for place, one in enumerate(config.boards):
        if one.port.path == "auto" and name.startswith(one.name):  # it was found by this table
            return place
    if len(names) == 1 and not chosen:
        return 0
    there = nearest(name, names) or "; there are " + ", ".join(map(quoted, names))
    raise Unfit(f"{shown(str(config.path), 500)} has no board {quoted(name)}{there}; --board names the one to take")


class Replay:
    """One run of the command."""

    def __init__(self, capture: Capture, config: Config, board: Board, show: Callable[[bytes], object]) -> None:
        self._capture, self._board, self._show = capture, board, show
        self._gateway = config.id
        self._street = Street(dataclasses.replace(config, linger=0.0), self._computed, self._dropped, self._took)
        self._reader = self._street.boards.made(board)
        self._streams: dict[str, Stream] = {}
        self._seqs: dict[str, int] = {}
        self._order: list[tuple[str, int]] = []  # (sensor, seq) of what is under way, as it came
        self._messages: dict[tuple[str, int], bytes] = {}
        self._shown = self._chunks = 0
        self._arrived = asyncio.Event()

    async def run(self, speed: float | None) -> dict[str, Any]:
        """Gives the summary."""
        stage, loop = self._street.stage, asyncio.get_running_loop()
        at = 0.0
        try:
            try:
                await stage.start(began=0.0)  # its times are the capture's, to the last bit
            except OSError as error:
                where = shown(str(self._capture.path), 500)
                raise CaptureError(f"{where} cannot be replayed, no worker can start: {error}") from error
            playback, began = Playback(self._reader, self._capture.header), loop.time()
            for heard in self._capture:
                at = heard.at
                if speed is not None and (pause := began + at / speed - loop.time()) > 0:
                    await self._settled()
                    await asyncio.sleep(pause)
                elif len(self._order) >= PORTION or self._chunks % CHUNKS == 0:
                    await self._settled()
                self._chunks += bool(heard.data)
                playback.hear(heard)
            playback.end()
            await self._settled()
        finally:
            await stage.end()
        return self._summary(at)

    async def _settled(self) -> None:
        """Waits until all that is under way is computed, and shows it in the order in which it came."""
        await asyncio.sleep(0)
        while self._street.stage.held(self._board.name):
            self._arrived.clear()
            await self._arrived.wait()
        for key in self._order:
            if (message := self._messages.pop(key, None)) is not None:
                self._shown += 1
                self._show(message)
        self._order.clear()

    def _took(self, _board: str, samples: list[Sample]) -> None:
        for sample in samples:
            seq = self._seqs[sample.sensor] = self._seqs.get(sample.sensor, 0) + 1
            self._order.append((sample.sensor, seq))

    def _computed(self, pieces: list[Features]) -> None:
        self._arrived.set()
        for features in pieces:
            stream = self._stream(features.sensor)
            piece, condensed = stream.condense(features)
            self._reader.account.condensed += condensed
            if piece is None:
                continue
            texts = stream.writer.readings(piece.features, piece.first, piece.last, piece.condensed, None)
            for seq, text in zip(piece.features.seq[piece.first : piece.last], texts, strict=True):
                self._messages[features.sensor, seq] = text

    def _dropped(self, _board: str, reason: Drop, readings: int) -> None:
        self._reader.account.dropped[reason] += readings
        self._arrived.set()

    def _stream(self, sensor: str) -> Stream:
        stream = self._streams.get(sensor)
        if stream is None:
            board, tags = self._board.name, dict(self._board.tags)
            every = self._street.plan(board, sensor).every
            # its topic does not matter, as nothing is sent
            stream = self._streams[sensor] = Stream("", (self._gateway, board, sensor, RUN), tags, every)
        return stream

    def _summary(self, seconds: float) -> dict[str, Any]:
        account = self._reader.account
        counted = ("bytes", "frames", "decoded", "noise", "refused", "values", "refused_values", "readings", "dropped",
                   "condensed", "reopened", "silences", "overruns")  # fmt: skip
        return {
            "capture": str(self._capture.path), "board": self._board.name, "format": self._reader.format,
            "seconds": round(seconds, 3), "chunks": self._chunks, "sensors": len(self._seqs), "messages": self._shown,
            "torn_lines": int(self._capture.torn), **{key: getattr(account, key) for key in counted},
        }  # fmt: skip
