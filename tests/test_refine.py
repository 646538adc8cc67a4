"""A board's table says no less than its values have shown: what counts, what tells devices apart, thousandths."""

import re

import pytest

from gateway.commands import probe
from gateway.commands.probe import _guessed
from gateway.ingest.finding.probing import Found
from gateway.ingest.finding.recognise import Candidate, attempt
from gateway.ingest.finding.refine import refined
from gateway.model import Board, FormatOptions, Port

ANY = Candidate(Board("probe", Port("/dev/ttyX0")))
LINES = {  # what a board sends, turn by turn -> the columns of its table, and a turn's readings
    "{n} {t:.2f} {u:.2f}": ("count S2 S3", "S2 S3"),
    "{millis},{t:.2f},{u:.2f}": ("- S2 S3", "S2 S3"),
    "{epoch};{t:.2f}": ("- S2", "S2"),
    "{n},{n},{t:.1f}": ("count - S3", "S3"),
    '{{"model":"Acurite","id":{which},"temperature_C":{t:.1f}}}': ("id=sensor", "11.temperature_C 12.temperature_C"),
    "node={which} temp={t:.2f}": ("node=sensor", "11 12"),
    "{t:.2f},{u:.2f}": ("", "S1 S2"),
    "T1:{t:.2f},T2:{u:.2f}": ("", "T1 T2"),
    "id=7 temp={t:.2f}": ("", "temp"),
    "{same}.0,{t:.2f}": ("", "S1 S2"),
}


def lines(form, turns=12):
    """Bytes of a board, a line a second."""
    said = {"same": 21}
    return [
        (float(n), (form.format(n=n + 17, millis=1003 * n, epoch=1_732_500_000 + n // 2, which=11 + n % 2,
                                t=21.5 + n % 5 / 7, u=19.8 + n % 3 / 7, **said) + "\r\n").encode())
        for n in range(turns)
    ]  # fmt: skip


@pytest.mark.parametrize("form", LINES)
def test_columns(form):
    """Columns that only rise are no values, one that counts by one is the count, and an id names the sensor."""
    columns, sensors = LINES[form]
    found = refined(attempt(ANY, lines(form)), lines(form))
    assert " ".join(name or "-" for name in found.candidate.board.options.columns) == columns
    assert sorted({sample.sensor for sample in found.samples}) == sensors.split()


LEFT_OUT = {
    "Temp: {t:.2f}, Lid: {u:.2f}": ("kv", {"columns": ["Lid="]}),
    '{{"temp":{t:.2f},"lid":{u:.2f},"box":{{"q1":{u:.2f}}}}}': ("json", {"columns": ["box.q1=", "lid="]}),
    'T:{{"temp":{t:.2f}}}': ("json", {"after": "T:"}),
    'tele/x/SENSOR = {{"temp":{t:.2f}}}': ("json", {"after": "tele/x/SENSOR ="}),
    "{t:.2f},1013.{u:.0f}": ("csv", {"columns": ["S1", ""]}),
    "{t:.2f} C;{u:.2f}": ("csv", {"columns": ["S1", ""]}),
    "M;Temp[Deg.C];{t:.2f};CalTube;{u:.2f}": ("csv", {"columns": ["", "", "S3", "", ""]}),
    "Box;M;{t:.2f};°C;---": ("csv", {"columns": ["", "", "S3", "", ""]}),
    "Box;M;{t:.2f};°F;---": ("auto", {}),
    "Vorlauf: 38,5°C  Temp: {n},5°C": ("kv", {}),
}


@pytest.mark.parametrize("form", LEFT_OUT)
def test_what_auto_leaves_out_is_skipped_by_the_table(form):
    """The format that is named would believe all: the table reads the readings of auto, and no others."""
    found = attempt(ANY, lines(form))
    table = refined(found, lines(form))
    board = table.candidate.board
    assert (board.format, _guessed(board.options)) == LEFT_OUT[form]
    assert found.samples and [sample[:3] for sample in table.samples] == [sample[:3] for sample in found.samples]


@pytest.mark.parametrize(
    "form, keys",
    [
        ('[{{"id":"28ab","t":{t:.2f}}},{{"id":"28cd","t":-127}},{{"id":"28ef","t":null}}]',
         {"columns": ["id=sensor"], "none": [-127]}),
        ('[{{"id":"28ab","t":{t:.2f}}},{{"id":"28cd","t":-127}},{{"id":"28ef","t":{u:.2f}}}]',
         {"columns": ["id=sensor"], "none": [-127]}),
        ('{{"id":{which},"t":{t:.2f},"t2":-127}}', {"columns": ["id=sensor"], "none": [-127]}),
        ("{n} {t:.2f} -127.00", {"columns": ["count", "S2", "S3"], "none": [-127]}),
    ],
)  # fmt: skip
def test_marks_are_in_every_table(form, keys):
    """What auto refuses as a mark for "no value" is none in a table that names columns or devices either."""
    found = attempt(ANY, lines(form))
    table = refined(found, lines(form))
    assert found.account.refused_values["error_mark"] or found.account.refused["error_mark"]
    assert _guessed(table.candidate.board.options) == keys
    assert table.samples and -127 not in {sample.value for sample in table.samples}


