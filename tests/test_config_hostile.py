"""Whatever stands in a configuration, or in the names that one is written from, nothing raises."""

import random
import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import config
from gateway.config import problems, starting_configuration, tables, words
from gateway.config.load import _document as checked_tables
from tests.conftest import examples

ANY = st.text(st.characters(exclude_categories=()), max_size=20)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(ANY, ANY | ANY.map("/dev/{}".format), ANY), max_size=4), ANY)
def test_starting_configuration_is_always_right(found: list[tuple[str, str, str]], gateway_id: str) -> None:
    """Whatever boards and hosts are called, the file that `init` writes has no problem."""
    assert problems(starting_configuration(found, gateway_id)) == []


@given(ANY)
def test_toml_strings(text: str) -> None:
    """A text written into a configuration comes out as it was, but for lone surrogates, which TOML cannot hold."""
    kept = "".join("\ufffd" if "\ud800" <= char <= "\udfff" else char for char in text)
    assert tomllib.loads(f"x = {words.toml(text)}") == {"x": kept}


SAMPLE = (Path(config.__file__).parents[1] / "sample.toml").read_text().splitlines()
LINES = [line.lstrip("#~ ") for line in SAMPLE if line and not line.startswith("##")]
SCRAPS = [
    "[",
    "]",
    "{",
    "}",
    '"',
    "'",
    "=",
    ".",
    "-",
    "\0",
    "\x1b",
    "9" * 30,
    "nan",
    "inf",
    "true",
    "[[boards]]",
    "é",
    "/",
    "+",
]


def mutated(dice: random.Random) -> bytes:
    """Lines of the sample, with values that moved to other keys, keys that lost a letter, and bytes in between."""
    lines = dice.choices(LINES, k=dice.randrange(1, 12))
    for at, line in enumerate(lines):
        key, _, value = line.partition(" = ")
        if dice.random() < 0.3:
            value = dice.choice(LINES).partition(" = ")[2] or dice.choice(SCRAPS)
        if dice.random() < 0.2:
            place = dice.randrange(len(key) + 1)
            key = key[:place] + key[place + 1 :]
        lines[at] = f"{key} = {value}" if value else key
    text = "\n".join(lines)
    if dice.random() < 0.4:
        place = dice.randrange(len(text) + 1)
        text = text[:place] + dice.choice(SCRAPS) + text[place + dice.choice([0, 1, 5]) :]
    data = text.encode()
    return data[: dice.randrange(len(data) + 1)] + b"\xff" if dice.random() < 0.05 else data


def test_mutated_files() -> None:
    """Broken files give sentences that any terminal can show, and never a traceback."""
    dice, total = random.Random(20), examples(1000, 10_000)
    parsed = wrong = 0
    for _ in range(total):
        found = problems(mutated(dice))
        parsed += not any("not TOML" in one or "not UTF-8" in one for one in found)
        wrong += bool(found)
        assert all(one.isprintable() and len(one) < 1500 for one in found)
    assert wrong > 0.9 * total, "these files are broken"
    assert parsed > 0.2 * total, "and many of them are TOML, so that the tables are looked at"


KEYS = sorted({key for table in tables.TABLES.values() for key in table.model_fields})
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY | st.sampled_from(["auto", "1s", "/dev/x", "*"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY | st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from([*tables.TABLES, "x"]), VALUES | st.lists(VALUES, max_size=2)))
def test_values_of_any_shape(data: dict[str, Any]) -> None:
    """Whatever types stand where a table or a value should be, what comes out is sentences."""
    document, found = checked_tables(data, Path("gateway.toml"))
    assert (document is None) == bool(found)
    assert all(one.isprintable() for one in found)
