"""What Home Assistant calls a quantity: device class, unit, state class and decimals, for values and their features.

Its tables are DEVICE_CLASS_UNITS and DEVICE_CLASS_STATE_CLASSES in homeassistant/components/sensor/const.py; a class
with a unit that it does not know has the entity refused, so a unit that is not here goes without a class.
"""

from typing import Any

MEASUREMENT = "measurement"
CLASSES: dict[str, tuple[int, str]] = {
    "temperature": (2, "°C °F K"),
    "pressure": (1, "mPa Pa hPa kPa bar cbar mbar mmHg inHg inH₂O psi"),
    "voltage": (3, "μV mV V kV MV"),
    "current": (3, "mA A"),
    "power": (1, "mW W kW MW"),
    "apparent_power": (1, "VA kVA"),
    "energy": (3, "J kJ MJ mWh Wh kWh MWh cal kcal"),
    "frequency": (1, "Hz kHz MHz GHz"),
    "illuminance": (0, "lx"),
    "irradiance": (0, "W/m²"),
    "distance": (2, "mm cm m km in ft yd mi"),
    "speed": (1, "m/s km/h mph ft/s kn"),
    "weight": (2, "kg lb oz st"),
    "signal_strength": (0, "dB dBm"),
    "duration": (1, "ms s min h d"),
    "volume_flow_rate": (2, "m³/h L/min"),
    "volume_storage": (2, "L mL m³"),
}
"""Device class -> the decimals that are shown, and its units. A class is taken for its unit."""
OF_QUANTITY: dict[tuple[str, str], str] = {
    ("humidity", "%"): "humidity",
    ("wind", "m/s"): "wind_speed", ("wind", "km/h"): "wind_speed", ("wind", "mph"): "wind_speed",
    ("wind", "kn"): "wind_speed", ("rain", "mm"): "precipitation", ("rain", "cm"): "precipitation",
    ("rain", "in"): "precipitation", ("weight", "g"): "weight", ("weight", "mg"): "weight",
}  # fmt: skip
"""(quantity, as the sensor's name says it, and unit) -> device class, where the unit alone does not tell."""
SPELLINGS = {
    "lux": "lx", "%rh": "%", "% rh": "%", "rh": "%", "µv": "μV", "uv": "μV", "kmh": "km/h",
    "kt": "kn", "lb": "lb", "lbs": "lb", "degc": "°C", "l/min": "L/min", "l": "L", "ml": "mL", "w/m2": "W/m²",
}  # fmt: skip
_UNITS = {unit: name for name, (_, units) in CLASSES.items() for unit in units.split()}
_LOWER = {unit.casefold(): unit for unit in reversed(list(_UNITS)) if unit.casefold() not in ("mw", "mv")}
ONLY_TOTALS = frozenset(("energy",))
"""Classes of meters: Home Assistant takes no momentary value for one of them."""
PLAIN = {"normalized": 4, "feature": 4, "zscore": 2}  # features without a unit, and their decimals
SPREADS = frozenset(("std", "range"))
PER_SECOND = frozenset(("slope", "rate"))
OWN_KIND = frozenset(("mean", "median", "min", "max", "ewma"))


def measure(key: str, unit: str, quantity: str) -> dict[str, Any]:
    """The keys of a sensor's component that say what it measures.

    key: "value", or the name of a feature; unit: as published, "" for none; quantity: "humidity", "wind", … or "".
    """
    if key in PLAIN:
        return {"state_class": MEASUREMENT, "suggested_display_precision": PLAIN[key]}
    known = _spelled(unit)
    name = OF_QUANTITY.get((quantity, known)) or _of_unit(known, quantity)
    decimals = CLASSES[name][0] if name in CLASSES else 1 if name else 2
    if key in PER_SECOND:
        per = {"unit_of_measurement": f"{known}/s"} if known else {}
        return {**per, "state_class": MEASUREMENT, "suggested_display_precision": decimals + 2}
    if key in SPREADS:
        name = "temperature_delta" if name == "temperature" else None
        decimals += 1
    elif key != "value" and key not in OWN_KIND:  # a user's own: nobody knows what it gives
        return {"state_class": MEASUREMENT}
    if key != "value" and name in ONLY_TOTALS:
        name = None
    return {
        **({"device_class": name} if name else {}),
        **({"unit_of_measurement": known} if known else {}),
        "state_class": "total_increasing" if name in ONLY_TOTALS else MEASUREMENT,
        "suggested_display_precision": decimals,
    }


def _spelled(unit: str) -> str:
    """A unit as Home Assistant spells it; one that it does not know stays as it is, at most 20 characters."""
    unit = unit.strip()[:20]
    if unit in _UNITS or not unit.isprintable():
        return unit if unit.isprintable() else ""
    return SPELLINGS.get(unit.casefold()) or _LOWER.get(unit.casefold()) or unit


def _of_unit(unit: str, quantity: str) -> str | None:
    """The class for which a unit stands, unless the name says that it is something else that is measured in it."""
    name = _UNITS.get(unit)
    if name == "duration" and quantity not in ("time", ""):
        return None
    if name == "distance" and quantity == "rain":
        return "precipitation"
    return name
