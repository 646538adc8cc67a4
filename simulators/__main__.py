"""The program: starts boards, says where they are, runs until it is told to stop, and says what was written."""

import argparse
import ctypes
import json
import math
import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from simulators import meters
from simulators.board import Board
from simulators.faults import FAULTS, Fault, parse
from simulators.kinds import KINDS
from simulators.loop import serve

PR_SET_PDEATHSIG = 1
MODBUS = "modbus"


def arguments() -> argparse.ArgumentParser:
    """What the command line takes."""
    parser = argparse.ArgumentParser(prog="python -m simulators", description="Simulated boards on pseudo-terminals.")
    add = parser.add_argument
    add("--boards", type=_whole, default=1, metavar="N", help="how many (1)")
    add(
        "--kind",
        nargs="+",
        action="extend",
        choices=[*KINDS, MODBUS],
        metavar="KIND",
        help=f"in turn, of {', '.join(KINDS)} (those that are understood by looking); "
        "or modbus: a line of --sensors units, which answer when they are asked",
    )
    add("--sensors", type=_whole, default=4, metavar="N", help="a board (4)")
    add("--rate", type=_positive, default=10.0, metavar="HZ", help="records a second, each of all sensors (10)")
    add("--baud", type=_whole, default=115_200, metavar="B", help="of the boards' lines (115200)")
    add("--pace", choices=("baud", "none"), default="baud", help="none: as fast as the reader takes (baud)")
    add(
        "--seconds",
        type=_from_zero,
        default=0,
        metavar="S",
        help="from when every board has a reader (0: until stopped)",
    )
    add("--wait", type=_positive, default=30.0, metavar="S", help="for the readers, where --seconds is given (30)")
    add("--lines", type=_whole, default=math.inf, metavar="N", help="a board stops after so many")
    add("--boot", type=_from_zero, default=0.2, metavar="S", help="of silence after a reader came (0.2)")
    add(
        "--linger", type=_from_zero, default=1.0, metavar="S", help="at most, at the end, with the ports still open (1)"
    )
    add("--seed", type=int, default=0, metavar="N", help="one seed, the same bytes (0)")
    add("--values", type=Path, metavar="FILE", help="numbers to send, one a line, as they are, the sensors in turn")
    add(
        "--fault",
        nargs="+",
        action="extend",
        type=_fault,
        default=[],
        metavar="[BOARD/]NAME@SECONDS[:ARG]",
        help=f"of {', '.join(FAULTS)}",
    )
    add("--links", type=Path, metavar="DIR", help="a link DIR/BOARD to each port, as udev makes them")
    add("--log", type=Path, metavar="FILE", help="a JSON line for each reading written")
    add("--json", action="store_true", help="one JSON line at the start, one at the end")
    return parser


def main(argv: list[str] | None = None) -> int:
    """Runs the program. 0: done; 1: a port could not be made, a file not used, or no reader came; 2: wrong use."""
    parser = arguments()
    options = parser.parse_args(argv)
    if MODBUS in (options.kind or ()):
        return _modbus(options, parser)
    kinds = options.kind or [name for name, kind in KINDS.items() if not kind.needs]
    called = {f"{(kind := kinds[place % len(kinds)])}-{place + 1}": kind for place in range(options.boards)}
    strangers = {fault.board for fault in options.fault} - {"", *called}
    if strangers:
        parser.error(f"--fault: there is no board {min(strangers)!r}; use one of {', '.join(called)}")
    _end_with_parent()
    signals = _Signals()
    try:
        with ExitStack() as stack:
            log = None if options.log is None else stack.enter_context(options.log.open("w"))
            texts = None if options.values is None else options.values.read_text().splitlines()
            boards = [_board(name, kind, options, texts, log) for name, kind in called.items()]
            for board in boards:
                stack.callback(board.unplug)
                board.plug()
            _say_where(boards, options.json)
            return _run(boards, options, signals)
    except OSError as error:
        print(f"The boards cannot run: {error.filename or 'a pseudo-terminal'}: {error.strerror}.", file=sys.stderr)
        return 1


