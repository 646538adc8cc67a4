"""`gateway replay`: a capture through the street, and the messages that would be published, as text.

The times are the capture's, so what is computed is what a live run computes, however fast it is replayed. Of boards
that are asked each answer meets the question that was sent before it; nothing is sent. Of publishing there is what
makes a message (`every`, `band`, alarms, tags), and nothing that waits for a broker.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..config import Config
from ..ingest.asking.talk import Talk
from ..ingest.capture.file import Capture, CaptureError
from ..ingest.capture.playback import Playback
from ..ingest.hearing import Hearing
from ..model import Board, Drop, Features, Format, Sample
from ..publish.stream import Stream
from ..shown import shown
from ..street import Street
from .captured import RUN, setting
from .played import columns, told

Sensor = tuple[str, str]  # (board, sensor)
PORTION, CHUNKS = 2000, 256  # readings that are computed together, and pieces after which the loop gets its turn


def replayed(options: argparse.Namespace) -> int:
    """Replays the capture that is named. Gives the exit code. Raises CaptureError, Wrong, Unfit."""
    with Capture(Path(options.capture)) as capture:
        config, boards = setting(capture.header, options.config, options.board, options.format)
        return replay(capture, config, boards, options.speed, as_json=options.json)


def replay(capture: Capture, config: Config, boards: Sequence[Board], speed: float | None, *, as_json: bool) -> int:
    """Replays `capture` as that of `boards` of `config`, and prints. Gives the exit code.

    speed: times as fast as it was; None: as fast as can be. as_json: each message as it would be published, and at the
    end {"summary": …} for each board; else columns, and the summaries on standard error. Raises CaptureError.
    """
    several = len(boards) > 1

    def show(message: bytes) -> None:
        print(message.decode() if as_json else columns(message, several=several))

    async def run() -> list[dict[str, Any]]:
        return await Replay(capture, config, boards, show).run(speed)

    for summary in asyncio.run(run()):
        if as_json:
            print(json.dumps({"summary": summary}, ensure_ascii=False))
        else:
            print(told(summary, several=several), file=sys.stderr)
    return 0


class Replay:
    """One run of the command."""

    def __init__(
        self, capture: Capture, config: Config, boards: Sequence[Board], show: Callable[[bytes], object]
    ) -> None:
        self._capture, self._boards, self._show = capture, {board.name: board for board in boards}, show
        self._gateway = config.id
        self._street = Street(dataclasses.replace(config, linger=0.0), self._computed, self._dropped, self._took)
        self._formats: dict[str, Format] = {}
        self._playback = Playback(self._hearing(), capture.header)
        self._streams: dict[Sensor, Stream] = {}
        self._seqs: Counter[Sensor] = Counter()
        self._order: list[tuple[Sensor, int]] = []  # with seq: what is under way, as it came
        self._messages: dict[tuple[Sensor, int], bytes] = {}
        self._shown: Counter[str] = Counter()  # by board
        self._chunks = 0
        self._arrived = asyncio.Event()

    def _hearing(self) -> Hearing | Talk:
        """Who hears the capture: a board that speaks by itself, or the talk with those that are asked."""
        boards = self._street.boards
        if self._capture.header.asked and all(board.asked for board in self._boards.values()):
            talk = boards.talk(list(self._boards.values()))
            self._formats |= {party.board.name: party.decoders[0] for party in talk.parties}
            return talk
        (board,) = self._boards.values()
        seen = boards.made(board)
        self._formats[board.name] = seen.decoder
        return seen.hearing

    async def run(self, speed: float | None) -> list[dict[str, Any]]:
        """Gives the summary of each board."""
        stage, loop = self._street.stage, asyncio.get_running_loop()
        at = 0.0
        try:
            try:
                await stage.start(began=0.0)  # its times are the capture's, to the last bit
            except OSError as error:
                where = shown(str(self._capture.path), 500)
                raise CaptureError(f"{where} cannot be replayed, no worker can start: {error}") from error
            began = loop.time()
            for heard in self._capture:
                at = heard.at
                if speed is not None and (pause := began + at / speed - loop.time()) > 0:
                    await self._settled()
                    await asyncio.sleep(pause)
                elif len(self._order) >= PORTION or self._chunks % CHUNKS == 0:
                    await self._settled()
                self._chunks += bool(heard.data) and not heard.sent
                self._playback.hear(heard)
            self._playback.end()
            await self._settled()
        finally:
            await stage.end()
        return [self._summary(board, at) for board in self._boards]

    async def _settled(self) -> None:
        """Waits until all that is under way is computed, and shows it in the order in which it came."""
        await asyncio.sleep(0)
        while any(self._street.stage.held(board) for board in self._boards):
            self._arrived.clear()
            await self._arrived.wait()
        for key in self._order:
            if (message := self._messages.pop(key, None)) is not None:
                self._shown[key[0][0]] += 1
                self._show(message)
        self._order.clear()

    def _took(self, board: str, samples: list[Sample]) -> None:
        for sample in samples:
            sensor = board, sample.sensor
            self._seqs[sensor] += 1
            self._order.append((sensor, self._seqs[sensor]))

    def _computed(self, pieces: list[Features]) -> None:
        self._arrived.set()
        for features in pieces:
            sensor = features.board, features.sensor
            stream = self._stream(sensor)
            piece, condensed = stream.condense(features)
            self._street.boards.account(features.board).condensed += condensed
            if piece is None:
                continue
            texts = stream.writer.readings(piece.features, piece.first, piece.last, piece.condensed, None)
            for seq, text in zip(piece.features.seq[piece.first : piece.last], texts, strict=True):
                self._messages[sensor, seq] = text

    def _dropped(self, board: str, reason: Drop, readings: int) -> None:
        self._street.boards.account(board).dropped[reason] += readings
        self._arrived.set()

    def _stream(self, sensor: Sensor) -> Stream:
        stream = self._streams.get(sensor)
        if stream is None:
            sending = self._street.sending(*sensor)
            # its topic does not matter, as nothing is sent
            head = (self._gateway, *sensor, RUN)
            stream = self._streams[sensor] = Stream("", head, dict(self._boards[sensor[0]].tags), sending)
        return stream

    def _summary(self, board: str, seconds: float) -> dict[str, Any]:
        account = self._street.boards.account(board)
        counted = ("bytes", "frames", "decoded", "noise", "refused", "values", "refused_values", "readings", "dropped",
                   "condensed", "reopened", "silences", "overruns")  # fmt: skip
        return {
            "capture": str(self._capture.path), "board": board, "format": self._formats[board].name,
            "seconds": round(seconds, 3), "chunks": self._chunks, "sent": self._playback.sent,
            "sent_unknown": self._playback.unknown, "sensors": sum(name == board for name, _ in self._seqs),
            "messages": self._shown[board], "torn_lines": int(self._capture.torn),
            **{key: getattr(account, key) for key in counted},
        }  # fmt: skip
