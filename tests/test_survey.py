"""Asking a port of which nobody knows: in which order, what is found, and what is made of it. No port."""

import asyncio
import struct

import pytest

from gateway.commands.catalogue import candidates
from gateway.config.presets import NONE
from gateway.ingest.asking.survey import RATES, Answered, survey
from simulators.modbus import Unit, answer

KNOWN, _ = candidates(NONE)
METER = Unit(input={1: 305, 2: 546})  # an XY-MD02


class FakeLine:
    """A line with Modbus units, or a board of text, at one setting; what it was asked, and where."""

    def __init__(self, units=None, at=(9600, "8N1"), texts=None, most=10_000, has_rate=True, refused=()):
        self.units, self.at, self.texts, self.refused = units or {}, at, texts or {}, refused
        self.has_rate, self.left = has_rate, most
        self.setting, self.tried, self.asked, self.waited = ("", ""), [], [], 0.0

    @property
    def over(self):
        return self.left <= 0

    async def tune(self, baud, serial):
        if (baud, serial) in self.refused:
            return False
        self.setting = self.at if not self.has_rate else (baud, serial)
        self.tried.append((baud, serial))
        return True

    async def ask(self, data, whole, wait):
        self.left -= 1
        self.asked.append(data)
        said = b""
        if self.setting == self.at:
            said = answer(self.units, data) if len(data) == 8 else b""
            said = said or self.texts.get(data.lstrip(b"\r\n"), b"")
        self.waited += 0.03 if whole and said and whole.find(said) else wait
        return said

    def say(self, text):
        pass


def surveyed(line, units=8, rates=()) -> Answered | None:
    return asyncio.run(survey(line, KNOWN, units, rates))


@pytest.mark.parametrize("serial", ["8N1", "8E1"])
@pytest.mark.parametrize("baud", [9600, 19_200, 4800, 38_400, 115_200])
def test_unit_1_is_found_at_each_usual_setting_in_seconds(baud, serial):
    """Rate and parity are found in 7 s of waiting at most; with the listening before it that is under 10 s."""
    line = FakeLine({1: METER}, (baud, serial))
    found = surveyed(line)
    assert found and (found.baud, found.serial, [unit.unit for unit in found.units]) == (baud, serial, [1])
    assert line.waited < 7


def test_the_likeliest_setting_comes_first():
    """9600 before the other rates, and 8N1 before 8E1 at each; a setting that the port does not take is passed over."""
    line = FakeLine(refused=[(19_200, "8E1")])
    assert surveyed(line, units=1, rates=()) is None
    assert line.tried[:5] == [(9600, "8N1"), (9600, "8E1"), (19_200, "8N1"), (4800, "8N1"), (4800, "8E1")]
    assert {baud for baud, _ in line.tried} >= set(RATES)


def test_all_units_of_a_line_are_found():
    """Units beyond 1 are found when 1 is not there, and those beyond the highest one asked for are not."""
    found = surveyed(FakeLine({3: METER, 5: METER, 9: METER}))
    assert found and [(unit.unit, unit.preset) for unit in found.units] == [(3, "xy-md02"), (5, "xy-md02")]
    found = surveyed(FakeLine({9: METER}), units=9)
    assert found and [unit.unit for unit in found.units] == [9]


def test_a_rate_that_is_given_is_the_only_one():
    """With a rate given, nothing is asked at another."""
    line = FakeLine({1: METER}, (9600, "8N1"))
    assert surveyed(line, rates=[19_200]) is None
    assert {baud for baud, _ in line.tried} == {19_200}


def test_a_serial_server_is_asked_once_a_round():
    """Where no rate can be set, no question is asked twice for the sake of rates."""
    line = FakeLine(has_rate=False)
    assert surveyed(line, units=2) is None
    assert len([data for data in line.asked if data[:1] == b"\x02"]) == 2
    assert surveyed(FakeLine({1: METER}, has_rate=False))


def test_it_ends_when_the_time_is_up():
    """No question more than there is time for, but for those of what was found."""
    line = FakeLine(most=5)
    assert surveyed(line) is None
    assert len(line.asked) <= 6


def test_presets_are_told_by_what_answers():
    """An R4DCB08 with some of its probes; a unit whose numbers no sensor of theirs gives is none."""
    probes = dict.fromkeys(range(8), 32768) | {0: 219, 1: 0xFF90, 2: 100}
    found = surveyed(FakeLine({1: Unit(holding=probes)}))
    assert found and found.units[0].preset == "r4dcb08"
    assert [(one.sensor, one.value) for one in found.units[0].samples] == [("ch1", 21.9), ("ch2", -11.2), ("ch3", 10.0)]
    settings = dict(enumerate([1, 3, 0, 0, 2, 1, 0, 0]))
    found = surveyed(FakeLine({1: Unit(holding=settings)}))
    assert found and (found.units[0].preset, found.units[0].registers) == ("", ())


