"""Several units on one line, asked in turn on a real pseudo-terminal: each has its own answers, faults and silence."""

import pytest

from simulators.modbus import Unit, modbus_line
from tests.asked_rig import open_ports, reading, unit
from tests.readers import until


async def test_units_on_one_line():
    """Several units share a line, each a board of its own, with an adapter that echoes."""
    units = {number: Unit(input={1: 200 + number}) for number in (1, 2, 3)}
    with modbus_line(units, echo=True, pieces=3) as line:
        async with reading(*(unit(line.path, number, timeout=2.0) for number in units)) as rig:
            for number in units:
                await rig.more(f"unit {number}")
                assert set(rig.values(f"unit {number}")) == {20 + number / 10}
                assert not rig.account(f"unit {number}").refused


@pytest.mark.slow
@pytest.mark.parametrize(
    ("field", "value", "why", "reason"),
    [
        ("dead", True, "timeout", "unit 2 does not answer"),
        ("late", 0.55, "timeout", "unit 2 does not answer"),
        ("exception", 2, "exception", "unit 2 refuses input register 1 with exception 2"),
        ("damaged", True, "bad_checksum", None),
        ("named", 9, "wrong_answer", "unit 2 does not answer"),
    ],
)
async def test_a_units_fault_stays_its_own(field, value, why, reason):
    """A unit that is dead, late, refusing, damaged or another's is refused with its reason, and the others go on."""
    units = {number: Unit(input={1: 200 + number}) for number in (1, 2, 3)}
    with modbus_line(units) as line:
        async with reading(*(unit(line.path, number) for number in units)) as rig:
            await rig.more("unit 2")
            usual = getattr(units[2], field)
            setattr(units[2], field, value)
            await until(lambda: rig.account("unit 2").refused[why] >= 3, within=20)
            if reason:
                await until(lambda: reason in (rig.seen("unit 2").reason or ""), within=10)
            good = len(rig.values("unit 1"))
            await rig.more("unit 1", 20)
            await rig.more("unit 3", 5)
            assert good
            assert rig.seen("unit 1").reason is None
            setattr(units[2], field, usual)
            await rig.more("unit 2", within=35)
            assert rig.seen("unit 2").reason is None
            assert set(rig.values("unit 2")) == {20.2}
            for other in ("unit 1", "unit 3"):
                assert rig.account(other).refused["timeout"] <= rig.account(other).decoded / 10


@pytest.mark.slow
async def test_a_silent_unit_beside_others():
    """A unit is silent by itself, while its line is read and the others are online."""
    units = {1: Unit(input={1: 201}), 2: Unit(input={1: 202}, dead=True)}
    with modbus_line(units) as line:
        async with reading(*(unit(line.path, number, silent=0.5) for number in units)) as rig:
            await until(lambda: rig.seen("unit 2").state == "silent", within=5)
            assert rig.account("unit 2").silences == 1
            assert rig.seen("unit 1").state == "online"
            units[2].dead = False
            await until(lambda: rig.seen("unit 2").state == "online", within=10)
            assert rig.seen("unit 2").reason is None


@pytest.mark.slow
async def test_units_come_and_go():
    """A unit is added to a line and taken from it while the others are read; with the last one the port is closed."""
    units = {number: Unit(input={1: 200 + number}) for number in (1, 2)}
    with modbus_line(units) as line:
        async with reading(unit(line.path, 1)) as rig:
            await rig.more("unit 1")
            assert await rig.boards.add(unit(line.path, 2), rig.parts) == []
            await rig.more("unit 2")
            await rig.more("unit 1")
            assert rig.account("unit 1").reopened == 0
            await rig.boards.drop("unit 1", rig.parts)
            await rig.more("unit 2", 10)
            number = len(line.asked)
            await rig.more("unit 2")
            assert {question[0] for question in line.questions[number:]} == {2}
            await rig.boards.drop("unit 2", rig.parts)
            await until(lambda: open_ports(line.path) == 0)
            assert rig.boards.readers == {}
