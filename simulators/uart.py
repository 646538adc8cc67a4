"""The line itself: what a receiver reads when it samples at another rate than the sender's.

    idle 1 | start 0 | 8 data bits, lowest first | stop 1 | idle 1 …          8N1, the only setting here

A receiver waits for the fall from 1 to 0, looks again half a bit later (still 0, or it was a glitch), then samples the
middle of each of the next nine bits at its own rate. A stop bit that is 0 is a framing error: a Linux tty hands the
byte up all the same (INPCK off), and the receiver waits for the line to be 1 again.
"""

BITS = 10  # on the wire for one byte
_WAVE = ["0" + f"{byte:08b}"[::-1] + "1" for byte in range(256)]


def line_time(size: int, baud: int) -> float:
    """Seconds that `size` bytes take on a line of `baud` bits a second."""
    return size * BITS / baud


def resample(data: bytes, sent: int, read: int) -> bytes:
    """What arrives when `data` goes out at `sent` baud in one piece and is read at `read` baud.

    Equal rates give `data`; so do rates that differ by less than about 5 %, as on a real line.
    """
    if sent == read:
        return data
    step = sent / read  # sender's bits in one of the receiver's
    wave = "1" + "".join([_WAVE[byte] for byte in data]) + "1" * (int(BITS * step) + 2)
    out = bytearray()
    at = 0
    while (start := wave.find("0", at)) >= 0:
        middle = int(start + step / 2)
        if wave[middle] == "1":
            at = middle
            continue
        sampled = "".join([wave[int(start + (bit + 1.5) * step)] for bit in range(8)])
        out.append(int(sampled[::-1], 2))
        at = wave.find("1", int(start + 9.5 * step))
    return bytes(out)
