"""`gateway bench pool`: figures only where all ways have the same results, and nothing left behind, however it ends."""

import json
import os
import signal
import textwrap

import pytest

from .benches import bench, relatives
from .street import until

SMALL = "from gateway.bench import pool\npool.LIGHT, pool.HEAVY, pool.BATCHES = 400, 50, (100, 1_000)\n"


def test_the_document(tmp_path):
    """Each way has a rate, and the ratios that follow from the rates."""
    with bench(tmp_path, "pool", "--json", "--rounds", "1", changed=SMALL) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    document = json.loads(out)
    assert (document["equal"], document["rounds"]) == (True, 1)
    for what in ("light", "heavy"):
        rows = document[what]
        ways = {row["way"] for row in rows}
        assert {"standard pool, dicts", "plain loop, dicts", "gateway's pool, columns", "bare numpy, columns"} <= ways
        assert {row["batch"] for row in rows if row["way"] == "gateway's pool, columns"} == {100, 1_000}
        assert document["best_batch"][what] in (100, 1_000)
        loop = next(row for row in rows if row["way"] == "plain loop, dicts")
        for row in rows:
            assert row["to_loop"] == pytest.approx(row["records_per_s"] / loop["records_per_s"], rel=0.02, abs=0.001)
        assert rows[0]["to_founding"] == loop["to_loop"] == 1


def test_a_table(tmp_path):
    """For a person: the same as a table, and which batch is best here; nothing of it on standard error."""
    with bench(tmp_path, "pool", "--rounds", "1", changed=SMALL) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    assert "medians of 1 paired rounds, all results equal to the last digit" in out
    assert "The gateway's pool is fastest here with batches of " in out
    light = out.partition("heavy: 100 rounds")[0].splitlines()
    assert len({line.rfind("×") for line in light if line.startswith("gateway's pool, columns")}) == 1


@pytest.mark.parametrize(
    ("changed", "who"),
    [
        (
            """
            from gateway.bench import founding
            one = founding.light_one
            def other(record):
                made = one(record)
                return made | {"feature": made["feature"] + 0.0001 * (record["timestamp"] == 7)}
            founding.light_one = other
            """,
            "gateway.pipeline.process in batches of 1 gave 5 other results than the plain loop",
        ),
        (
            """
            heavy = pool.columns.heavy
            pool.columns.heavy = lambda rounds: heavy(100)
            """,
            "the gateway's pool in batches of 100 gave ",
        ),
    ],
    ids=["the last digit", "too many rounds"],
)
def test_results_that_are_not_equal(tmp_path, changed, who):
    """One digit in one record, or another number of rounds, which only shows where they are few: no figures, exit 1."""
    with bench(tmp_path, "pool", "--json", "--rounds", "1", changed=SMALL + textwrap.dedent(changed)) as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, "")
    assert err.startswith("gateway: the results are not equal: ")
    assert who in err
    assert len(err.splitlines()) == 1


def test_ctrl_c_ends_it(tmp_path):
    """Ctrl-C reaches the whole group: it ends with 130, without a traceback from anyone."""
    with bench(tmp_path, "pool", "--rounds", "1000", changed=SMALL) as process:
        until(lambda: len(relatives(tmp_path)) > 5, "processes have started")
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out, err) == (130, "", "")


def test_killed_it_leaves_nothing(tmp_path):
    """kill -9: its processes end by themselves."""
    with bench(tmp_path, "pool", "--rounds", "1000", changed=SMALL) as process:
        until(lambda: len(relatives(tmp_path)) > 5, "processes have started")
        process.kill()
