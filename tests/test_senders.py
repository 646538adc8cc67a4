"""Whose a record is, where its key is a place's: a word tells devices apart, and a number is a value."""

import pytest

from gateway.ingest.formats import FORMATS
from gateway.ingest.formats.senders import PLACES, is_device
from gateway.model import Decoded, FormatOptions, Noise, Refusal

FORMS = ['{{"{}":"{}","temp":{}}}', "{}={} temp={}", "{0},temp|{1},{2}"]


def read(*lines):
    """Of each line its samples, "-" for one that is refused; noise, as of a header, is left out."""
    board = FORMATS["auto"](FormatOptions())
    results = [each for line in lines if not isinstance(each := board.decode(line.encode()), Noise)]
    return [{s.sensor: s.value for s in each.samples} if isinstance(each, Decoded) else "-" for each in results]


def told(form, key, *records):
    """The lines of records, each a place and a value."""
    lines = [form.format(key, *record) for record in records]
    return [lines[0].split("|")[0], *[line.split("|")[1] for line in lines]] if "|" in form else lines


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("key", [*sorted(PLACES), "Room", "sensor_name"])
def test_places_tell_devices_apart(form, key):
    """Two rooms in turn are two sensors, however the key is called; no series has the values of both."""
    found = read(*told(form, key, ("bath", 21.4), ("attic", 4.5), ("bath", 21.5), ("attic", 4.0)))
    assert found == [{"temp": 21.4}, "-", {"bath": 21.5}, {"attic": 4.0}]


@pytest.mark.parametrize("form", FORMS[1:])
@pytest.mark.parametrize("key", sorted(PLACES))
def test_numbers_are_no_places(form, key):
    """A number at such a key splits no board's records, nor does a text in its place later on."""
    values = ["21", "22", "21", "22", "err", "23", "open", "err"]
    found = read(*told(form, key, *[(value, 20.5) for value in values]))
    assert all(isinstance(each, dict) and each["temp"] == 20.5 for each in found) and len(found) == len(values)


@pytest.mark.parametrize("chunk", [1, 4, 50])
@pytest.mark.parametrize("form", FORMS)
def test_rooms_that_are_read_together(form, chunk):
    """However lines are cut into chunks, another room is seen where it comes."""
    board, out = FORMATS["auto"](FormatOptions()), []
    rooms = ["bath"] * 30 + ["attic"] * 3 + ["bath"] * 3
    lines = [line.encode() for line in told(form, "room", *[(room, 21.5) for room in rooms])]
    while lines:
        found = board.stretch(lines[:chunk]) or board.decode(lines[0])
        lines = lines[getattr(found, "frames", 1) :]
        if not isinstance(found, Noise):
            out += [sample.sensor for sample in found.samples] if not isinstance(found, Refusal) else ["-"]
    assert out == ["temp"] * 30 + ["-", "attic", "attic"] + ["bath"] * 3


def test_an_id_beside_a_place():
    """Where an id stands beside a room, it is the id that tells devices apart."""
    lines = ['{"room":"bath","id":"a","temp":21.4}', '{"room":"bath","id":"b","temp":4.0}'] * 2
    assert read(*lines) == [{"temp": 21.4}, "-", {"a": 21.4}, {"b": 4.0}]
    assert is_device("Sensor-Name") and not is_device("bedroom")
