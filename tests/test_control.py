"""What is said on the control socket: lines that are requests, sentences for all others, and answers."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.control.protocol import ANSWER, ASKS, LONGEST, Hearing, NotAsked, Request, answered, asked, written
from tests.callers import RELEASE, line


def test_a_request():
    """What a request says is taken as it stands, with the file that is meant where it is named."""
    assert asked(line(RELEASE)) == Request("release", {"board": "bench", "seconds": 300.0})
    assert asked(line({"do": "take_back", "board": "ö\n"})).given == {"board": "ö\n"}
    assert asked(line(RELEASE | {"config": "/x"})).config == "/x"


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (b"", "a line with one JSON object was expected"),
        (b"\xff", "a line with one JSON object was expected"),
        (b"[" * 4000, "a line with one JSON object was expected"),
        (b'{"do": "release", "board": "b", "seconds": NaN}', "a line with one JSON object was expected"),
        (b"[]", "a JSON object was expected"),
        (b"{}", "this gateway knows no such request; it knows release, take_back, hold, let_go"),
        (line({"do": ["release"]}), "this gateway knows no such request; it knows release, take_back, hold, let_go"),
        (line({"do": "release"}), "release: board, seconds is missing"),
        (line(RELEASE | {"x\x1b": 1}), "release: no such key: x\\x1b"),
        (line(RELEASE | {"board": ""}), "release: a name of at most 1000 characters was expected"),
        (line(RELEASE | {"board": 7}), "release: a name of at most 1000 characters was expected"),
        (line(RELEASE | {"config": "x" * 1001}), "a name of at most 1000 characters was expected"),
        (line(RELEASE | {"seconds": True}), "release: from 1 s to 24 h was expected"),
        (line(RELEASE | {"seconds": "60"}), "release: from 1 s to 24 h was expected"),
        (line(RELEASE | {"seconds": 1e99}), "release: from 1 s to 24 h was expected"),
        (line(RELEASE | {"seconds": 0}), "release: from 1 s to 24 h was expected"),
    ],
)
def test_what_is_no_request(said, sentence):
    """It is refused with one sentence."""
    with pytest.raises(NotAsked) as refused:
        asked(said)
    assert str(refused.value) == sentence


@given(st.lists(st.binary(max_size=2000)))
@example([b'{"do": "release", "board": "b", "seconds": 1}\n'])
def test_any_bytes_are_a_line_or_none(pieces):
    """However they are cut, the line is what stands before the first line end, within the greatest length."""
    hearing, heard = Hearing(), b""
    for piece in pieces:
        heard += piece
        try:
            found = hearing.feed(piece)
        except NotAsked:
            assert len(heard) >= LONGEST
            return
        if found is not None:
            assert found == heard.partition(b"\n")[0]
            return
        assert b"\n" not in heard and len(heard) < LONGEST


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(st.characters(exclude_categories=()))),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.sampled_from(["do", "board", "seconds", "x"]), inner)),
)


@given(
    st.one_of(
        st.binary(max_size=LONGEST),
        JSON.map(line),
        st.builds(
            lambda do, rest: line({"do": do, **rest}),
            st.sampled_from(list(ASKS)),
            st.dictionaries(st.sampled_from(["board", "seconds", "config", "x"]), JSON),
        ),
    )
)
def test_any_line_is_a_request_or_a_sentence(data):
    """Nothing else comes out, and what is a request is within its bounds; each can be answered."""
    try:
        found = asked(data)
    except NotAsked as error:
        assert answered(written({"ok": False, "error": str(error)}))["error"].isprintable()
        return
    assert set(found.given) == set(ASKS[found.do])
    assert 1 <= found.given.get("seconds", 1) <= 86_400
    assert answered(written({"ok": True, "given": found.given}))["given"] == found.given


def test_an_answer():
    """It is one line of ASCII, and never too long for who waits for it."""
    assert written({"ok": True, "name": "ö\n"}) == b'{"ok": true, "name": "\\u00f6\\n"}\n'
    assert len(written({"ok": True, "names": ["x" * 1000] * 1000})) < ANSWER
    for said in (b"", b"7", b"{}", b"\xff", b"[" * 100_000):
        with pytest.raises(NotAsked):
            answered(said)
