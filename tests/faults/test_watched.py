"""Row F82, as somebody sees it who watches: what others write where the gateway tells of itself."""

from tests.faults.rows import row
from tests.faults.test_planted import EVERY, publish, retained
from tests.watching import on_a_terminal

RUBBISH = {
    "no JSON": b"offline",
    "deep": b"[" * 100_000,
    "a megabyte": bytes(1 << 20),
    "a terminal's orders": b'{"gateway": "gw", "state": "\x1b[2J", "run": "\\u001b[2J"}',
    "wrong types": b'{"gateway": "gw", "board": 3, "sensor": [], "state": "online", "run": {}, "seq": "1", "rows": 1}',
}


@row("F82", full=60)
def test_f82_watched(scene):
    own = ["gateway/gw/+/+/features", "gateway/gw/bench/status", "gateway/gw/cellar/status", "gateway/gw/status"]
    s = scene(topics=own, timers={"documents": EVERY}, boards=("bench", "cellar"), rate=90)
    s.steady()
    port, run = s.broker.port, s.status()["run"]
    with on_a_terminal(["--url", f"mqtt://127.0.0.1:{port}", "--gateway", "gw"], 120, 40) as one:
        one.until(f"online, run {run}")
        right = retained(port)["gateway/gw/status"]
        with s.fault():
            for where in ("bench/T1/alarm", "cellar/T1/last", "attic/status", "x/y/z"):
                for payload in RUBBISH.values():
                    publish(port, f"gateway/gw/{where}", payload)
            publish(port, "gateway/gw/status", right.replace(run, "false").replace('"online"', '"offline"', 1))
            lines = one.until("not written by it", EVERY)
            s.prove(any(f"online, run {run}" in line for line in lines), "the run that speaks is shown all the same")
            one.until("messages that no gateway writes", EVERY)
            s.until(lambda: not any("not written by it" in line for line in one.lines()), "it is put right", EVERY + 2)
        s.back(within=5)
        lines = one.until(f"online, run {run}")
        assert any("missing 0, twice 0" in line for line in lines), lines[:8]
        assert any("2 online" in line for line in lines)
    s.over(bystanders=list(s.boards))
