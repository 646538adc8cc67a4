"""A hostile board, a process of its own: `python -m tests.pour LINK FORMAT BYTES SECONDS SEED`.

It writes rubbish to a pseudo-terminal as fast as its reader takes it, until BYTES are out or SECONDS are over (0: no
limit), then a line end and some good lines. It says what it wrote in one JSON line, and stays until its input closes.
"""

import json
import os
import random
import select
import sys
import time
import tty
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus" / "bytes"
MOST_AT_ONCE = 1 << 15
GOOD = {
    "plain": b"21.5 22.25\n",
    "csv": b"21.5,22.25\n",
    "kv": b"S1:21.5,S2:22.25\n",
    "json": b'{"S1":21.5,"S2":22.25}\n',
    "auto": b'{"S1":21.5,"S2":22.25}\n',
}
GOODBYES = 60  # good lines at the end: more than a format needs to find its feet again


def pieces(dice: random.Random, good: bytes) -> list[bytes]:
    """The kinds of rubbish, some hundred pieces of up to 60 kB each."""
    noise = [dice.randbytes(size) for size in (1, 80, 4000, 60_000)]
    repeated = b'[|{|{"a":|1,|1 |a:1 |T:|\x1b[|\x1b[31m|\x1b]0;|\xc3|\xf0\x9f|\xff|\x00|"|,,unit,|(|T1:21.5,'.split(
        b"|"
    )
    out = [*noise, *(path.read_bytes() + b"\n" for path in sorted(CORPUS.iterdir()))]
    for bit in repeated:
        for size in (100, 3900, 60_000):
            out.append(bit * (size // len(bit)))
            out.append(out[-1] + b"\n")
    for turn in range(60):
        out.append(b'{"n%d":21.5,"m%d":{"x":[1,2,{"y":3}]}}\r\n' % (turn, turn))
        out.append(b"sensor%d:%d,hum:40 %%\n" % (dice.randrange(10**6), turn))
        out.append(b",".join(b"%d.5" % dice.randrange(99) for _ in range(dice.randrange(60))) + b"\n")
        out.append(b"temp_%d,imu_degC,\x1b[2J%d\r" % (turn, turn))
        out.append(b"nan,inf,1e400,%b,\xef\xbc\x91\n" % (b"9" * dice.randrange(5000)))
        out.append(good * dice.randrange(1, 20))
        out.append(b'{"S1":1e%d,"S1":"x","count":%d}\n' % (dice.randrange(400), dice.randrange(10**19)))
        out.append("räksmörgås °C: 21,5;température\u202e=3\n".encode()[dice.randrange(20) :])
    return out


def spoilt(dice: random.Random, piece: bytes) -> bytes:
    """The piece as it is, cut short, or with a byte changed."""
    chance = dice.random()
    if chance < 0.2:
        return piece[: dice.randrange(len(piece) + 1)]
    if chance < 0.4 and piece:
        at = dice.randrange(len(piece))
        return piece[:at] + dice.randbytes(1) + piece[at + 1 :]
    return piece


def pour(fd: int, good: bytes, most: float, seconds: float, dice: random.Random) -> int:
    """Writes; gives the number of bytes that the terminal took."""
    kinds, written, end = pieces(dice, good), 0, time.monotonic() + seconds
    weights = [1.0 if len(kind) < 5000 else 0.05 for kind in kinds]  # what is too long is refused without a look
    while written < most and time.monotonic() < end:
        block = b"".join(spoilt(dice, kind) for kind in dice.choices(kinds, weights, k=8))
        for at in range(0, len(block), MOST_AT_ONCE):
            written += put(fd, block[at : at + MOST_AT_ONCE])
    return written + put(fd, b"\n" + good * GOODBYES)


def put(fd: int, data: bytes) -> int:
    """Writes all of it, waiting for room."""
    rest = memoryview(data)
    while rest:
        select.select([], [fd], [])
        try:
            rest = rest[os.write(fd, rest) :]
        except BlockingIOError:  # room for less than it wants to have
            time.sleep(0.0005)
    return len(data)


def main(link: Path, kind: str, most: float, seconds: float, seed: int) -> None:
    """One hostile board from its plug to its end."""
    os.nice(5)  # a board takes no processor time from the gateway
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    os.set_blocking(ours, False)
    link.symlink_to(os.ttyname(theirs))
    os.close(theirs)  # whoever has it open shares the port
    print("ready", flush=True)
    sys.stdin.readline()
    written = pour(ours, GOOD[kind], most or float("inf"), seconds or float("inf"), random.Random(f"{seed}/{kind}"))
    print(json.dumps({"written": written}), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), int(sys.argv[5]))
