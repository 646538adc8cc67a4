"""What callers of the control socket write, for its tests."""

import json

RELEASE = {"do": "release", "board": "bench", "seconds": 300}


def line(document: object) -> bytes:
    return json.dumps(document).encode()
