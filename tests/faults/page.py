"""docs/faults.md, made from the rows: `python -m tests.faults.page` writes it, and a test holds it equal."""

import importlib
from pathlib import Path

from tests.faults.defences import DEFENCES
from tests.faults.rows import ROWS

PAGE = Path(__file__).parents[2] / "docs" / "faults.md"
HEAD = """\
# Faults

What the field does to a gateway, and what is promised then. Each row is done to a real gateway in a test: `gateway
run` as a process, simulated boards on pseudo-terminals, a real mosquitto, and an independent subscriber that counts
what the boards wrote against what arrives. This page is made from those tests (`python -m tests.faults.page`).

At the end of every row, beyond what it promises itself:

- **Alive.** The same process, no traceback, exit code 0 at a stop.
- **Balanced.** The ledger's sums hold in every status document, and agree with the independent count. Nothing arrives
  twice but under one `run` and `seq`; each sensor's readings come in order; each value and formula is right.
- **Local.** Boards that the fault is no matter of lose nothing and are as quick as before (p99 at most 0.1 s, or
  twice what it was).
- **Bounded.** Memory has grown by 20 MB at most; descriptors and threads are as before; the event loop is never 0.1 s
  later than an idle one beside it.
- **Told.** One event at the start of the trouble, one at its end; the status is clean 2 s after that.
- **Over.** After the storm fresh readings of every board arrive, nothing is left on the disk, the status is clean.

Tiers: *fast* is part of every test run; *ci* runs with `GATEWAY_TEST_BUDGET` set (holds of 10 s at most); as they are
written here the rows run with `python -m tests.faults.full`, in parts of less than two hours (`--part N`,
`--resume`). *root*: mounts and network namespaces; skipped where we are not root.

## Rows

| # | in the field | what happens | what is promised | shown by |
|---|---|---|---|---|
"""
WEAKENED = """
## The tests bite

With one of these defences taken out (`python -m tests.faults.launch --without NAME …`) its test fails, and says so:

| defence | what it does | test |
|---|---|---|
"""


def collect() -> None:
    """Imports all rows."""
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        importlib.import_module(f"tests.faults.{file.stem}")


def page() -> str:
    """The text of docs/faults.md."""
    collect()
    lines = []
    for _, row in sorted(ROWS.items()):
        promised = row.promised + (f" *Not yet: {row.missing}.*" if row.missing else "")
        cells = (row.number, row.field, row.happens, promised, ", ".join(sorted(row.shown)))
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n")
    bites = [f"| `{name}` | {one.what} | `{one.test}` |\n" for name, one in DEFENCES.items()]
    return HEAD + "".join(lines) + WEAKENED + "".join(bites)


if __name__ == "__main__":
    PAGE.write_text(page())
