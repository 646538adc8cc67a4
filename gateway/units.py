"""The units of temperature: how they are spelled, and how a value in one becomes a value in another. Pure."""

import re
from collections.abc import Callable

TEMPERATURES = ("°C", "°F", "K")

_DEGREE = r"(?:Â?[°º˚]|[*'´’]|deg(?:ree)?s?\.?|grad)"
_SPELLED = re.compile(
    rf"(?:{_DEGREE} ?)?(celsius|centigrade|cel|fahrenheit|kelvin|[CFK])|{_DEGREE} ?([cfk])|([CFK])[°º˚]|(℃)|(℉)",
    re.IGNORECASE,
)
BEHIND = rf"(?:(?:{_DEGREE} ?)?(?:celsius|centigrade|cel|fahrenheit|kelvin|[CFK])(?!\w)[°º˚]?|[℃℉])"
"""A unit of temperature behind a number, as a pattern (with re.IGNORECASE): what `temperature` knows, and "23 c"."""

Conversion = Callable[[float], float]

CONVERSIONS: dict[tuple[str, str], Conversion] = {
    ("°C", "°F"): lambda value: value * 9.0 / 5.0 + 32.0,
    ("°C", "K"): lambda value: value + 273.15,
    ("°F", "°C"): lambda value: (value - 32.0) * 5.0 / 9.0,
    ("°F", "K"): lambda value: (value + 459.67) * 5.0 / 9.0,
    ("K", "°C"): lambda value: value - 273.15,
    ("K", "°F"): lambda value: value * 9.0 / 5.0 - 459.67,
}
"""(from, to) -> how. Source: NIST Special Publication 811, appendix B.8; exact by definition, here in float64."""


def temperature(text: str) -> str:
    """ "°C", "°F" or "K" for any spelling of it; "" for what is none. A single small letter is none."""
    found = _SPELLED.fullmatch(text)
    if found is None or (len(text) == 1 and text not in "CFK℃℉\u212a"):
        return ""
    letter = (found[1] or found[2] or found[3] or ("c" if found[4] else "f"))[0].upper()
    return "K" if letter in "K\u212a" else "°" + letter


def becomes(unit: str, wanted: str) -> bool:
    """Whether a value in `unit` can be published in `wanted`.

    Temperatures become each other; any other unit only stays itself. A value without a unit takes on a `wanted` one
    that is no temperature's: there is nothing to convert, and a humidity is no temperature because somebody says so.
    """
    return unit == wanted or (unit, wanted) in CONVERSIONS or (unit == "" and wanted not in TEMPERATURES)
