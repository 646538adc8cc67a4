"""The units of temperature: how they are spelled, and how a value in one becomes a value in another. Pure."""

import re
from collections.abc import Callable

TEMPERATURES = ("°C", "°F", "K")

DEGREE = r"(?:Â?[°º˚]|[*'´’]|deg(?:ree)?s?\.?)"
_SPELLED = re.compile(rf"(?:{DEGREE} ?)?(celsius|fahrenheit|kelvin|[CFK])|{DEGREE} ?([cfk])|(℃)|(℉)", re.IGNORECASE)

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
    letter = (found[1] or found[2] or ("c" if found[3] else "f"))[0].upper()
    return "K" if letter in "K\u212a" else "°" + letter


def becomes(unit: str, wanted: str) -> bool:
    """Whether a value in `unit` can be published in `wanted`.

    Temperatures become each other; any other unit only stays itself. A value without a unit takes on a `wanted` one
    that is no temperature's: there is nothing to convert, and a humidity is no temperature because somebody says so.
    """
    return unit == wanted or (unit, wanted) in CONVERSIONS or (unit == "" and wanted not in TEMPERATURES)
