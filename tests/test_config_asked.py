"""Boards that are asked, as the configuration has them: what is read of their keys, and each sentence about them."""

import json
from pathlib import Path

import pytest

from gateway.asks import Ask, Modbus, Register
from gateway.config import Config, load, problems, warnings
from gateway.config.plan import lines, plan
from gateway.ingest.asking.wanted import unread
from tests.tables import the_one

TANK = '[[boards]]\nname = "tank"\nport = "/dev/ttyX0"\nformat = "plain"\n'
HALL = '[[boards]]\nname = "hall"\nport = "/dev/ttyX0"\nformat = "modbus"\nunit_id = 1\n'
ONE = 'registers = [{ name = "t", at = 1 }]\n'


def configured(text: str, folder: Path) -> Config:
    file = folder / "gateway.toml"
    file.write_text(text)
    return load(file)


@pytest.mark.parametrize(
    ("text", "ask"),
    [
        (r'{ question = "R\r" }', Ask(questions=(b"R\r",))),
        (r'{ start = "C,0\r", question = ["R\r", "T\r"], every = "0s", timeout = "250ms" }',
         Ask((b"C,0\r",), (b"R\r", b"T\r"), 0.0, 0.25)),
        (r'{ question = "\u0002K\u00ff", size = 45 }', Ask(questions=(b"\x02K\xff",), size=45)),
        ('{ question = "hex:01 04 0d", end = "hex:03" }', Ask(questions=(b"\x01\x04\r",), end=b"\x03")),
        (r'{ start = ["POLL 1000\r\n"] }', Ask(start=(b"POLL 1000\r\n",))),
    ],
)  # fmt: skip
def test_ask(text, ask, tmp_path):
    """Texts are bytes with TOML's escapes, or hex; the rest has its defaults."""
    (board,) = configured(f"{TANK}ask = {text}\n", tmp_path).boards
    assert board.ask == ask
    assert board.asked


def test_units(tmp_path):
    """Each unit is a board, called after its table and itself, with the table's registers or its own."""
    text = (
        '[[boards]]\nname = "bus"\nport = "/dev/ttyX0"\nformat = "modbus"\nevery = "5s"\nrange = [0, 50]\n'
        'units = [{ id = 1, name = "hall" }, { id = 2, name = "attic", registers = [{ name = "x", at = 7, '
        'kind = "input", type = "uint32", words = "little", factor = 0.1, offset = -1, unit = "K", '
        "none = [0x8000] }] }]\n"
    )
    config = configured(text + ONE, tmp_path)
    assert [board.name for board in config.boards] == ["bus-hall", "bus-attic"]
    assert config.boards[0].modbus == Modbus(1, (Register("t", 1),), 5.0, 1.0)
    (own,) = config.boards[1].modbus.registers
    assert own == Register("x", 7, "input", "u32", "little", 0.1, -1.0, "K", (32768.0,))
    assert set(config.of_boards) == {"bus-hall", "bus-attic"}
    assert [board.name for board in configured(text.replace('name = "bus"\n', "") + ONE, tmp_path).boards] == [
        "hall",
        "attic",
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (TANK + 'ask = "R"', 'boards[0].ask: a table such as { question = "R\\r", every = "1s" } was expected'),
        (TANK + 'ask = { every = "1s" }', "boards[0].ask: there is nothing to send in it; give a question, or a start"),
        (TANK + 'ask = { start = "a", every = "1s" }', "every goes with a question, and there is none"),
        (TANK + 'ask = { qestion = "a", start = "b" }', "boards[0].ask.qestion: no such key; did you mean 'question'?"),
        (
            TANK + 'ask = { question = "T→" }',
            'boards[0].ask.question: "→" is more than one byte; write its bytes in hex',
        ),
        (TANK + 'ask = { question = "hex:4" }', 'bytes in hex such as "hex:4B 0D" was expected; found "hex:4"'),
        (TANK + 'ask = { question = "" }', "1 to 256 bytes were expected"),
        (TANK + 'ask = { question = ["a", 1] }', "boards[0].ask.question[1]: text in quotes"),
        (TANK + 'ask = { question = "a", end = "b", size = 3 }', "an answer ends with `end` or has `size` bytes"),
        (TANK + 'ask = { question = "a", timeout = "0s" }', "boards[0].ask.timeout: a duration from"),
        (
            TANK.replace("plain", "block") + 'start = "T"\nask = { question = "a" }',
            "boards[0].end: is missing; a block",
        ),
        (TANK.replace("/dev/ttyX0", "auto") + 'ask = { question = "a" }', 'each port that "auto" finds; name the port'),
        (TANK + "unit_id = 3", 'boards[0].unit_id: format = "plain" does not take it; set format = "modbus"'),
        (HALL.replace("unit_id = 1\n", "") + ONE, "boards[0].unit_id: is missing"),
        (HALL, 'boards[0].registers: is missing; format = "modbus" needs the values of a unit'),
        (HALL + ONE + 'units = [{ id = 2, name = "x" }]', "boards[0].units: unit_id is there as well"),
        (HALL + ONE + 'ask = { question = "a" }', 'boards[0].ask: format = "modbus" makes its questions itself'),
        (HALL + ONE + 'columns = ["a"]', 'boards[0].columns: format = "modbus" takes names from registers'),
        (HALL + ONE + 'fields = [{ name = "a" }]', 'boards[0].fields: format = "modbus" takes names from registers'),
        (HALL.replace("= 1\n", "= 0\n") + ONE, "boards[0].unit_id: a whole number from 1 to 247 was expected; found 0"),
        (HALL + 'registers = [{ name = "t" }]', "boards[0].registers[0].at: is missing; its number, from 0, is needed"),
        (HALL + 'registers = [{ name = "t", at = 1, kind = "coil" }]', 'registers[0].kind: "holding" or "input" was'),
        (HALL + 'registers = [{ name = "t", at = 65535, type = "f32" }]', "register 65535 is the last one"),
        (HALL + 'registers = [{ name = "t", at = 1 }, { name = "t", at = 2 }]', 'the name "t" stands there twice'),
        (TANK.replace('"tank"', '""') + 'ask = { question = "a" }', "boards[0].name: is missing"),
    ],
)
def test_one_sentence(text, sentence):
    """Each mistake is one sentence: where, what was expected, what was found."""
    assert sentence in the_one(text)


