"""What single keys of the configuration take, where that is more than a kind of value: checks as in values.py."""

import re
from itertools import pairwise

from ..names import level, plain
from ..units import temperature
from .presets import Preset
from .values import BROKERS, address, any_text, choice, duration, joined, number, pair, text, texts, whole
from .words import DAY, Unfit, found, listed, nearest, quoted, wanted

FEATURES = ("mean", "std", "min", "max", "range", "median", "slope", "rate", "ewma", "zscore")
ALWAYS = ("normalized", "feature")  # in every message, without being asked for
WEEK = 7 * DAY
MOST_WINDOW = 1_000_000  # readings
MOST_CUSTOM = 16  # processes
MOST_POINTS = 100
STEEPEST = 1e100  # by so much a true value may grow for 1 of what the board says
MOST_TOLD = 5  # names of one list that a sentence repeats


def gateway_id(value: object) -> str:
    """A plain topic level; "" is the host name."""
    name = text(value)
    if name and level(name) != name:
        expected = "one plain topic level of at most 64 bytes, without / + # % or a leading $,"
        near = "" if "://" in name else f"; {quoted(plain(name))} would do"  # a URL may hold a password
        raise Unfit(f"{wanted(expected, name)}{near}")
    return name


def tags(value: object) -> dict[str, str]:
    """A table of texts."""
    if not isinstance(value, dict):
        raise wanted('a table of texts, such as { site = "north" },', value)
    for key, word in value.items():
        if not 0 < len(text(key)) <= 64 or len(text(word)) > 256:
            raise Unfit(f"names of 1 to 64 and texts of at most 256 characters were expected; see {quoted(key)}")
    if len(value) > 32:
        raise Unfit(f"at most 32 tags were expected, they are in every message; found {len(value)}")
    return value


def broker(value: object) -> str:
    """mqtt(s)://host[:port], completed, or "embedded". The sentence never repeats what may hold a password."""
    if value == "embedded":
        return "embedded"
    scheme, separator, rest = value.partition("://") if isinstance(value, str) else ("", "", "")
    if "@" in rest or "@" in scheme:
        raise Unfit(
            "no user and no password may stand here; give username, and the password in a file, as password_file"
        )
    if separator and scheme in ("ssl", "tls", "ws", "wss"):
        raise Unfit(f"{scheme}:// is not supported by this version; there is mqtt:// and, with TLS, mqtts://")
    if scheme not in BROKERS or not separator:
        near = nearest(value, ["embedded"]) if isinstance(value, str) else ""
        raise Unfit(str(wanted('"mqtt://host:1883", "mqtts://host:8883" or "embedded"', value)) + near)
    rest = rest.removesuffix("/")
    place = rest if re.search(r":[^\]:]*$", rest) else f"{rest}:{BROKERS[scheme]}"
    return f"{scheme}://" + joined(*address(place))


def listen(value: object) -> str:
    """host:port."""
    return joined(*address(text(value)))


def version(value: object) -> str:
    """The version of MQTT: 5 or 3.1.1."""
    if value in ("5", "3.1.1") or (isinstance(value, int) and value == 5):
        return str(value)
    raise wanted('5 or "3.1.1"', value)


def prefix(value: object) -> str:
    """One or more plain topic levels."""
    topic = text(value)
    if len(topic.encode()) > 200 or any(level(part) != part for part in topic.split("/")):
        raise wanted(
            'a topic such as "gateway" or "site/gateway", without + # % or a leading $, no / at an end,', topic
        )
    return topic


def port(value: object) -> str:
    """A path, socket://host:port or "auto"."""
    place = text(value)
    if place.startswith("socket://"):
        return "socket://" + joined(*address(place.removeprefix("socket://")))
    if place == "auto" or place.startswith("/"):
        return place
    raise wanted('a path such as "/dev/serial/by-id/usb-…", "socket://host:port" or "auto"', place)


def baud(value: object) -> int:
    """Bits a second; 0 is "auto": to be found by listening."""
    if value == "auto":
        return 0
    return whole(50, 12_000_000, ', or "auto",')(value)


