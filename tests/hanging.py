"""A test that hangs ends, whatever it hangs in: each attempt has its time, and what does not heed that is ended whole.

pytest-timeout's alarm rings once a test: a test that is run again has none. And an alarm that rings in a callback is
taken by asyncio's loop for the callback's error, and the test waits on. So behind the alarm stands a thread of
faulthandler's, which shows where all threads are and ends the process; pytest-xdist starts another and names the test.
"""

import faulthandler
import os

import pytest
import pytest_timeout

TIMES = 1.5  # what a test may take, until its process ends
BESIDES = 60.0  # s more

_err: list[int] = []  # standard error, before pytest captures it


def pytest_configure() -> None:
    """Keeps standard error for what is shown at the end."""
    _err.append(os.dup(2))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begins an attempt."""
    settings = pytest_timeout._get_item_settings(item)
    if not settings.timeout:
        return
    if getattr(item, "execution_count", 1) > 1:
        item.ihook.pytest_timeout_cancel_timer(item=item)
        item.ihook.pytest_timeout_set_timer(item=item, settings=settings)
    faulthandler.dump_traceback_later(TIMES * settings.timeout + BESIDES, exit=True, file=_err[0])


def pytest_runtest_logfinish() -> None:
    """All attempts are over."""
    faulthandler.cancel_dump_traceback_later()