@pytest.mark.parametrize("lid", ["-999", "{u:.2f}", "17"])
def test_what_auto_leaves_out_is_skipped_where_devices_are_told_apart(lid):
    """A key that auto does not take for a temperature is none of any device's either."""
    for form in ("node={which} temp={t:.2f} lid=" + lid, '{{"id":{which},"temp":{t:.2f},"lid":' + lid + "}}"):
        found = attempt(ANY, lines(form))
        table = refined(found, lines(form))
        assert not any("lid" in name for name in found.sensors), "auto leaves it out"
        assert table.sensors == {"11", "12"}
        assert table.candidate.board.options.columns[1:] == ("lid=",)


@pytest.mark.parametrize(
    "form, told",
    [("Temp: {n}5, hum: 45", True), ('{{"temp":2{n}}}', True), ("Temp: {n}.5", False), ("Temp: {n}", False)],
)
def test_whole_numbers_that_may_be_tenths(form, told):
    """Of whole numbers of 100 and more that are called temperatures it is said that they may be tenths, and how."""
    read = refined(attempt(ANY, lines(form)), lines(form))
    found = Found("/dev/ttyX", 9600, "8N1", read)
    text = "\n".join(probe.lines(found, probe.table(found)))
    assert read.samples and ("may be tenths of a degree" in text) is told
    if told:
        field = re.search(r'name = "(\w+)", factor = 0.1', text)[1]
        assert field == read.samples[0].sensor


@pytest.mark.parametrize(
    "form, told",
    [
        ("[{n}] in={t:.2f}C out={u:.2f}C", True), ("({n}) in: {t:.2f}", True),
        ("[{which}] in={t:.2f}C out={u:.2f}C", False), ("#{n} in={t:.2f}C out={u:.2f}C", False),
        ("1 in={t:.2f}C", False),
    ],
)  # fmt: skip
def test_names_that_count(form, told):
    """Where the number of a line has become part of a name, it is said, and by which group a pattern takes it."""
    read = refined(attempt(ANY, lines(form)), lines(form))
    found = Found("/dev/ttyX", 9600, "8N1", read)
    text = "\n".join(probe.lines(found, probe.table(found)))
    assert read.samples and (r"(?P<count>\d+)" in text) is told


@pytest.mark.parametrize("turns", [4, 9, 12, 40])
def test_a_table_reads_as_auto_did(turns):
    """Whether it is decided or not: the readings of the table are those without it."""
    chunks = lines("{n} {t:.2f} {u:.2f}", turns)
    found = attempt(ANY, chunks)
    table = refined(found, chunks)
    assert [sample[:3] for sample in table.samples] == [sample[:3] for sample in found.samples]
    assert [sample.count for sample in table.samples[::2]] == list(range(18, 17 + turns))


def test_a_counter_that_begins_anew():
    """Once it is decided, a counter that starts again stays one; before that, a number that falls is a value."""
    once = lines("{n} {t:.2f}", 15)
    again = attempt(ANY, once + [(20.0 + at, data) for at, data in lines("{n} {t:.2f}", 5)])
    assert {sample.sensor for sample in again.samples} == {"S2"}
    early = attempt(ANY, [(0.0, b"x\n20 21.5\n21 21.5\n20 21.5\n21 21.5\n")])
    assert [sample.sensor for sample in early.samples] == ["S2"] * 4  # whole beside decimals, as before
    early = attempt(ANY, [(0.0, b"x\n20 -.5\n21 21.5\n20.5 21.5\n21 21.5\n")])
    assert [sample.sensor for sample in early.samples] == ["S2", "S2", "S1", "S2", "S1", "S2"]


def test_thousandths():
    """Whole numbers that no temperature comes to are taken for thousandths of one."""
    chunks = [(float(n), f"x\r\nt={23125 + 62 * n}\r\n".encode()) for n in range(9)]
    found = refined(attempt(ANY, chunks), chunks)
    assert found.candidate.board.options.fields[0].factor == 0.001
    assert found.samples[0].value == 23.125
    warm = [(float(n), f"x\r\nt={231 + n}\r\n".encode()) for n in range(9)]
    assert refined(attempt(ANY, warm), warm).candidate.board.options == FormatOptions()


def test_a_decimal_comma():
    """What took `auto` some lines to see the table says at once: one number, and no two."""
    chunks = [(float(n), f"x\r\n2{n // 8},{n % 8 * 12:02}\r\n".encode()) for n in range(20)]
    found = attempt(ANY, chunks)
    table = refined(found, chunks)
    assert (table.candidate.board.format, _guessed(table.candidate.board.options)) == ("csv", {"decimal": ","})
    assert table.account.readings > found.account.readings
    assert [sample[:3] for sample in table.samples][:2] == [("temperature", 20.0, "°C"), ("temperature", 20.12, "°C")]


def test_a_preset_stays():
    """What is known by its name needs no table."""
    preset = Candidate(Board("b", Port("/dev/ttyX0"), "kv"), "own", b"node=1 temp=2\r\n")
    chunks = lines("node={which} temp={t:.2f}")
    assert refined(attempt(preset, chunks), chunks).candidate is preset


def test_hundredths():
    """Whole numbers of a name that says temperature are hundredths where they are few thousands; a kiln's are not."""
    for form, factors in (("Temp:23{n} Hum:4510", [0.01]), ("Temp:{n}5", []), ("inlet:23{n}", [])):
        said = [(float(n), (form.format(n=n) + "\r\n").encode()) for n in range(10, 20)]
        found = refined(attempt(ANY, said), said)
        assert [field.factor for field in found.candidate.board.options.fields] == factors
