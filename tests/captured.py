"""The capture of a golden folder: plain bytes, or what `gateway record` wrote."""

from pathlib import Path

from gateway.ingest.capture.file import Capture
from gateway.ingest.capture.lines import Mark


def asked(case: Path) -> bool:
    """Whether it is a conversation with boards that are asked: what was sent is in it."""
    if not (case / "capture.jsonl").exists():
        return False
    with Capture(case / "capture.jsonl") as capture:
        return capture.header.asked


def captured(case: Path) -> tuple[bytes, bool]:
    """The bytes, and whether the first begins a frame."""
    if (plain := case / "capture.bin").exists():
        return plain.read_bytes(), False
    with Capture(case / "capture.jsonl") as capture:
        heard = list(capture)
        marks = [one.mark for one in heard if one.mark is not None]
        assert not set(marks[:-1]) - {Mark.OPENED} and not capture.torn, f"{case} is not one link, whole and alone"
        return b"".join(one.data for one in heard), capture.header.whole
