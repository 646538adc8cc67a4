"""Row F23: bits that change on the way, in binary frames of every kind."""

import random
import struct
from binascii import crc_hqx
from collections.abc import Callable

from simulators import frames
from tests.faults.hand import by_hand
from tests.faults.rows import TIER, row

FIELDS = """fields = [
  { name = "count", at = %d, type = "u16" },
  { name = "S", at = %d, type = "%s", unit = "°C", factor = %s, repeat = 2 },
]"""
XMODEM = 'crc = { name = "CRC-16/XMODEM", over = [0, -2], at = -2, endian = "big" }'
KINDS = {
    "fixed": 'framing = "fixed"\nsize = 10\nmagic = "aa 55"\ncrc = "CRC-16/MODBUS"\n' + FIELDS % (2, 4, "i16", "0.01"),
    "stx-etx": f'framing = "stx-etx"\nsize = 10\n{XMODEM}\n' + FIELDS % (1, 3, "i16", "0.01"),
    "length": f'framing = "length"\nsize = {{ at = 2, add = 5 }}\nmagic = "01 10"\n{XMODEM}\n'
    + FIELDS % (3, 5, "i16", "0.01"),
    "cobs": 'framing = "cobs"\ncrc = "CRC-16/CCITT-FALSE"\n' + FIELDS % (0, 2, "f32", "1"),
    "slip": 'framing = "slip"\nendian = "big"\ncrc = "CRC-32"\n' + FIELDS % (0, 2, "i32", "0.001"),
    "hdlc": f'framing = "hdlc"\n{XMODEM}\n' + FIELDS % (0, 2, "i16", "0.01"),
}
BURSTS = {"full": 10_000, "ci": 2000, "fast": 600}


def stx_etx(values: frames.Row, count: int) -> bytes:
    """02, the numbers, 03, the checksum."""
    body = b"\x02" + _numbers(values, count) + b"\x03"
    return body + struct.pack(">H", crc_hqx(body, 0))


def length(values: frames.Row, count: int) -> bytes:
    """01 10, how many bytes of numbers, those, the checksum."""
    numbers = _numbers(values, count)
    body = b"\x01\x10" + bytes([len(numbers)]) + numbers
    return body + struct.pack(">H", crc_hqx(body, 0))


def hdlc(values: frames.Row, count: int) -> bytes:
    """The numbers and the checksum, escaped."""
    body = _numbers(values, count)
    body += struct.pack(">H", crc_hqx(body, 0))
    return body.replace(b"\x7d", b"\x7d\x5d").replace(b"\x7e", b"\x7d\x5e")


SPELLED: dict[str, tuple[Callable[[frames.Row, int], bytes], bytes]] = {
    "fixed": (frames.fixed, b""),
    "stx-etx": (stx_etx, b""),
    "length": (length, b""),
    "cobs": (frames.cobs, b"\0"),
    "slip": (frames.slip, b"\xc0"),
    "hdlc": (hdlc, b"\x7e"),
}


def _numbers(values: frames.Row, count: int) -> bytes:
    return struct.pack("<H2h", count, *(round(100 * float(text)) for _, text in values))


def flipped(frame: bytes, first: int, bits: int) -> bytes:
    """`frame` with these bits changed, the lowest of them from place `first` on."""
    number = int.from_bytes(frame, "big") ^ bits << first
    return (number & (1 << 8 * len(frame)) - 1).to_bytes(len(frame), "big")


@row(
    "F23",
    field="Bit errors in binary frames.",
    happens="Each single bit of a frame changed, and bursts of up to 16 bits (10,000; fewer in shorter runs), in "
    "frames of six kinds with a checksum of 16 bits or more, each between two good ones.",
    promised="Every damaged frame is refused (`bad_checksum` or `bad_frame`), each good one beside it is read, and "
    "nothing else.",
    full=60,
)
def test_f23_bit_errors(scene):
    hands = {f"odd-{kind}": f'format = "struct"\n{table}' for kind, table in KINDS.items()}
    with by_hand(scene, hands=hands) as (s, boards):
        s.steady()
        dice, damaged = random.Random(s.seed), dict.fromkeys(KINDS, 0)
        with s.fault():
            for kind, (spell, end) in SPELLED.items():
                hand = boards[f"odd-{kind}"]
                hand.write(end + _good(hand, spell, end, dice))  # what comes before it is noise
                size = 8 * len(spell((("S1", "21.5"), ("S2", "-3.25")), 1))
                plans = [(place, 1) for place in range(size)]
                plans += [(None, dice.randrange(1, 1 << 16) | 1) for _ in range(BURSTS[TIER] // len(KINDS))]
                for at in range(0, len(plans), 40):
                    said = [_said(hand, spell, end, plan, dice) for plan in plans[at : at + 40]]
                    hand.write(b"".join(said))
                    s.spend(0.1)  # as a line of 115,200 baud would take
                damaged[kind] = len(plans)
                hand.write(b"".join(_good(hand, spell, end, dice) for _ in range(40)))  # a false length is waited for
            s.prove(
                lambda: s.until(lambda: all(hand.heard() for hand in boards.values()), "all frames", 30), "all said"
            )
        s.over(bystanders=list(s.boards))
        for kind, many in damaged.items():
            found = boards[f"odd-{kind}"].status()
            assert set(found["refused"]) <= {"bad_checksum", "bad_frame"}, (kind, found)
            assert found["decoded"] == many + 41, (kind, many, found["decoded"], found["noise"], found["refused"])
            refused = sum(found["refused"].values())
            assert refused >= many if kind in ("cobs", "slip", "hdlc") else refused == many, (
                kind,
                many,
                refused,
                found["refused"],
            )


def _said(hand, spell, end, plan, dice) -> bytes:
    """A damaged frame, and then the same number in a good one."""
    values = _values(dice)
    frame = spell(values, hand.next)
    place, bits = plan
    bad = frame
    while bad == frame:
        first = place if place is not None and place < 8 * len(frame) else dice.randrange(8 * len(frame) - 15)
        bad = flipped(frame, first, bits)
    return bad + end + _declared(hand, values, frame) + end


def _good(hand, spell, end, dice) -> bytes:
    values = _values(dice)
    return _declared(hand, values, spell(values, hand.next)) + end


def _values(dice) -> frames.Row:
    return tuple((f"S{number}", f"{dice.randrange(-160, 320) / 4:.2f}") for number in (1, 2))


def _declared(hand, values, frame: bytes) -> bytes:
    """`frame`, of which these values have to come."""
    hand.declare(**{sensor: float(text) for sensor, text in values})
    return frame
