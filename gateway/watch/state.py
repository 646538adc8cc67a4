"""A message that has arrived -> what is known of its gateway afterwards. No client, no clock; bounded."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ..names import LONGEST
from .heard import alarm_told, board_told, document, place, readings, told
from .known import Board, Gateway, Stream, natural
from .nouns import AlarmTold, BoardTold, Place, Reading

GATEWAYS, BOARDS, SENSORS = 1000, 1000, 10_000  # that are kept
AFTER = 1.0  # s after a board is said to be away, by the gateway's clock, of what it may still have sent before

News = tuple[str, str, Mapping[str, Any]]
"""Of what somebody may want to be told: (kind, gateway, what)."""


class State:
    """Of each gateway below a prefix what has arrived. level: of the one gateway that is heard; None: any."""

    def __init__(self, prefix: str, level: str | None = None) -> None:
        self.gateways: dict[str, Gateway] = {}
        self._prefix = f"{prefix}/"
        self._level = level

    def hear(self, topic: str, payload: bytes, at: float, wall: float) -> Sequence[News]:
        """A message. Gives what is new in it: reading, last, status, board, alarm."""
        name, *levels = topic.removeprefix(self._prefix).split("/")
        where = place(levels) if topic.startswith(self._prefix) and self._level in (None, name) else None
        if where is None or len(name.encode(errors="replace")) > LONGEST:
            return ()
        gateway = self.gateways.get(name)
        if gateway is None:
            if len(self.gateways) == GATEWAYS:
                return ()
            gateway = self.gateways[name] = Gateway(name)
        found = _forgotten(gateway, where) if not payload else _heard(gateway, name, where, payload, at, wall)
        if found is None:
            gateway.rubbish += 1
            gateway.worst = topic
            return ()
        return found

    def joined(self) -> None:
        """The subscription holds anew: what came in between is nobody's loss."""
        for gateway in self.gateways.values():
            for stream in gateway.streams.values():
                for seen in stream.runs.values():
                    seen.joining = True


def _forgotten(gateway: Gateway, where: Place) -> Sequence[News]:
    """A retained message was taken back: of a board, its sensors go with it."""
    if where.kind == "status" and where.board:
        gateway.boards.pop(where.board, None)
        for key in [key for key in gateway.streams if key[0] == where.board]:
            gateway.missing -= gateway.streams.pop(key).missing
        return [("board", gateway.name, {"board": where.board, "document": None})]
    if where.kind == "status":
        gateway.told = None
    elif (stream := gateway.streams.get((where.board, where.sensor))) is not None:
        stream.alarm = ""
        if where.kind == "last":  # it is called otherwise now, or gone; who still speaks is there again at once
            gateway.missing -= gateway.streams.pop((where.board, where.sensor)).missing
    return ()


def _heard(gateway: Gateway, level: str, where: Place, payload: bytes, at: float, wall: float) -> Sequence[News] | None:
    """What is new; None: it was never the gateway's."""
    message = document(payload)
    if message is None:
        return None
    match where.kind:
        case "features":
            found = readings(message, level, where)
            return None if found is None else list(_readings(gateway, where, found, at, wall))
        case "last":
            found = readings(message, level, where)
            return None if found is None else _last(gateway, where, found, at)
        case "alarm":
            alarm = alarm_told(message)
            return None if alarm is None else _alarm(gateway, where, alarm, message)
    if where.board:
        board = board_told(message, where)
        return None if board is None else _board(gateway, where, board, message, at)
    status = told(message, level)
    if status is None:
        return None
    if gateway.told is None or status.run != gateway.told.run:
        gateway.others = 0
    gateway.name = str(message.get("gateway", gateway.name))[:LONGEST]
    gateway.told, gateway.at, gateway.speaks = status, at, 0
    return [("status", gateway.name, {"document": message})]


