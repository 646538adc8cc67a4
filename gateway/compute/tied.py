"""Loaded by the fork server alone: it ends with the gateway, also while it is stopped and does not see the pipe to it
closed; and with it its children.

The kernel sends that signal when the thread ends that has started us. The main thread is there for as long as its
process is; a thread that starts a fork server in place of one that has died is not, and would take the new one along.
"""

import os
from contextlib import suppress
from pathlib import Path

from .worker import die_with_parent

parent = os.getppid()
with suppress(OSError):  # a kernel that was built without these lists, or the gateway has gone
    if str(os.getpid()) in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        die_with_parent()
