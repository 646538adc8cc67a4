"""Names of boards and sensors as ids of Home Assistant, as entity ids, and inside its templates."""

import ast
import re

from hypothesis import example, given
from hypothesis import strategies as st

from gateway.publish.home.spelling import entity_id, ident, quoted, said

NAMES = (
    st.text(max_size=60) | st.text("abAB01-_", max_size=50) | st.sampled_from(["", "-", "a--b", "\ud800", "x" * 70_000])
)
HOSTILE = ["{{ 1/0 }}", "'", "\\", "\\'", "{% raw %}", "#}", "\n", "\u202e", "🌡", "a\x00b", "\ud800"]


@given(NAMES, NAMES)
@example("é", ident("é"))
@example("a b", ident("a b"))
def test_two_names_have_two_ids_that_a_discovery_topic_allows(one: str, other: str) -> None:
    """Ids are letters, digits, _ and single -, and no name can be chosen so that it has another's."""
    for name in (one, other):
        assert re.fullmatch(r"[A-Za-z0-9_]+(-[A-Za-z0-9_]+)*", ident(name))
        assert len(ident(name)) <= 43
    assert (ident(one) == ident(other)) == (one == other)


def test_a_plain_name_is_its_own_id() -> None:
    """What people call their boards can be read in the ids."""
    assert [ident(name) for name in ("bench", "S3", "28-0316a2795bff", "usb_2")] == [
        "bench", "S3", ident("28-0316a2795bff"), "usb_2",
    ]  # fmt: skip
    assert ident("Außen links").startswith("Aussen-links-")
    assert ident("温度").startswith("x-")


@given(st.text(max_size=40))
def test_no_name_gets_out_of_a_template(name: str) -> None:
    """As Jinja reads a text (a Python literal in ASCII) it is the name again, and nothing in it means anything."""
    text = quoted(name)
    assert ast.literal_eval(text) == said(name)
    assert not set(text[1:-1]) & set("'\"{}%#\n")


def test_hostile_names_get_out_of_no_template() -> None:
    """So it is of what somebody would try."""
    for name in HOSTILE:
        assert ast.literal_eval(quoted(name)) == said(name)
        assert re.fullmatch(r"[\w .\-\\]*", quoted(name)[1:-1], re.ASCII)


def test_entity_ids_are_small_words() -> None:
    """Home Assistant is asked for ids that people can write."""
    assert entity_id("sensor", "greenhouse-1", "Bench 2", "Außen") == "sensor.greenhouse_1_bench_2_aussen"
    assert entity_id("sensor", "温度") == "sensor.x"
