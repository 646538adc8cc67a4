"""Any delays, any cuts, any bytes: an answer is never given to another question, and no byte is lost or made."""

import heapq
from itertools import count, pairwise
from math import inf

from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.asking.asker import Asker, Candidate, Missed
from gateway.ingest.asking.endings import QUIET, At, Framed, Lined, Sized, Whole
from gateway.ingest.asking.rtu import Answer, Request, written
from gateway.ingest.asking.turns import GRACE, Question, Turn
from gateway.ingest.framing import Lines

TIMEOUT = 1.0
LATEST = (1 + GRACE) * TIMEOUT - 0.01  # s after a question; what comes later still is nobody's to tell

delays = st.one_of(st.floats(0.0, 0.3), st.floats(0.0, LATEST), st.just(TIMEOUT), st.none())
"""S from a question to the end of its answer; None: it never comes."""
cuts = st.lists(st.floats(0.0, 1.0), max_size=4)
"""Where an answer is cut, and how its pieces are spread over its delay: both as shares."""


@given(
    st.lists(st.tuples(delays, cuts), max_size=40),
    st.lists(st.floats(0.0, 2.0), min_size=1, max_size=3),
    st.booleans(),
    st.booleans(),
)
def test_each_answer_is_to_its_own_question(said, paces, echo, sized):
    """However late an answer comes within three timeouts, however cut: what is taken answers what was asked."""
    ending = Sized(6) if sized else Lined()
    data = b"ASK?\r"
    asker = Asker()
    turns = [Turn([Question(data, ending, TIMEOUT, data if echo else b"")] * 2, pace) for pace in paces]
    for turn in turns:
        asker.join(turn, 0.0)
    asker.opened(0.0)
    plan, order = iter(said), count()
    due: list[tuple[float, int, bytes]] = []
    now, asked, taken, missed = 0.0, 0, 0, 0
    while True:
        now = max(now, min([asker.wake, *(at for at, _, _ in due[:1])]))
        while due and due[0][0] <= now:
            asker.feed(heapq.heappop(due)[2], now)
        while (found := asker.next(now)) is not None:
            if isinstance(found, Candidate):
                assert found.data == b"%05d\r" % asked
                asker.accept(now)
                taken += 1
            missed += isinstance(found, Missed)
        if asker.question(now):
            assert taken + missed == asked
            asked += 1
            delay, where = next(plan, (0.0, []))
            if asked > len(said) + 1:
                break
            answer = (data if echo else b"") + b"%05d\r" % asked
            if delay is not None:
                edges = sorted({0, len(answer), *(int(share * len(answer)) for share in where)})
                for begin, end in pairwise(edges):
                    heapq.heappush(due, (now + delay * end / len(answer), next(order), answer[begin:end]))
    in_time = sum(delay is not None and delay < TIMEOUT for delay, _ in said)
    assert taken >= in_time


REQUEST = Request(1, "input", 1, 2)
endings = st.sampled_from(
    [Lined(), At(b"\r"), At(b"ok"), Sized(3), Answer(REQUEST), Framed(lambda: Lines(50, midstream=False), QUIET),
     Framed(lambda: Whole(50, False), inf)]
)  # fmt: skip
steps = st.lists(
    st.tuples(
        st.floats(0.0, 3.0), st.one_of(st.binary(max_size=20), st.sampled_from([b"R\r", b"25.1\r", b"\r\n", b"ok"]))
    ),
    max_size=40,
)


@given(endings, steps, st.booleans(), st.sampled_from([0.0, 0.5]), st.integers(1, 40))
def test_no_byte_is_lost_or_made(ending, steps, takes, every, limit):
    """Any bytes at any time: each comes out again once, in order, and the asker never asks to be woken without end."""
    asker = Asker(0.002)
    question = written(REQUEST) if isinstance(ending, Answer) else b"R\r"
    asker.join(Turn([Question(question, ending, TIMEOUT, question, limit)], every), 0.0)
    asker.opened(0.0)
    now, fed, came = 0.0, b"", b""
    for pause, data in steps:
        until = now + pause
        for _ in range(1000):
            if asker.wake > until:
                break
            now = max(now, asker.wake)
            came += drained(asker, now, takes=takes)
            asker.question(now)
        else:
            raise AssertionError("it asks to be woken without end")
        now = until
        fed += data
        asker.feed(data, now)
        came += drained(asker, now, takes=takes)
    assert came + asker.closed() == fed


def drained(asker: Asker, now: float, *, takes: bool) -> bytes:
    """What came out."""
    out = b""
    while (found := asker.next(now)) is not None:
        out += found.data
        if takes and isinstance(found, Candidate):
            asker.accept(now)
    return out
