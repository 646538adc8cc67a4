"""What can be wrong with a binary board's keys is told in one sentence each, with its place inside of the value."""

import importlib.util

import pytest

from gateway.config import problems
from tests.tables import BENCH, the_one

CRC16 = 'crc = "CRC-16/MODBUS"\n'
ONE = 'fields = [{ name = "T1", at = 0, type = "i16" }]\n'
FIXED = 'framing = "fixed"\nsize = 8\n'


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (CRC16 + ONE, 'boards[0].framing: is missing; format = "struct" needs it'),
        ('framing = "slp"\n' + ONE, "found \"slp\"; did you mean 'slip'?"),
        ("framing = 1\n" + ONE, '"hdlc" or "hex", or a table such as { start = 0x40, stop = 0x0d }, was expected'),
        ("framing = { start = 1 }\n" + ONE, "boards[0].framing.stop: is missing; the byte that ends a frame is needed"),
        ("framing = { stop = 256 }\n" + ONE, "boards[0].framing.stop: a whole number from 0 to 255 was expected"),
        ("framing = { stop = 1, escap = 2 }\n" + ONE, "boards[0].framing.escap: no such key; did you mean 'escape'?"),
        ("framing = { stop = 1, xor = 2 }\n" + ONE, "boards[0].framing: xor is for the byte behind an escape"),
        ("framing = { stop = 1, escape = 1 }\n" + ONE, "0x01 cannot be the escape and an end of the frame as well"),
        ("framing = { stop = 1 }\nsize = { at = 1 }\n" + ONE, "boards[0].size: this framing takes a number"),
        ('framing = "slip"', "boards[0].fields: is missing"),
        ('framing = "slip"\ncolumns = ["a"]\n' + ONE, 'boards[0].columns: format = "struct" takes names from fields'),
        ('framing = "fixed"\n' + CRC16 + ONE, "boards[0].size: a number of bytes is needed"),
        ('framing = "fixed"\nsize = { at = 1 }\n' + CRC16 + ONE, "boards[0].size: a number of bytes is needed"),
        (
            'framing = "length"\nsize = 8\n' + CRC16 + ONE,
            "boards[0].size: a table such as { at = 1, add = 4 } is needed",
        ),
        ('framing = "slip"\nsize = { at = 1 }\n' + ONE, 'boards[0].size: framing = "slip" takes a number'),
        (FIXED + ONE, "boards[0].framing: a frame is found by bytes that never change or by its checksum"),
        (FIXED + ONE, 'or ask, where it answers a question: ask = { question = "…", size = … }'),
        (FIXED + ONE + 'ask = { start = "A" }', "boards[0].framing: a frame is found by bytes that never change"),
        (
            'framing = "length"\nsize = { at = 0 }\n' + ONE + 'ask = { question = "A", size = 8 }',
            "boards[0].framing: a frame is found by bytes that never change or by its checksum; give magic or crc",
        ),
        (FIXED + ONE + 'ask = { question = "A" }', "give ask the size = 8 of the frame, or give magic or crc"),
        (FIXED + ONE + 'ask = { question = "A", size = 7 }', "boards[0].ask.size: without magic and crc, nothing but"),
        ('framing = "stx-etx"\nmagic = "aa"\n' + ONE, 'boards[0].magic: framing = "stx-etx" has the bytes 02 and 03'),
        ('framing = "fixed"\nsize = 5000\n' + CRC16 + ONE, 'are more than max_line, 4000; set max_line = "5000B"'),
        ("size = 0\n" + ONE + 'framing = "slip"', "boards[0].size: a whole number from 1 to 65535, or a table"),
        (
            'framing = "length"\nsize = { at = 1, tpye = "u8" }\n' + CRC16 + ONE,
            "boards[0].size.tpye: no such key; did you mean 'type'?",
        ),
        (
            'framing = "length"\nsize = { add = 1 }\n' + CRC16 + ONE,
            "boards[0].size.at: is missing; the place of the length is needed",
        ),
        (FIXED + 'magic = "5"\n' + ONE, "boards[0].magic: 1 to 64 bytes in hex"),
        (
            FIXED + 'magic = { at = 7, bytes = "aa 55" }\n' + ONE,
            "boards[0].magic: takes bytes 7 to 8, and a frame has 8",
        ),
        (FIXED + 'crc = "CRC-16/MODBUSS"\n' + ONE, "found \"CRC-16/MODBUSS\"; did you mean 'CRC-16/MODBUS'?"),
        (FIXED + 'crc = "md5"\n' + ONE, 'boards[0].crc: the name of a checksum was expected; found "md5"'),
        (FIXED + 'crc = { name = "crc16/modbus" }\n' + ONE, "boards[0].crc.name: the name of a checksum was expected"),
        (FIXED + 'crc = "bcc"\n' + ONE, 'found "bcc"; what is called so may be "XOR-8"'),
        (FIXED + 'crc = "Two\'s complement"\n' + ONE, 'what is called so may be { name = "SUM-8", negated = true }'),
        (
            FIXED + 'crc = { name = "CRC-8", init = 1 }\n' + ONE,
            'boards[0].crc.init: "CRC-8" has its own; take init out, it is for "SUM-8", "SUM-16" or "XOR-8"',
        ),
        (
            FIXED + 'crc = { name = "XOR-8", negated = true }\n' + ONE,
            'boards[0].crc.negated: is for "SUM-8" or "SUM-16", which add; take it out',
        ),
        (FIXED + 'crc = { name = "SUM-8", negated = 1 }\n' + ONE, "boards[0].crc.negated: true or false was expected"),
        (
            FIXED + 'crc = { name = "SUM-8", xorout = 0xffff }\n' + ONE,
            'boards[0].crc.xorout: 0xffff has more than the 8 bits of "SUM-8"',
        ),
        (FIXED + 'crc = { name = "SUM-8", xor_out = 1 }\n' + ONE, "no such key; did you mean 'xorout'?"),
        (
            FIXED + 'crc = { name = "CRC-8", at = 8 }\n' + ONE,
            "boards[0].crc.at: 1 bytes at 8 are not inside of a frame of 8",
        ),
        (FIXED + 'crc = { name = "CRC-16", at = -1 }\n' + ONE, "boards[0].crc: at = -1 leaves no room for its 2 bytes"),
        (
            FIXED + 'crc = { name = "CRC-8", over = [0, 8] }\n' + ONE,
            "boards[0].crc.over: [0, 8] has the checksum's own bytes in it",
        ),
        (
            'framing = "cobs"\ncrc = { name = "CRC-16", over = [0, -1] }\n' + ONE,
            "[0, -1] has the checksum's own bytes in it; end it at -2",
        ),
        (
            FIXED + 'crc = { name = "CRC-8", over = [5, 5] }\n' + ONE,
            "boards[0].crc.over: [5, 5] is no part of a frame of 8 bytes",
        ),
        (
            FIXED + 'crc = { name = "CRC-8", over = [1] }\n' + ONE,
            "boards[0].crc.over: two places, [first, behind the last]",
        ),
        (FIXED + CRC16 + ONE + 'endian = "middle"', 'boards[0].endian: "little" or "big" was expected'),
        (FIXED + CRC16 + "fields = [1]", "boards[0].fields[0]: a table such as"),
        (FIXED + CRC16 + "fields = 1", "boards[0].fields: a list of at most 1000 tables"),
        (FIXED + CRC16 + ONE.replace("i16", "int16"), 'boards[0].fields[0].type: "u8", "i8", "u16"'),
        (
            FIXED + CRC16 + ONE.replace("at = 0", "at = 7"),
            'fields[0].at: "T1" takes bytes 7 to 8; a frame of 8 has 0 to 7',
        ),
        (FIXED + CRC16 + ONE.replace("at = 0", "at = 5"), 'fields[0].at: "T1" lies on the checksum, bytes 6 to 7'),
        (FIXED + CRC16 + ONE.replace("at = 0", "at = 0, repeat = 4"), 'fields[0].at: "T1" lies on the checksum'),
        (
            FIXED + CRC16 + ONE.replace("at = 0", "at = 0, factor = 0"),
            "fields[0].factor: a number other than 0 was expected",
        ),
        (FIXED + CRC16 + ONE.replace("at = 0", "at = 0, none = 1"), "fields[0].none: a list of at most 100 numbers"),
        (FIXED + CRC16 + ONE.replace("at = 0", "at = 0, when = 1"), "fields[0].when: a table such as"),
        (
            FIXED + CRC16 + ONE.replace("at = 0", "at = 0, when = { at = 8 }"),
            "fields[0].when[0].at: a frame of 8 bytes has 0 to 7",
        ),
        (FIXED + CRC16 + ONE.replace("at = 0", "at = 0, when = { at = 1, mask = 1, equals = 2 }"), "so it never holds"),
        (
            FIXED + CRC16 + ONE.replace("at = 0", 'at = 0, unit = "degrees per second"'),
            "a unit of at most 16 characters",
        ),
        (FIXED + CRC16 + ONE.replace('"i16"', '"bcdd"'), "did you mean 'bcd'?"),
        (
            FIXED + CRC16 + ONE.replace('"i16"', '"bcd"'),
            'boards[0].fields[0].length: is missing; type = "bcd" needs its number of bytes',
        ),
        (
            FIXED + CRC16 + ONE.replace('"i16"', '"dec", repeat = 2'),
            "boards[0].fields[0].length: is missing; numbers that repeat need their number of bytes",
        ),
        (
            FIXED + CRC16 + ONE.replace('"i16"', '"i16", length = 2'),
            'boards[0].fields[0].length: type = "i16" has 2 bytes always; take length out',
        ),
        (
            FIXED + CRC16 + ONE.replace('"i16"', '"dec", length = 17'),
            "boards[0].fields[0].length: a whole number from 1 to 16 was expected",
        ),
        (
            FIXED + CRC16 + ONE.replace('"i16"', '"dec", length = 7'),
            'fields[0].at: "T1" lies on the checksum, bytes 6 to 7',
        ),
        (
            FIXED + CRC16 + ONE.replace('"i16"', '"hex", length = 4, endian = "big"'),
            'boards[0].fields[0].endian: type = "hex" is read from left to right; take endian out',
        ),
        (
            FIXED + CRC16 + ONE.replace('"i16"', '"i16", words = "little"'),
            'boards[0].fields[0].words: type = "i16" is not of several words; take words out',
        ),
        (
            FIXED + CRC16 + ONE.replace('"i16"', '"i16", bits = [4, 16]'),
            'type = "i16" has the bits 0 to 15; found [4, 16]',
        ),
        (FIXED + CRC16 + ONE.replace('"i16"', '"i16", bits = [5, 4]'), "fields[0].bits: the lowest comes first"),
        (FIXED + CRC16 + ONE.replace('"i16"', '"i16", bits = 0xfff0'), "fields[0].bits: two bits, [lowest, highest]"),
        (
            FIXED + CRC16 + ONE.replace('"i16"', '"f32", bits = [0, 15]'),
            'boards[0].fields[0].bits: type = "f32" is always read whole; take bits out, or give a type such as "u16"',
        ),
        (FIXED + CRC16 + ONE.replace('"i16"', '"i16", minus = 256'), "fields[0].minus: a whole number from 1 to 255"),
        (FIXED + CRC16 + ONE.replace('name = "T1", ', ""), "boards[0].fields[0].name: is missing"),
        (FIXED + CRC16 + ONE.replace("}", "}, { name = 'T1', at = 2, type = 'u8' }"), "this one is never read"),
        (
            'framing = "slip"\n' + ONE.replace("at = 0", "at = 0, repeat = 300"),
            "come to 300 values, and max_sensors = 256",
        ),
    ],
)
def test_binary_boards(text: str, sentence: str) -> None:
    """What is wrong with a binary frame is told in one sentence, with its place inside of the value."""
    assert sentence in the_one(f'{BENCH}format = "struct"\n{text}')


