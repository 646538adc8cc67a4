"""Calls in threads that nobody waits for."""

import asyncio
import threading

import pytest

from gateway.threads import in_thread, tried
from tests.waiting import until


async def test_a_result_and_an_error():
    """What the call gives or raises comes back; it ran in a daemon thread of that name."""
    found = await in_thread(threading.current_thread, "a-name")
    assert (found.name, found.daemon) == ("a-name", True)
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0, "x")


async def test_no_thread_can_start(monkeypatch):
    """A process may have no more of them: that is the system's refusal as any other, with what to do."""

    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(BlockingIOError, match="allow more processes"):
        await in_thread(int, "x")
    assert await tried(int, "x", 7) == 7


async def test_the_loop_goes_on():
    """While the call waits the loop does other things; a caller that gives up is free, and the result is forgotten."""
    go_on, ended = threading.Event(), threading.Event()

    def call():
        go_on.wait(10)
        ended.set()
        return "late"

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await in_thread(call, "slow")
    assert not ended.is_set()
    go_on.set()
    await until(ended.is_set)
    await until(lambda: not any(thread.name == "slow" for thread in threading.enumerate()))


def test_a_loop_that_has_ended():
    """A call that returns after the end of the loop disturbs nobody."""
    go_on = threading.Event()
    thread = []

    async def run():
        task = asyncio.ensure_future(
            in_thread(lambda: thread.append(threading.current_thread()) or go_on.wait(10), "late")
        )
        await until(lambda: thread)
        task.cancel()

    asyncio.run(run())
    go_on.set()
    thread[0].join(10)
    assert not thread[0].is_alive()


async def test_what_nobody_waits_for_any_more_is_handed_on():
    """The result of a caller that has given up is not lost: who opened something has it closed."""
    go_on, unwanted = threading.Event(), []
    waiting = asyncio.ensure_future(in_thread(lambda: go_on.wait(10) and "late", "slow", unwanted.append))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    go_on.set()
    await until(lambda: unwanted == ["late"])
    with pytest.raises(ZeroDivisionError):
        await in_thread(lambda: 1 // 0, "x", unwanted.append)
    assert await in_thread(lambda: "in time", "x", unwanted.append) == "in time"
    assert unwanted == ["late"]


async def test_a_result_that_comes_as_the_caller_gives_up():
    """Cancelled in the moment in which the result came: it is handed on all the same, once."""
    unwanted, ran = [], []
    waiting = asyncio.ensure_future(
        in_thread(lambda: ran.append(threading.current_thread()) or "just now", "quick", unwanted.append)
    )
    await asyncio.sleep(0)
    while not ran:
        pass  # the loop stands still, so that nothing is taken yet
    ran[0].join(10)
    await asyncio.sleep(0)  # now the result is there, and the caller's turn is next
    waiting.cancel()
    await asyncio.wait({waiting})
    assert waiting.cancelled()
    assert unwanted == ["just now"]