def test_one_port_has_one_setting():
    """Boards that are asked may share a port; who sets it otherwise, or speaks by itself, may not."""
    second = TANK.replace("tank", "second") + 'ask = { question = "b" }\n'
    first = TANK + 'ask = { question = "a" }\n'
    assert problems(first + second) == []
    assert problems(first + HALL + ONE) == []
    assert the_one(first + second + "baud = 9600\n") == (
        'boards[1].baud: 9600 here and 115200 in boards[0], and both are on the one port "/dev/ttyX0"; '
        "give both the same"
    )
    assert "boards[1].dtr: false here and none in boards[0]" in the_one(first + second + "dtr = false\n")
    assert "one port is read by one board" in the_one(first + TANK.replace("tank", "third"))
    alone = TANK.replace("tank", "third") + 'ask = { start = "POLL" }\n'
    assert "one port is read by one board" in the_one(first + alone)
    assert "one port is read by one board" in the_one(alone + first)


def test_one_line_has_each_unit_once():
    """Two boards cannot be one unit of one line, in whichever tables they are."""
    other = HALL.replace("hall", "other") + ONE
    assert "boards[1].unit_id: the unit 1 on" in the_one(HALL + ONE + other)
    assert problems(HALL + ONE + other.replace("ttyX0", "ttyX1")) == []
    units = HALL.replace("unit_id = 1\n", 'units = [{ id = 2, name = "a" }, { id = 2, name = "b" }]\n') + ONE
    assert any('"a" and "b" both have the id 2' in text for text in problems(units))
    named = HALL.replace("unit_id = 1\n", 'units = [{ id = 2, name = "a" }, { id = 3, name = "a" }]\n') + ONE
    assert "boards[0].units[1].name" in the_one(named)


def test_the_plan_says_who_is_asked(tmp_path):
    """`check` says to whom something is written, at which pace; and which registers are not read."""
    told = HALL + 'registers = [{ name = "t", at = 1 }, { name = "humidity", at = 2 }]\n'
    config = configured(TANK + 'ask = { question = "a", every = "0s" }\n' + told.replace("ttyX0", "ttyX1"), tmp_path)
    text = "\n".join(lines(plan(config)))
    assert "format plain; asked as fast as it answers" in text
    assert "format modbus, unit 1; asked every 1s" in text
    assert json.loads(json.dumps(plan(config)))["boards"][1]["asked"] == {"unit_id": 1, "every_s": 1.0}
    said = [one for one in warnings(config, unread=unread) if "registers" in one]
    assert said == [
        'boards[1].registers: "humidity" of "hall" is no temperature, and is not read; also = ["humidity"] takes it in'
    ]
