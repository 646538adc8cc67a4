"""The pictures of docs/web.md, from the page as it is: `python -m tests.web.pictures`."""

import time
from pathlib import Path

from ..street import ROOT, until
from .browser import Browser, browsing
from .fake import Fake, board, instant
from .looking import drawn

FOLDER = ROOT / "docs" / "pictures"
LARGEST = 150_000  # bytes of a picture
PICTURES = {
    "page-light": (1280, 800, False, "top"),
    "page-dark": (1280, 800, True, "trouble"),
    "page-phone": (375, 760, False, "board"),
    "page-refused": (1280, 420, False, "refused"),
}
"""Name -> width, height, dark, and what is on it."""
SCROLL = {
    "top": "scrollTo(0, 0)",
    "board": "document.querySelector('#board-1').scrollIntoView()",
    "refused": "const one = document.querySelector('#board-1 .more'); one.open = true; one.scrollIntoView()",
    "trouble": "document.querySelector('#board-3').scrollIntoView({block: 'center'})",
}


def scene() -> Fake:
    """A gateway with four boards, of which one is silent, and an alarm."""
    fake = Fake(
        {
            "greenhouse": ["bed north", "bed south", "air", "roof"],
            "boiler": ["flow", "return"],
            "cold store": ["door", "back", "compressor"],
            "weather": ["outside"],
        }
    )
    since = instant(time.time() - 134)
    fake.quality = {1: ("spike", None), 4: ("ok", "above")}
    fake.stalled = {6, 7, 8}
    fake.documents["boards"]["cold store"] = board(
        "cold store", ["door", "back", "compressor"], state="silent", since=since, silences=1,
        faults={"link": {"since": since, "count": 1, "text": "nothing has come for 30 s: does the board run?"}},
    )  # fmt: skip
    for sensor in fake.documents["boards"]["cold store"]["sensors"].values():
        sensor |= {"state": "silent", "last": since}
    fake.documents["gateway"]["boards"] = {"online": 3, "silent": 1, "offline": 0, "lent": 0}
    fake.refuse("greenhouse", ("wrong_columns", b"21.4,22.1,2"), ("not_a_number", b"21.4,2\xb1.1,22.0,19.5"))
    return fake


def take(browser: Browser, fake: Fake, folder: Path) -> list[Path]:
    """Takes all of them; gives the files."""
    taken = []
    for name, (width, height, dark, what) in PICTURES.items():
        browser.look(width, height, dark)
        browser.open(fake.url)
        browser.seen("#boards", "greenhouse")
        browser.run("document.documentElement.style.scrollBehavior = 'auto'")
        browser.run(SCROLL[what])
        until(lambda: drawn(browser, "bed north")["filled"] > 0.9 or what == "trouble", "plots")  # noqa: B023
        browser.waits("setTimeout(arguments[0], 1200)")
        browser.run(SCROLL[what])
        browser.waits("setTimeout(arguments[0], 300)")
        taken.append(folder / f"{name}.png")
        browser.picture(taken[-1])
    return taken


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    made = scene()
    try:
        with browsing() as chromium:
            for file in take(chromium, made, FOLDER):
                print(f"{file.relative_to(ROOT)}  {file.stat().st_size} bytes")
    finally:
        made.stop()
