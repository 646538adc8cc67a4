"""What can be wrong with the patterns of a board is told as all else is: a sentence, with its place and a way out."""

import pytest

from gateway import config
from gateway.config import problems, warnings
from gateway.ingest.formats.misread import misread
from tests.tables import BENCH

ONE = "format = 'regex'\npattern = '(?P<T>.)'\n"

SENTENCES = {
    "format = 'regex'": "pattern: is missing; format = \"regex\" needs one, such as 'T=(?P<T>\\S+)'",
    "format = 'regex'\npattern = 'T=(?P<T>'": 'pattern: missing ); found "T=(?P<T>"',
    "format = 'regex'\npattern = 'T=[(?P<T>x)'": 'pattern: missing ]: [(?P<T>x) at character 3; found "T=[(?P<T>x)"',
    "format = 'regex'\npattern = '(?P<T>x)(?!y)'": (
        "pattern: invalid perl operator: (?! at character 9; there is no look-around and no back-reference; "
        'found "(?P<T>x)(?!y)"'
    ),
    "format = 'regex'\npattern = 'T=(.*)'": (
        'pattern: a value needs a named group, as in T=(?P<T>\\S+), and there is none; found "T=(.*)"'
    ),
    "format = 'regex'\npattern = '(?P<sensor>.*)'": (
        'pattern: a value needs a named group, as in T=(?P<T>\\S+), and there is none; found "(?P<sensor>.*)"'
    ),
    "format = 'regex'\npattern = 1": "pattern: a pattern in quotes, at most 1000 characters, was expected; found 1",
    ONE + "columns = ['t=x']": "columns: the pattern has no group \"t\"; did you mean 'T'?",
    ONE + "columns = ['a', 'b']": "columns: the groups of the pattern are T, and there are 2 names; give each one",
    ONE + "unit = ['K', 'K']": "unit: the groups of the pattern are T, and there are 2 units; give each one",
    ONE + "start = ''": 'start: format = "regex" does not take it; set format = "block", or take start out',
    "format = 'regex'\npattern = '(?P<a>.)(?P<b>.)'\ncolumns = ['x', 'y']\nask = { question = ['1', '2'] }": (
        "columns: with 2 questions each name is that of one answer's value, and the groups of the pattern are a, b; "
        'write "a=name", or have one value in the pattern'
    ),
    "base = 10": 'base: format = "auto" does not take it; set format = "regex" or "block", or take base out',
    "format = 'block'\nend = ''\nbase = 16.0": "base: 10 or 16 was expected; found 16.0",
    "format = 'block'": (
        "start: is missing; a block needs how its first line begins, or as `end` how its last one does"
    ),
    "format = 'block'\nstart = '-'\nend = '-'": (
        "end: is the same as start, and so no line tells whether a block begins or ends; take one out"
    ),
    "format = 'block'\nstart = '['": 'start: missing ]; found "["',
    "format = 'block'\nend = 'a'\ntimeout = '2h'": 'timeout: a duration from "10ms" to "60m" was expected; found "2h"',
    "format = 'nmea'\ncolumns = ['MTW']": (
        'columns: "MTW" has no place in sentences of many kinds; write "AIRTEMP=name" to call a sensor otherwise'
    ),
}


@pytest.mark.parametrize("text", SENTENCES)
def test_one_sentence(text: str) -> None:
    """Whatever is wrong is one sentence."""
    assert problems(BENCH + text) == [f"boards[0].{SENTENCES[text]}"]


def test_what_is_right() -> None:
    """Names for groups, one each or some by key, or for answers; units alike; any number of names for a block."""
    for text in (
        ONE + "columns = ['a']\nunit = ['K']",
        "format = 'regex'\npattern = '(?P<T>.)(?P<U>.)'\ncolumns = ['U=T2']\nunit = ['K', '°C']",
        ONE + "columns = ['a', 'b']\nunit = ['K', '°C']\nask = { question = ['A\\r', 'B\\r'] }",
        "format = 'block'\nstart = ''\npattern = '(?P<value>\\d)'\ncolumns = ['a', 'b', '']",
        "format = 'nmea'\ncolumns = ['MTW=water', 'BRDT=']",
    ):
        assert problems(BENCH + text) == []


def test_groups_that_may_be_meant_as_temperatures(tmp_path) -> None:
    """A group of one or two letters that is taken for another quantity is told, unless `columns` gives it a name."""
    file = tmp_path / "gateway.toml"
    file.write_text(BENCH + "format = 'regex'\npattern = '(?P<P1>.)'\n")
    told = [text for text in warnings(config.load(file), misread=misread) if "P1" in text]
    assert len(told) == 1 and told[0].startswith('boards[0].pattern: "P1" is taken for power and left out;')
    file.write_text(BENCH + "format = 'regex'\npattern = '(?P<P1>.)'\ncolumns = ['P1=inlet']\n")
    assert not any("P1" in text for text in warnings(config.load(file), misread=misread))
