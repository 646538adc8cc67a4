"""The demo as a user sees it: how it goes while it runs, the counts at its end, and its exit code."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import shutil
import sys
import textwrap
import time
from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ..live import Screen, possible
from ..threads import in_thread
from .picture import Look, picture, plain
from .run import Failed, Run
from .verdict import losses, verdict

REFRESH, PROGRESS = 0.2, 2.0  # s between pictures, and between lines of progress
PACE = 3.0  # s over which the rate is taken
BELOW = 9  # lines for what is said at the end
NEXT = """
With boards of your own:
  gateway init    finds what is plugged in and writes a configuration
  gateway run     reads the boards and publishes to your broker"""


def demonstrate(boards: int = 4, rate: float = 10.0, seconds: float = 15.0, as_json: bool = False) -> int:
    """Runs the demo; gives its exit code: 0, or 1 when it failed or a reading was lost. Ctrl-C ends it early.

    rate: records/s of each board. seconds: 0 = until Ctrl-C. Raises KeyboardInterrupt at a second Ctrl-C.
    """
    try:
        return asyncio.run(_demonstrate(boards, rate, seconds, as_json))
    except (Failed, OSError) as failed:
        if isinstance(failed, BrokenPipeError):
            raise
        print(f"gateway: the demo failed: {failed}", file=sys.stderr)
        return 1
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None


async def _demonstrate(boards: int, rate: float, seconds: float, as_json: bool) -> int:
    if importlib.util.find_spec("iotcore") is None:
        raise Failed("its broker is not installed; pip install 'serial-edge-gateway[demo]' brings it")
    with TemporaryDirectory(prefix="gateway-demo-") as directory:
        run = Run(boards, rate, seconds, Path(directory))
        view = asyncio.create_task(View(run).show(as_json))
        view.add_done_callback(lambda task: run.stop() if not task.cancelled() and task.exception() else None)
        try:
            await run.run()
        finally:
            await run.end()
            await view
    found = verdict(run.judge, run.written)
    print(json.dumps(found.document()) if as_json else _fitting(found.sentence()))
    trouble = [*losses(run.judge, run.written), *run.trouble]
    if not found.sent:
        trouble.append("no board had anything to say in this time; give it more --seconds or a higher --rate")
    for sentence in trouble:
        print(f"gateway: {sentence}", file=sys.stderr)
    if not as_json:
        print(NEXT)
    return 1 if trouble else 0


def _fitting(text: str) -> str:
    """`text` in lines of the terminal's width; as it is where there is no terminal."""
    return textwrap.fill(text, shutil.get_terminal_size().columns) if sys.stdout.isatty() else text


class View:
    """How `run` goes, to look at."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._pace: deque[tuple[float, int]] = deque()

    async def show(self, as_json: bool) -> None:
        """Shows it until its end: on a terminal as a picture, else as lines. JSON stays alone on its stream."""
        if not as_json and possible(sys.stdout):
            await self._show_pictures(Screen(sys.stdout))
        elif not as_json or sys.stderr.isatty():
            out = sys.stderr if as_json else sys.stdout
            if self._run.page:
                print(f"the page: http://127.0.0.1:{self._run.page}/", file=out, flush=True)
            while not await self._over_in(PROGRESS):
                print(plain(self.look()), file=out, flush=True)

    async def _show_pictures(self, screen: Screen) -> None:
        with screen:
            while True:
                shown = picture(self.look(), *screen.size())
                await in_thread(partial(screen.draw, shown), "view")  # a stopped terminal (Ctrl-S) must not stop us
                if await self._over_in(REFRESH):
                    break
        if self._run.judge.received:
            width, height = screen.size()
            last = replace(self.look(), page=None, port=None)  # what is over is not to be visited
            screen.keep(picture(last, width, max(8, height - BELOW)))

    async def _over_in(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                return await self._run.over.wait()
        except TimeoutError:
            return False

    def look(self) -> Look:
        """This moment."""
        run, judge, now = self._run, self._run.judge, time.monotonic()
        elapsed = 0.0 if judge.began is None else now - judge.began
        rate = self._rate(now, judge.received)
        if run.written:
            elapsed = run.written["seconds"]
            rate = judge.received / elapsed if elapsed else 0.0
        return Look(
            phase=run.phase, rows=judge.rows(now), boards=run.boards, hz=run.rate, elapsed=elapsed, seconds=run.seconds,
            received=judge.received, missing=judge.missing, duplicates=judge.duplicates, rate=rate,
            p50=judge.latencies.quantile(0.5), p99=judge.latencies.quantile(0.99),
            status=judge.status, status_age=now - judge.status_at, port=run.port, page=run.page,
        )  # fmt: skip

    def _rate(self, now: float, received: int) -> float:
        """Readings/s since the look of about PACE ago; 0 until there are two."""
        if received:
            self._pace.append((now, received))
        while len(self._pace) > 2 and self._pace[0][0] < now - PACE:
            self._pace.popleft()
        began, before = self._pace[0] if self._pace else (now, 0)
        return (received - before) / (now - began) if now > began else 0.0
