"""How a command ends: its exit code, and what it says on the way.

Exit codes: 0 done, 1 failed, 2 wrong use, 78 the configuration is wrong or not there.
"""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

DONE, FAILED, WRONG_USE, CONFIG = 0, 1, 2, 78


def told(work: Callable[[], int]) -> int:
    """What `work` gives; what a user can cause is said in a sentence."""
    from ..config import Wrong
    from ..config.words import Unfit
    from ..ingest.capture.file import CaptureError

    try:
        return work()
    except Wrong as error:
        return misconfigured(error.problems)
    except Unfit as error:
        print(f"gateway: {error}", file=sys.stderr)
        return WRONG_USE
    except CaptureError as error:
        return failed(str(error))


def configuration(given: str | None) -> Path:
    """The file that `run` reads: -c, else in the service manager's directory, else /etc."""
    if given:
        return Path(given)
    directory = os.environ.get("CONFIGURATION_DIRECTORY")
    return Path(directory.split(":")[0] if directory else "/etc/gateway") / "gateway.toml"


def misconfigured(problems: list[str]) -> int:
    """Says what is wrong with the configuration, a sentence each."""
    for problem in problems:
        print(problem, file=sys.stderr)
    return CONFIG


def failed(sentence: str) -> int:
    """Says why it went wrong, and what to do."""
    print(f"gateway: {sentence}", file=sys.stderr)
    return FAILED


def say(text: str) -> None:
    """A line beside the result: progress, advice."""
    print(text, file=sys.stderr)


def print_json(document: object) -> None:
    """The one document of `--json`: as UTF-8 where the output is, else with escapes."""
    utf8 = (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"
    print(json.dumps(document, ensure_ascii=not utf8, allow_nan=False))
