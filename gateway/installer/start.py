"""Whether the service comes up, and stays."""

import time

from .doing import attempt, do

PATIENCE = 12.0  # s for a start; where the last one took a third of that or longer, three times as long as it
STAYS = 3.0  # s that it has to run before it is believed
STOPS = 20.0  # s after which systemd has killed what does not stop


def show(*properties: str) -> dict[str, str]:
    """What systemd says of the service."""
    said = attempt(["systemctl", "show", "gateway.service", *[f"--property={one}" for one in properties]]).stdout
    return dict.fromkeys(properties, "") | dict(line.partition("=")[::2] for line in said.splitlines())


def active() -> bool:
    """Whether it runs now, or is about to."""
    return show("ActiveState")["ActiveState"] in ("active", "activating", "reloading")


def patience() -> float:
    """Seconds that a start may take here, by what the last one took."""
    began, up = (
        int(us or 0) for us in show("ExecMainStartTimestampMonotonic", "ActiveEnterTimestampMonotonic").values()
    )
    return max(PATIENCE, 3 * (up - began) / 1e6)


def comes_up(within: float) -> bool:
    """Starts it anew; whether it is up in `within` s and stays, with no start in vain."""
    before = show("InvocationID")
    do(["systemctl", "restart", "--no-block", "gateway.service"], "systemd does not restart it: `systemctl status`")
    deadline, up = time.monotonic() + STOPS, 0.0
    while show("InvocationID") == before and time.monotonic() < deadline:
        time.sleep(0.05)
    deadline = time.monotonic() + within
    while time.monotonic() < deadline + (STAYS if up else 0):
        found = show("ActiveState", "SubState", "NRestarts")
        if found["NRestarts"] != "0" or found["SubState"] in ("auto-restart", "failed", "dead"):
            return False
        if found["ActiveState"] == "active":
            up = up or time.monotonic()
            if time.monotonic() - up >= STAYS:
                return True
        time.sleep(0.1)
    return False


def why() -> str:
    """The last lines of its log."""
    return attempt(["journalctl", "--unit=gateway", "--lines=5", "--no-pager", "--output=cat"]).stdout.strip()


def end() -> None:
    """Ends one that did not come up: at once where it hangs at its start, since it reads no board yet. And for good,
    lest one more start of it be taken for the first of the next."""
    if show("SubState")["SubState"] == "start":
        attempt(["systemctl", "kill", "--signal=KILL", "gateway.service"])
    attempt(["systemctl", "stop", "gateway.service"])
