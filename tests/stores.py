"""Stores of the spool for tests, on a disk that fails when told to, and what can be seen of them."""

import pytest

from gateway.publish.spool import sql, store
from gateway.publish.spool.sql import Trouble
from gateway.publish.spool.store import Store

LIMIT = 1_000_000


def files(folder):
    """Bytes of all files in `folder`."""
    return sum(one.stat().st_size for one in folder.iterdir())


def every(opened, after=None, before=None):
    """The blocks that a lane reads one after another."""
    found, at = [], dict(after or dict.fromkeys(opened.rows, 0))
    while some := opened.next(at, before or {}, 3):
        found += some
        at |= {one.source.lane: one.id for one in some}
    return found


@pytest.fixture
def opened(tmp_path):
    """A store of a megabyte."""
    one = Store(tmp_path, LIMIT)
    yield one
    one.close()


class Failing(sql.File):
    """A file whose statements fail when told to. fails: (start of a statement, how often it passes) -> an error."""

    fails: dict = {}  # noqa: RUF012

    def _fail(self, text):
        for start, (passes, kind, after) in list(self.fails.items()):
            if text.startswith(start):
                if passes:
                    self.fails[start] = passes - 1, kind, after
                    continue
                if after:  # it has come through all the same
                    super().rows(text)
                    self.fails.pop(start)
                raise Trouble(kind, "on purpose")

    def rows(self, text, *values):
        self._fail(text)
        return super().rows(text, *values)

    def do(self, text, *values):
        self._fail(text)
        return super().do(text, *values)


@pytest.fixture
def failing(monkeypatch):
    """Has files fail: failing[start of a statement] = passes, kind, whether it comes through all the same."""
    monkeypatch.setattr(store, "File", Failing)
    monkeypatch.setattr(Failing, "fails", {})
    return Failing.fails


def names(opened):
    """How many lanes and sources are written down."""
    return [opened._file.number(f"SELECT count(*) FROM {table}") for table in ("lanes", "sources")]