def serial(value: object) -> str:
    """Data bits, parity (none, even, odd, mark, space) and stop bits."""
    if isinstance(value, str) and re.fullmatch("[5-8][NEOMSneoms][12]", value):
        return value.upper()
    raise wanted('data bits, parity and stop bits such as "8N1" or "7E1"', value)


def preset(value: object) -> Preset | None:
    """A preset that was found by its name, or why there is none; "" is none."""
    if isinstance(value, Unfit):
        raise value
    if value == "":
        return None
    if isinstance(value, Preset):
        return value
    raise wanted("the name of a preset, as `gateway presets` lists them,", value)


def columns(value: object) -> tuple[str, ...]:
    """Names in order; "" skips a column."""
    names = texts(value)
    twice = next((name for name in names if name and names.count(name) > 1), None)
    if twice:
        raise Unfit(f'the name {quoted(twice)} stands there twice; a column that is not wanted is ""')
    return names


def unit(value: object) -> tuple[str, ...]:
    """No unit, one, or one a column."""
    if isinstance(value, str):
        return (text(value),) if value else ()
    if isinstance(value, list):
        return texts(value)
    raise wanted('a unit such as "°C", or a list with one a column,', value)


def no_value(value: object) -> tuple[str | float, ...]:
    """Numbers and texts that mean that there is no value."""
    if not isinstance(value, list) or len(value) > 100:
        raise wanted('a list of at most 100 numbers and texts, such as [-127, "--"],', value)
    return tuple(any_text(item) if isinstance(item, str) else number(item) for item in value)


def separator(value: object) -> str:
    """One character, or "auto"."""
    if isinstance(value, str) and (
        value in ("auto", "\t") or (re.fullmatch(r'[^\w.+"-]', value) and value.isprintable())
    ):
        return value
    raise wanted('one character that is no part of a number, such as ";" or "\\t", or "auto"', value)


def line_end(value: object) -> str:
    """One character of ASCII; "" for the usual ends of lines."""
    if isinstance(value, str) and (value == "" or re.fullmatch(r"[^\w.+,\r\n -]", value, re.ASCII)) and value.isascii():
        return value
    raise wanted('one character of ASCII that is no part of a value, such as ";" or "\\u0003"', value)


def header(value: object) -> bool | str:
    """Whether the first line names the columns."""
    if isinstance(value, bool) or (isinstance(value, str) and value == "auto"):
        return value
    raise wanted('true, false or "auto"', value)


def silent(value: object) -> float | None:
    """s; None is "auto"."""
    return None if value == "auto" else duration(0.1, WEEK, ', or "auto",')(value)


def on_silence(value: object) -> tuple[str, ...]:
    """What may be tried with a silent board; [] is nothing."""
    names = texts(value)
    for name in names:
        choice("reopen", "dtr")(name)
        if names.count(name) > 1:
            raise Unfit(f"'{name}' stands there twice; take one out")
    return names


def plausible(value: object) -> tuple[float, float] | None:
    """A range, its bounds inside; [] is none."""
    if value == []:
        return None
    low, high = pair(value)
    if low > high:
        raise Unfit(f"the lowest comes first: write [{high:g}, {low:g}]")
    return low, high


def stuck(value: object) -> float:
    """s; 0 is never."""
    return 0.0 if value == "" else duration(0, WEEK, ', or "" for never,')(value)


def spike(value: object) -> float:
    """Times the median absolute deviation; 0 is never."""
    if not 0 <= number(value) <= 1000:
        raise wanted("a number from 0 (never) to 1000", value)
    return number(value)


def match(value: object) -> str:
    """A glob on "board/sensor"."""
    pattern = text(value)
    rest = re.sub(r"\[!?+\]?+[^\]]*+\]", "", pattern)
    if "[" in rest:
        raise Unfit(
            f"a [ begins a choice of characters, as in [12], and here no ] ends it: {quoted(pattern)}; "
            "write [[] for the character itself"
        )
    if "/" not in pattern and "*" not in pattern:
        raise wanted('"board/sensor", each with * and ? where any will do, such as "bench/*",', pattern)
    return pattern


