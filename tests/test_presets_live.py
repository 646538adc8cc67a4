"""Each preset on a live port: a board that sends its sample at its own baud rate, `gateway run`, and a judge."""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from gateway.config import board_of, preset, presets, toml
from gateway.config.presets import NONE
from simulators import Board
from simulators.answering import Answering

from .brokers import Mosquitto
from .street import Judge, configuration, running, until

KNOWN = {name: preset(name, NONE) for name in sorted(presets(NONE)[0])}


def sent(name: str) -> Iterator[bytes]:
    """What a board sends: the end of a line that nobody has seen the start of, and its sample, again and again."""
    data = next(sample.data for sample in KNOWN[name].samples if sample.readings)
    end = data[-2:] if data.endswith(b"\r\n") else data[-1:]
    return itertools.chain([b"half a line" + end], itertools.repeat(data))


def board(name: str) -> Board | Answering:
    """A board that says its sample at its own baud rate; or when it is asked what the sample answers."""
    known, made = KNOWN[name], board_of(KNOWN[name])
    answers = {sample.asked: sample.data for sample in reversed(known.samples) if sample.asked and sample.readings}
    if not answers:
        return Board(lines=sent(name), baud=made.port.baud, rate=2.0)
    told = [*answers, *(made.ask.start if made.ask else ())]

    def cut(written: bytes) -> tuple[bytes, bytes]:
        found = next((each for each in told if written.startswith(each)), b"")
        return found, written[len(found) :]

    return Answering(lambda question: answers.get(question, b""), cut=cut)


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    """All boards at one gateway."""
    folder = tmp_path_factory.mktemp("presets")
    broker = Mosquitto(folder)
    broker.start()
    judge = Judge(broker.port)
    with ExitStack() as stack:
        stack.callback(broker.kill)
        stack.callback(judge.close)
        ports = {name: stack.enter_context(board(name)).path for name in KNOWN}
        tables = "".join(
            f"[[boards]]\nname = {toml(name)}\nport = {toml(path)}\npreset = {toml(name)}\n"
            for name, path in ports.items()
        )
        gateway = stack.enter_context(running(folder, configuration(broker.port, {}, tables)))
        yield judge
        assert gateway.stop() == 0


@pytest.mark.slow
@pytest.mark.parametrize("name", KNOWN)
def test_live(judge: Judge, name: str) -> None:
    """Its readings arrive as its sample says: sensors, values, units, and none of them out of its sensor's range."""
    expected = next(sample.readings for sample in KNOWN[name].samples if sample.readings)
    values = {(sensor, value, unit) for sensor, value, unit, _ in expected}
    wanted = {sensor for sensor, *_ in expected}
    until(lambda: all(len(judge.of(name, sensor)) > 1 for sensor in wanted), f"readings of {name}", 30)
    rows = [row for row in judge.features if row["board"] == name]
    assert {row["sensor"] for row in rows} == wanted
    assert {(row["sensor"], row["value"], row["unit"]) for row in rows} <= values
    assert not [row for row in rows if row["quality"] == "out_of_range"]
