"""Which message makes the broker cut the line."""

from gateway.publish.suspects import ALONE, TOGETHER, Mark, Suspects

A, B = Mark("t", 7), Mark("t", 8)


def test_guilty():
    """The oldest unanswered message at so many cuts goes alone, and is guilty when the line is cut at it again."""
    suspects = Suspects()
    for number in range(1, TOGETHER + ALONE):
        assert not suspects.cut(A)
        assert suspects.alone == (number >= TOGETHER)
    assert suspects.cut(A)
    assert not suspects.alone


def test_another_message():
    """A cut at another message begins anew: it was the line."""
    suspects = Suspects()
    for number in range(50):
        assert not suspects.cut(A if number % 2 else B)
    assert not suspects.alone


def test_an_answer_clears():
    """A suspect that is answered is none; the answer to another says nothing."""
    suspects = Suspects()
    for _ in range(TOGETHER):
        suspects.cut(A)
    assert not suspects.answered(B)
    assert suspects.alone
    assert suspects.answered(A)
    assert not suspects.alone
    assert not suspects.cut(A)