def _readings(gateway: Gateway, where: Place, found: Iterator[Reading], at: float, wall: float) -> Iterator[News]:
    stream = None
    for reading in found:
        stream = stream or _stream(gateway, where, reading.board, reading.sensor)
        if stream is None:
            return
        if not reading.replayed and _strange(gateway, reading.run) and reading.run not in stream.runs:
            gateway.strangers += 1
            continue
        seen = stream.seen(reading.run)
        before = seen.missing
        if not seen.see(reading.seq, reading.condensed):
            gateway.duplicates += 1
            continue
        missing = seen.missing - before
        gateway.received += 1
        gateway.missing += missing
        stream.received += 1
        _count(gateway, at)
        late = None if reading.clock == "unsynced" else wall - reading.time
        if not reading.replayed:
            _live(gateway, where, reading)
            if stream.at is None:
                stream.recent.clear()  # what was retained may be of long ago
            stream.show(reading, at, late)
            stream.alarm = reading.alarm
            stream.recent.append(reading.value)
            if late is not None:
                gateway.late.append(late)
        more = {"missing": max(0, missing), "late_s": None if late is None else round(late, 6)}
        yield "reading", gateway.name, {**more, "message": reading.message}


def _last(gateway: Gateway, where: Place, found: Iterator[Reading], at: float) -> Sequence[News]:
    """The newest reading as it is retained: shown where none of its run came, or an older one."""
    reading = next(found, None)
    stream = None if reading is None else _stream(gateway, where, reading.board, reading.sensor)
    if reading is None or stream is None:
        return ()
    if gateway.told is not None and reading.run not in (gateway.run, *stream.runs) and stream.value is not None:
        return ()
    if stream.time is None or stream.value is None or reading.time > stream.time:
        stream.show(reading, None if stream.value is None else at, None)
        if not stream.recent:
            stream.recent.append(reading.value)
    return [("last", gateway.name, {"message": reading.message})]


def _alarm(gateway: Gateway, where: Place, alarm: AlarmTold, message: Mapping[str, Any]) -> Sequence[News]:
    stream = _stream(gateway, where, where.board, where.sensor)
    if stream is not None:
        stream.alarm = alarm.state
    return [("alarm", gateway.name, {"board": where.board, "sensor": where.sensor, "document": message})]


def _board(gateway: Gateway, where: Place, board: BoardTold, message: Mapping[str, Any], at: float) -> Sequence[News]:
    if where.board not in gateway.boards and len(gateway.boards) == BOARDS:
        gateway.beyond += 1
        return ()
    gateway.boards[where.board] = Board(replace(board, sensors={}), at)
    if not board.sensors:  # the broker does not take so long a document: nothing is known of them
        for (level, _), known in gateway.streams.items():
            known.state = "" if level == where.board else known.state
    for level, (name, state, last, unit) in board.sensors.items():
        stream = _stream(gateway, replace(where, sensor=level), board.board, name)
        if stream is not None:
            stream.state, stream.unit = state, stream.unit or unit
            stream.time = last if stream.value is None else stream.time
    return [("board", gateway.name, {"board": board.board, "document": message})]


def _stream(gateway: Gateway, where: Place, board: str, sensor: str) -> Stream | None:
    """That of a sensor, made where there is none yet and room for it."""
    key = (where.board, where.sensor)
    stream = gateway.streams.get(key)
    if stream is None:
        if len(gateway.streams) == SENSORS:
            gateway.beyond += 1
            return None
        stream = gateway.streams[key] = Stream(board, sensor, (natural(board), natural(sensor)))
    return stream


def _strange(gateway: Gateway, run: str) -> bool:
    """Whether a live reading is of another run than this gateway's; who goes on speaking is the gateway."""
    if gateway.told is None or run != gateway.told.run:
        gateway.others = gateway.others + 1 if run == gateway.other else 1
        gateway.other = run
    else:
        gateway.others = 0
    return run != gateway.run


def _live(gateway: Gateway, where: Place, reading: Reading) -> None:
    """It speaks, and so does the board, whatever their documents say."""
    gateway.speaks += 1
    board = gateway.boards.get(where.board)
    if board is not None and board.told.state != "online":
        board.speaks += reading.time > (board.told.since or 0.0) + AFTER


def _count(gateway: Gateway, at: float) -> None:
    second = int(at)
    if gateway.pace and gateway.pace[-1][0] == second:
        gateway.pace[-1] = second, gateway.pace[-1][1] + 1
    else:
        gateway.pace.append((second, 1))