def test_an_answer_of_its_size_needs_no_head() -> None:
    """A frame without magic and crc is right where it is all of an answer."""
    assert problems(f'{BENCH}format = "struct"\n{FIXED}{ONE}ask = {{ question = "hex:01", size = 8 }}') == []


def test_all_that_is_wrong_in_a_list() -> None:
    """Each field that is wrong is told, each with its place."""
    fields = '[{ name = "a", at = -1, type = "i17" }, { nam = "b", at = 0, type = "u8" }]'
    found = problems(f'{BENCH}format = "struct"\nframing = "slip"\nfields = {fields}')
    assert [one.split(":")[0] for one in found] == [
        "boards[0].fields[0].at", "boards[0].fields[0].type", "boards[0].fields[1].nam", "boards[0].fields[1].name",
    ]  # fmt: skip


@pytest.mark.parametrize(("framing", "package"), [("slip", "sliplib"), ("cobs", "cobs"), ("hdlc", "fastcrc")])
def test_what_is_not_installed(framing: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library that is missing is told by `check`, with the command that installs it."""
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else found(name))
    sentence = the_one(f'{BENCH}format = "struct"\nframing = "{framing}"\n{CRC16}{ONE}')
    assert sentence.endswith(
        f'needs the package {package}, which is not installed; `pip install "serial-edge-gateway[binary]"`'
    )