def floats(*values, turned=False):
    words = [struct.unpack(">HH", struct.pack(">f", value)) for value in values]
    return [word for pair in words for word in (pair[::-1] if turned else pair)]


@pytest.mark.parametrize(
    ("registers", "guesses"),
    [
        ({0: 215, 1: 0xFF38, 2: 1, 3: 0}, [("i16", "big", 0, 21.5), ("i16", "big", 1, -20.0)]),
        (dict(enumerate(floats(21.6, -5.25))), [("f32", "big", 0, 21.6), ("f32", "big", 2, -5.25)]),
        (dict(enumerate(floats(21.6, 99.9, turned=True))), [("f32", "little", 0, 21.6), ("f32", "little", 2, 99.9)]),
        (dict(enumerate([0, 7, 2150, 30_000])), [("i16", "big", 2, 21.5)]),
        ({}, []),
    ],
)  # fmt: skip
def test_registers_that_could_be_temperatures(registers, guesses):
    """Tenths, hundredths, and floats in both word orders are told from states, and with what they would be."""
    found = surveyed(FakeLine({1: Unit(input=registers)}))
    unit = found.units[0]
    each = zip(unit.registers, unit.samples, strict=True)
    told = [(register.type, register.words, register.at, round(one.value, 4)) for register, one in each]
    assert told == guesses
    assert unit.raw == {("input", at): word for at, word in registers.items()}


def test_floats_that_are_given_by_pairs_alone():
    """A unit that refuses half a number is asked for both halves."""

    class Paired(FakeLine):
        async def ask(self, data, whole, wait):
            single = data[:2] == b"\x01\x04" and data[5] == 1
            self.units = {1: Unit(input={} if single else dict(enumerate(floats(21.6, 30.5))))}
            return await super().ask(data, whole, wait)

    found = surveyed(Paired())
    assert [(each.at, each.type) for each in found.units[0].registers] == [(0, "f32"), (2, "f32")]


def test_many_registers_are_read_at_once_behind_the_first():
    """A unit with a long row of them is not asked for each."""
    line = FakeLine({1: Unit(holding={at: 200 + at for at in range(32)} | {7: 5000})})
    found = surveyed(line)
    assert len(found.units[0].registers) == 31
    assert len(line.asked) < 60


def test_a_board_that_is_asked_by_text():
    """An EZO-RTD and a printer are known by their answers, the printer at a rate that is not its preset's; a number
    that anybody could have said, beside words, is neither.
    """
    found = surveyed(FakeLine(at=(9600, "8N1"), texts={b"R\r": b"25.104\r*OK\r", b"C,0\r": b"*OK\r"}))
    assert found.attempt.candidate.preset == "ezo-rtd-ask"
    assert [one.value for one in found.attempt.samples] == [25.104] * 3
    found = surveyed(FakeLine(at=(250_000, "8N1"), texts={b"M105\n": b"ok T:21.2 /0.0 B:20.0 /0.0 @:0 B@:0\n"}))
    assert (found.attempt.candidate.preset, found.baud) == ("marlin-ask", 250_000)
    assert surveyed(FakeLine(texts={b"R\r": b"Error: unknown command 12.0\r\n"}), units=1) is None


STARTS = {start for one in KNOWN if one.board.ask for start in one.board.ask.start}


def test_what_may_change_a_board_is_sent_last():
    """No preset's `start` is sent before every question of those without one was in vain, at each rate."""
    line = FakeLine()
    assert STARTS and surveyed(line) is None
    own = [data.lstrip(b"\r\n") for data in line.asked]
    first = min(own.index(start) for start in STARTS)
    only_asked = {
        text for one in KNOWN if one.board.ask and not one.board.ask.start for text in one.board.ask.questions
    }
    assert only_asked <= set(own[:first]) and only_asked.isdisjoint(own[first:])
    line = FakeLine(at=(38_400, "8N1"), texts={b"M105\n": b"ok T:21.2 /0.0 B:20.0 /0.0 @:0 B@:0\n"})
    assert surveyed(line) and STARTS.isdisjoint(data.lstrip(b"\r\n") for data in line.asked)


def test_a_board_with_a_start_is_found_in_the_usual_time():
    """Though it is asked last, an EZO-RTD at its own rate is found in 40 s of the 60 that `--ask` takes."""
    line = FakeLine(at=(9600, "8N1"), texts={b"R\r": b"25.104\r*OK\r", b"C,0\r": b"*OK\r"})
    assert surveyed(line) and line.waited < 40


def test_garbage_is_no_answer():
    """A line that says something else to each question has nothing on it that is known."""

    class Noisy(FakeLine):
        async def ask(self, data, whole, wait):
            await super().ask(data, whole, wait)
            return bytes(range(256))[: len(self.asked) % 50]

    assert surveyed(Noisy(), units=2) is None