def one_unit(value: object) -> str:
    """The unit in which a sensor is published; "" is the board's."""
    if isinstance(value, str) and len(value) <= 16 and value.isprintable():
        return temperature(value.strip()) or value.strip()
    raise wanted('a unit of at most 16 characters, such as "°C", or "" for the board\'s,', value)


def points(value: object) -> tuple[tuple[float, float], ...]:
    """Pairs of what the board says and what is true; [] is none."""
    if not isinstance(value, list) or not all(isinstance(one, list) and len(one) == 2 for one in value):
        raise wanted("a list of points, [[what the board says, what is true], …],", value)
    if len(value) > MOST_POINTS:
        raise Unfit(f"at most {MOST_POINTS} points were expected; found {len(value)}")
    made = tuple((number(raw), number(true)) for raw, true in value)
    for (raw, true), (then, beyond) in pairwise(made):
        if then <= raw:
            raise Unfit(
                f"what the board says must grow from point to point, and {then:g} comes after {raw:g}; sort the points "
                "by their first numbers, each of them once"
            )
        if abs(beyond - true) / (then - raw) > STEEPEST:
            raise Unfit(f"{raw!r} and {then!r} are too near to each other; leave one of these points out")
    return made


def gain(value: object) -> float:
    """What a value is multiplied by."""
    if number(value) == 0:
        raise Unfit("a gain of 0 would make all values equal; 1 changes nothing")
    return number(value)


def window(value: object) -> float | int:
    """Seconds as a float, or a count of readings as an int."""
    if isinstance(value, int) and not isinstance(value, bool):
        return whole(1, MOST_WINDOW, " readings")(value)
    return duration(0.001, WEEK, ", or a count of readings such as 100,")(value)


def use(value: object) -> tuple[str, ...]:
    """Names of features, each once."""
    names = texts(value)
    each = tuple(dict.fromkeys(names))
    wrong = []
    if unknown := [f"{quoted(name)}{nearest(name, FEATURES)}" for name in each if name not in FEATURES + ALWAYS]:
        more = f" and {len(unknown) - MOST_TOLD} more" if len(unknown) > MOST_TOLD else ""
        wrong.append(f"{listed(FEATURES)} was expected; found {' and '.join(unknown[:MOST_TOLD])}{more}")
    wrong += [f"'{name}' is in every message without being asked for; take it out" for name in each if name in ALWAYS]
    twice = [name for name in each if name in FEATURES and names.count(name) > 1]
    wrong += [f"'{name}' stands there {names.count(name)} times; leave one" for name in twice]
    if wrong:
        raise Unfit("; and ".join(wrong))
    return names


def custom(value: object) -> tuple[str, ...]:
    """Functions of modules, "module:function", each once."""
    names = texts(value)
    for name in names:
        module, colon, function = name.partition(":")
        if not colon or not function.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
            raise wanted('"module:function", such as "vibration:crest" for the function crest of vibration.py,', name)
        if module.split(".")[0] == "gateway":
            raise Unfit(f"'gateway' is the gateway's own package; call the module otherwise; found {found(name)}")
        if names.count(name) > 1:
            raise Unfit(f"{quoted(name)} stands there twice; take one out")
    if len(names) > MOST_CUSTOM:
        raise Unfit(f"at most {MOST_CUSTOM} were expected, each has a process of its own; found {len(names)}")
    return names


def scale(value: object) -> tuple[float, float]:
    """What `normalized` maps to 0…1; upside down is allowed."""
    low, high = pair(value)
    if low == high:
        raise Unfit(f"its two ends must differ, `normalized` divides by their distance; found {found(low)} twice")
    return low, high


def workers(value: object) -> int | None:
    """A number of processes; None is "auto"."""
    return None if value == "auto" else whole(1, 256, ', or "auto",')(value)
