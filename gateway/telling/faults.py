"""Faults as values: what is wrong now, since when, how often; each with one sentence for a person."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that is present."""

    since: float  # s since 1970
    text: str


@dataclass(slots=True)
class Faults:
    """The faults of one gateway or board. clock: s since 1970; changed: called when one comes, goes or reads anew."""

    clock: Callable[[], float]
    changed: Callable[[], None]
    present: dict[str, Fault] = field(default_factory=dict)
    totals: Counter[str] = field(default_factory=Counter)

    def tell(self, name: str, text: str | None) -> None:
        """`text` says what is wrong; None: it no longer is."""
        before = self.present.get(name)
        if text is None:
            if before is not None:
                del self.present[name]
                self.changed()
        elif before is None:
            self.totals[name] += 1
            self.present[name] = Fault(self.clock(), text)
            self.changed()
        elif before.text != text:
            self.present[name] = Fault(before.since, text)
            self.changed()
