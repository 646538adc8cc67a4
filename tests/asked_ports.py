"""A port of boards that are asked, without a device, in a time that the tests make."""

from gateway.ingest.asking.asker import Asker, Candidate, Missed, Stray
from gateway.ingest.asking.endings import Lined
from gateway.ingest.asking.turns import Question, Turn

TIMEOUT = 1.0


def turn(*data: bytes, ending=None, every=1.0, start=(), apart=False, timeout=TIMEOUT, echo=b"") -> Turn:
    questions = [Question(each, ending or Lined(), timeout, echo) for each in data]
    return Turn(questions, every, start, apart)


class Port:
    """A port whose time stands still until a test moves it, to where the asker itself wants to be woken."""

    def __init__(self, *turns: Turn, gap: float = 0.0) -> None:
        self.now = 100.0
        self.asker = Asker(gap)
        self.sent: list[tuple[float, bytes]] = []
        self.heard: list[object] = []
        for each in turns:
            self.asker.join(each, self.now)
        self.asker.opened(self.now)

    def run(self, until: float, answer=None, delay: float = 0.0) -> None:
        """Lets time go by. answer: what a board says to each question, `delay` s later."""
        due: list[tuple[float, bytes]] = []
        idle = 0
        while (wake := min([self.asker.wake, *(at for at, _ in due)])) <= until:
            idle = 0 if wake > self.now else idle + 1
            assert idle < 5, "it asks to be woken again and again, for nothing"
            self.now = max(self.now, wake)
            while due and due[0][0] <= self.now:
                self.say(due.pop(0)[1])
            self.drain()
            if data := self.asker.question(self.now):
                self.sent.append((self.now, data))
                if answer is not None and (said := answer(data)):
                    due.append((self.now + delay, said))
        self.now = until

    def say(self, data: bytes, *, accept: bool = True) -> None:
        self.asker.feed(data, self.now)
        self.drain(accept=accept)

    def drain(self, *, accept: bool = True) -> None:
        while (found := self.asker.next(self.now)) is not None:
            self.heard.append(found)
            if isinstance(found, Candidate) and accept:
                self.asker.accept(self.now)

    def answers(self) -> list[bytes]:
        return [each.data for each in self.heard if isinstance(each, Candidate)]

    def misses(self) -> int:
        return sum(isinstance(each, Missed) for each in self.heard)

    def strays(self) -> bytes:
        return b"".join(each.data for each in self.heard if isinstance(each, Stray))

    def times(self, data: bytes) -> list[float]:
        return [at for at, sent in self.sent if sent == data]