def _modbus(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    if options.kind != [MODBUS] or options.boards > 1 or options.fault or options.values or options.log:
        parser.error(
            "--kind modbus is a line by itself, with --sensors units: no other kinds, boards, faults or values"
        )
    if options.sensors > meters.MOST:
        parser.error(f"--sensors: a Modbus line has at most {meters.MOST} units")
    _end_with_parent()
    signals = _Signals()
    end = time.monotonic() + options.seconds if options.seconds else math.inf
    try:
        meters.serve(
            options.sensors,
            baud=options.baud,
            seed=options.seed,
            link=None if options.links is None else options.links / "modbus-1",
            as_json=options.json,
            over=lambda: signals.count > 0 or time.monotonic() >= end,
        )
    except OSError as error:
        print(f"The line cannot run: {error.filename or 'a pseudo-terminal'}: {error.strerror}.", file=sys.stderr)
        return 1
    return 0


def _run(boards: list[Board], options: argparse.Namespace, signals: "_Signals") -> int:
    clock = _Clock(boards, options.fault)
    patience = time.monotonic() + options.wait if options.seconds > 0 else math.inf

    def over() -> bool:
        now = time.monotonic()
        late = not clock.runs(now) and now > patience
        past = options.seconds > 0 and now - clock.zero >= options.seconds
        return late or past or signals.count > 0 or all(board.done for board in boards)

    serve(boards, over)
    ended = time.monotonic()
    for board in boards:
        board.stop()

    def enough() -> bool:
        return time.monotonic() > ended + options.linger or signals.count > 1

    serve(boards, lambda: all(board.done for board in boards) or enough())
    _say_what(boards, max(ended - clock.zero, 0.0), options.json)
    serve(boards, lambda: not any(board.has_reader for board in boards) or enough())
    alone = [f"{board.name} at {board.path}" for board in boards if not board.had_reader]
    if alone and ended > patience:
        print(f"Nobody opened {', '.join(alone)} and chose a rate within {options.wait:g} s.", file=sys.stderr)
        return 1
    return 0


class _Clock:
    """The time since every board had a reader, and the faults that come by it."""

    def __init__(self, boards: list[Board], faults: list[Fault]) -> None:
        self.zero = math.inf
        self._boards, self._faults = boards, sorted(faults)

    def runs(self, now: float) -> bool:
        """Whether it has begun; begins it when it can, and makes the faults that are due happen."""
        if self.zero == math.inf and all(board.had_reader for board in self._boards):
            self.zero = now
        while self._faults and now >= self.zero + self._faults[0].at:
            fault = self._faults.pop(0)
            for board in self._boards:
                if fault.board in ("", board.name):
                    board.fault(fault.name, fault.arg)
        return self.zero < math.inf


class _Signals:
    """How often a signal has said that it is time to end."""

    def __init__(self) -> None:
        self.count = 0
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._take)

    def _take(self, number: int, frame: object) -> None:
        self.count += 1


def _board(name: str, kind: str, options: argparse.Namespace, texts: list[str] | None, log: IO[str] | None) -> Board:
    return Board(
        kind,
        name=name,
        sensors=options.sensors,
        rate=options.rate,
        baud=options.baud,
        pace=options.pace,
        boot=options.boot,
        seed=options.seed,
        values=texts,
        most=options.lines,
        link=None if options.links is None else options.links / name,
        log=log,
    )


def _say_where(boards: list[Board], as_json: bool) -> None:
    if as_json:
        keys = ("name", "kind", "port", "baud", "sensors")
        rows = [dict(zip(keys, (b.name, b.kind, b.path, b.baud, b.sensors), strict=True)) for b in boards]
        print(json.dumps({"boards": rows}), flush=True)
    else:
        for board in boards:
            print(f"{board.name:<16} {board.kind:<12} {board.path}", flush=True)


def _say_what(boards: list[Board], seconds: float, as_json: bool) -> None:
    if as_json:
        written = {board.name: board.written.document() for board in boards}
        total = {
            key: sum(getattr(board.written, key) for board in boards)
            for key in ("lines", "readings", "dropped", "damaged", "repeated", "bytes")
        }
        print(json.dumps({"seconds": round(seconds, 3), **total, "boards": written}), flush=True)
    else:
        for board in boards:
            told = board.written
            each = " ".join(f"{name}:{count}" for name, count in told.sensors.items())
            print(f"{board.name:<16} lines {told.lines}, readings {told.readings}, dropped {told.dropped}  {each}")


def _end_with_parent() -> None:
    """SIGTERM when the thread that started this process is gone, so that no board outlives its test."""
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit(0)


def _whole(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _positive(text: str) -> float:
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number above 0")
    return number


def _from_zero(text: str) -> float:
    return 0.0 if float(text) == 0 else _positive(text)


def _fault(text: str) -> Fault:
    try:
        return parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


if __name__ == "__main__":
    sys.exit(main())
