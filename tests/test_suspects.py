"""Which message makes the broker cut the line."""

from gateway.publish.suspects import ALONE, TOGETHER, Mark, Suspects

A, B, C = Mark("t", 7), Mark("t", 8), Mark("u", 1)


def test_guilty():
    """The message that is unanswered at so many cuts goes alone, and is guilty when the line is cut at it again."""
    suspects = Suspects()
    for number in range(1, TOGETHER + ALONE):
        assert not suspects.cut([A])
        assert suspects.alone == (number >= TOGETHER)
    assert suspects.cut([A])
    assert not suspects.alone


def test_one_among_others():
    """It need not be the oldest: a broker may cut before it has answered what came first."""
    suspects = Suspects()
    for others in ([B], [C], [B, C]):
        assert not suspects.cut([*others, A])
    assert suspects.alone
    assert not suspects.answered(C), "sent alone, and taken"
    assert not suspects.cut([A])
    assert suspects.cut([A])


def test_another_message():
    """A cut at another message begins anew: it was the line."""
    suspects = Suspects()
    for number in range(50):
        assert not suspects.cut([A if number % 2 else B])
    assert not suspects.alone


def test_nobody_is_guilty_among_others():
    """As long as several are under way it is not known which it is."""
    suspects = Suspects()
    assert not any(suspects.cut([A, B]) for _ in range(50))
    assert suspects.alone


def test_an_answer_clears():
    """A suspect that is answered is none; when all are, it was the network. The answer to another says nothing."""
    suspects = Suspects()
    for _ in range(TOGETHER):
        suspects.cut([A, B])
    assert not suspects.answered(C)
    assert not suspects.answered(A)
    assert suspects.alone
    assert suspects.answered(B)
    assert not suspects.alone
    assert not suspects.cut([A])
