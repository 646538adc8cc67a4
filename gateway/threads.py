"""Calls that may hang for long (a name look-up, an opening port), in a thread that nobody waits for at the end."""

import asyncio
import errno
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
NONE_LEFT = "no thread can start: allow more processes (TasksMax= in the unit, ulimit -u)"


async def in_thread(call: Callable[[], T], name: str, unwanted: Callable[[T], object] | None = None) -> T:
    """The result of `call`, made in a daemon thread: unlike the loop's own threads it holds up no exit.

    Raises what `call` raises, and OSError (EAGAIN) where this process may have no more threads. When the caller is
    cancelled the thread goes on, and what it still comes to is handed to `unwanted`, if that is given, on the loop or,
    when that has ended, in the thread. A caller that waits costs one thread.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            forget(result, error)
        elif error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def forget(result: T | None, error: BaseException | None) -> None:
        if error is None and unwanted is not None:
            unwanted(result)  # type: ignore[arg-type]

    def work() -> None:
        result, failed = None, None
        try:
            result = call()
        except BaseException as error:  # handed to whoever waits
            failed = error
        try:
            loop.call_soon_threadsafe(settle, result, failed)
        except RuntimeError:  # the loop has ended meanwhile
            forget(result, failed)

    try:
        threading.Thread(target=work, name=name, daemon=True).start()
    except RuntimeError as error:
        raise OSError(errno.EAGAIN, NONE_LEFT) from error
    try:
        return await done
    except asyncio.CancelledError:
        if done.done() and not done.cancelled():
            forget(*_outcome(done))  # it came in the same moment
        raise


async def tried(call: Callable[[], T], name: str, otherwise: T) -> T:
    """As `in_thread`, or `otherwise` where no thread can start: for what is asked again before long."""
    try:
        return await in_thread(call, name)
    except BlockingIOError:
        return otherwise


def _outcome(done: "asyncio.Future[T]") -> tuple[T | None, BaseException | None]:
    error = done.exception()
    return (None, error) if error is not None else (done.result(), None)
