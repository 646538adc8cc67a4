"""A street whose boards have features of a user's own, good and bad ones, for rows F27 to F32."""

from pathlib import Path

GOOD = """
import os, signal, subprocess, sys, time
import numpy as np

def good(times, values, new):
    return values[-new:]

def pid(times, values, new):
    return np.full(new, os.getpid())
"""
BAD = """
def {name}(times, values, new):
    if not os.path.exists({flag!r}):
        return values[-new:]
    {code}
"""
MISSED = ("custom.quarantined", "custom.recovered")
OTHERS = ("attic", "cellar")
AGAIN = 4.0  # s after which a feature is tried again in these tests


def street(scene, folder: Path, bad: dict[str, str], *, good: tuple[str, ...] = ("good",), extra: str = "", **more):
    """A scene whose boards all have custom features, and "bench" those too that go wrong while `flag` is there."""
    flag = folder / "flag"
    file = folder / "own.py"
    file.write_text(GOOD + "".join(BAD.format(name=name, flag=str(flag), code=code) for name, code in bad.items()))
    everywhere, there = ([f"own:{name}" for name in names] for names in (good, (*good, *bad)))
    text = f'[features]\ncustom = {everywhere}\n[[sensors]]\nmatch = "bench/*"\ncustom = {there}\n{extra}'
    s = scene(extra=text, timers={"quarantine": AGAIN}, **more)
    s.flag = flag
    s.until(lambda: all(told(s, "bench", name)[-1:] not in ([], [None]) for name in (*good, *bad)), "they answer", 20)
    s.steady()
    return s


def told(s, board: str, key: str, since: float = 0.0) -> list:
    """The values of a key in a board's readings that were heard since."""
    found = [heard[0] for one, heard in s.judge.readings.items() if one[0] == board and heard[0].at > since]
    return [heard.document.get(key) for heard in sorted(found, key=lambda heard: heard.at)]


def quarantined(s) -> list[str]:
    """Who the status says is in quarantine."""
    return s.status()["pool"]["quarantined"]


def named(s, bad) -> None:
    """All of them are in quarantine and named within 2 s of their second miss; each event says which."""
    names = sorted(f"own:{name}" for name in bad)
    s.until(lambda: sorted(quarantined(s)) == names, f"{names} are in quarantine", 8)
    first = next(
        heard.at for heard in s.judge.documents["gateway/gw/status"]
        if sorted(heard.document["pool"]["quarantined"]) == names
    )  # fmt: skip
    s.until(lambda: s.times("custom.quarantined") == len(bad), "each is told", 3)
    latest = max(event["mono"] for event in s.events("custom.quarantined"))
    s.told["named after"] = round(first - latest, 2)
    assert first - latest <= 2.0, "named within 2 s of the second miss"
    assert sorted(event["feature"] for event in s.events("custom.quarantined")) == names
    fault = s.status()["faults"]["custom"]["text"]
    assert all(name in fault for name in names) and "reload" in fault


def all_right(s, since: float) -> None:
    """The good feature is in each reading since then, and right to the last digit; the judge does the built-in ones."""
    for board in s.boards:
        own, value = told(s, board, "good", since), told(s, board, "value", since)
        assert own and own == value, f"{board}: {sum(one is None for one in own)} of {len(own)} are null"


def gone_wrong(s, bad) -> None:
    """The flag is set until all are in quarantine; then it is taken away, and they come back."""
    with s.fault():
        s.flag.touch()
        s.prove(lambda: s.until(lambda: s.times("custom.missed"), "a miss", 5), "a feature missed")
        named(s, bad)
        s.hold(1, fast=0.5)
        s.flag.unlink()
    s.back(within=5)
    s.until(lambda: not quarantined(s), "they are taken back", 3 * AGAIN)
    for name in bad:
        s.until(lambda name=name: told(s, "bench", name)[-1] is not None, f"{name} answers again", 3)
