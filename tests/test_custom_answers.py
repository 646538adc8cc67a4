"""What a feature answers: in its process it becomes columns or a clause; in the gateway nothing of it is believed."""

import json
import math
from array import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.compute.custom.answers import LARGEST, MOST_KEYS, RESERVED, bad, good, key_problem, read
from gateway.compute.custom.checked import Unfit, columns
from gateway.compute.wire import Nonsense
from gateway.config.keys import ALWAYS, FEATURES
from gateway.publish.messages import Writer

from .made import features


class Odd:
    """Raises when it is looked at."""

    def __array__(self, *_args, **_more):
        raise RuntimeError("no")

    def __len__(self):
        raise RuntimeError("no")


GOOD = {
    "an array": np.array([1.0, 2.0]),
    "a list": [1, 2.0],
    "a tuple of bools": (True, False),
    "float32": np.array([1, 2], np.float32),
    "uint8": np.array([1, 2], np.uint8),
    "big endian": np.array([1.0, 2.0], ">f8"),
    "every second one": np.array([1.0, 9.0, 2.0, 9.0])[::2],
    "a dict": {"a": [1, 2], "b": np.array([3.0, 4.0])},
}
WRONG = {
    "nothing": (None, "answered nothing; an array"),
    "a text": ("12", "answered a str; an array"),
    "a number": (1.0, "answered a float; an array"),
    "complex": (np.array([1j, 2j]), "answered an array of complex128; one number"),
    "objects": (np.array([None, 1.0]), "answered an array of object; one number"),
    "texts": (["a", "b"], "answered an array of str"),
    "too few": ([1.0], "answered 1 numbers for 2 new readings"),
    "none": ([], "answered 0 numbers for 2 new readings"),
    "no dimension": (np.float64(1.0), "answered a float64; an array"),
    "an array without one": (np.array(1.0), "answered a lone number for 2 new readings"),
    "lists in a list": ([[1.0], [2.0]], "answered an array of float64; one number for each"),
    "lists of two lengths": ([[1.0], []], "answered a list that is no array: ValueError"),
    "odd objects": ([Odd(), Odd()], "answered a list that is no array: RuntimeError"),
    "two dimensions": (np.zeros((2, 2)), "answered 2x2 numbers for 2 new readings"),
    "200 MB": (np.zeros(25_000_000), "answered 25000000 numbers for 2 new readings"),
    "no key": ({}, "answered 0 keys"),
    "too many keys": ({f"k{k}": [1, 2] for k in range(MOST_KEYS + 1)}, "answered 33 keys; from 1 to 32"),
    "a key that is taken": ({"mean": [1, 2]}, "answered the key 'mean', which means something else in a message"),
    "a key that is no text": ({1: [1, 2]}, "answered a key that is no text but int"),
    "a key that is no name": ({"a b": [1, 2]}, "answered the key 'a b'; take letters, digits and _"),
    "a key without end": ({"a" * 65: [1, 2]}, "take letters, digits and _, at most 64"),
    "an iterator": (iter([1.0, 2.0]), "answered a list_iterator; an array"),
    "an odd object": (Odd(), "answered a Odd; an array"),
    "wrong under a key": ({"ok": [1, 2], "late": [1]}, "answered 1 numbers for 'late' for 2 new readings"),
}


@pytest.mark.parametrize("case", GOOD)
def test_what_is_an_answer(case):
    """Numbers of any kind, one for each new reading, come through as float64."""
    keys, numbers = columns(GOOD[case], "f", 2)
    answer = read(good(keys, numbers, worn=False), 2)
    expected = GOOD[case] if isinstance(GOOD[case], dict) else {"f": GOOD[case]}
    assert answer.keys == tuple(expected)
    assert [list(column) for column in answer.columns] == [[float(v) for v in values] for values in expected.values()]
    assert (answer.why, answer.worn) == ("", False)


@pytest.mark.parametrize("case", WRONG)
def test_what_is_none(case):
    """Anything else is a clause that says what was answered and what was expected."""
    result, clause = WRONG[case]
    with pytest.raises(Unfit) as error:
        columns(result, "f", 2)
    assert clause in str(error.value)
    assert len(str(error.value)) < 200


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_value_is_nan(value):
    """NaN and infinities are no value; so is what a masked array hides."""
    _, numbers = columns([value, 1.0], "f", 2)
    assert np.isnan(np.frombuffer(numbers)).tolist() == [True, False]
    _, numbers = columns(np.ma.array([1, 2], mask=[True, False]), "f", 2)
    assert np.isnan(np.frombuffer(numbers)).tolist() == [True, False]


def test_no_key_of_a_message_is_a_users():
    """Whatever stands in a message, in either form, and every feature that there is, is refused as a key."""
    writer = Writer(("g", "b", "s", "r"), {"t": "x"})
    one = features([1, 2], count=[1, 2])
    reading = json.loads(next(iter(writer.readings(one, 0, 1, {1: 3}, "unsynced"))))
    rows = json.loads(writer.rows(one, 0, 2, {1: 3}, "unsynced"))
    taken = {*reading, *rows, *rows["columns"], *FEATURES, *ALWAYS, "alarm", "replayed"}
    assert {"condensed", "tags", "clock", "count", "columns", "rows"} <= taken
    assert taken <= RESERVED
    assert all(key_problem(key) for key in taken)


HOSTILE = [
    b"", b"=", b"=-", b"?-x", b"=-[]\n", b"=-[1]\n" + bytes(16), b'=-["a"]\n' + bytes(15), b'=-["a"]' + bytes(16),
    b'=-["mean"]\n' + bytes(16), b'=-["a","a"]\n' + bytes(32), b"=-" + b"[" * 100_000, b"=-{}\n", b"=-null\n",
    b'=-"a"\n' + bytes(16), b'=-[["a"]]\n' + bytes(16), b"=-\xff\n" + bytes(16),
    b"=-" + json.dumps([f"k{k}" for k in range(33)]).encode() + b"\n" + bytes(33 * 16),
]  # fmt: skip


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_bytes_that_are_no_answer(data):
    """What a process says that was taken over by its feature is refused, whatever it is."""
    with pytest.raises(Nonsense):
        read(data, 2)


@given(st.binary(max_size=200), st.sampled_from([b"", b"=-", b"=+", b"!-", b'=-["a"]\n']))
def test_any_bytes_are_an_answer_or_nonsense(data, start):
    """No bytes raise anything else, and columns have the length that they must have."""
    try:
        answer = read(start + data, 2)
    except Nonsense:
        return
    assert answer.why or all(len(column) == 2 for column in answer.columns)


def test_what_was_wrong_is_cut_and_never_empty():
    """A clause of any length and kind is one of at most 400 bytes."""
    assert len(read(bad("x\udc80" * 1000, worn=True), 2).why) <= 400
    assert read(bad("", worn=True), 2) == ((), [], "said nothing", True)


def test_the_largest_answer_fits():
    """All keys, each as long as may be, for as many readings as are ever asked for at once."""
    new = 2 * 4096
    keys = ["k" * 61 + f"{k:03}" for k in range(MOST_KEYS)]
    assert len(good(keys, array("d", bytes(8 * new * MOST_KEYS)).tobytes(), worn=False)) < LARGEST
