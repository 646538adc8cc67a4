"""Device classes, units and decimals as Home Assistant has them."""

import pytest

from gateway.publish.home.measures import measure


def kind(key, unit, quantity=""):
    """Class, unit, state class."""
    found = measure(key, unit, quantity)
    return found.get("device_class"), found.get("unit_of_measurement"), found["state_class"]


@pytest.mark.parametrize(
    ("unit", "quantity", "name", "spelled"),
    [
        ("°C", "", "temperature", "°C"),
        ("K", "", "temperature", "K"),
        ("%", "humidity", "humidity", "%"),
        ("%RH", "humidity", "humidity", "%"),
        ("%", "", None, "%"),
        ("hpa", "pressure", "pressure", "hPa"),
        ("lux", "light", "illuminance", "lx"),
        ("mV", "voltage", "voltage", "mV"),
        ("µV", "voltage", "voltage", "μV"),
        ("mW", "power", "power", "mW"),
        ("m/s", "wind", "wind_speed", "m/s"),
        ("m/s", "", "speed", "m/s"),
        ("mm", "rain", "precipitation", "mm"),
        ("mm", "distance", "distance", "mm"),
        ("g", "motion", None, "g"),
        ("g", "weight", "weight", "g"),
        ("ppm", "gas", None, "ppm"),
        ("furlong", "", None, "furlong"),
        ("", "", None, None),
        ("a\x00", "", None, None),
    ],
)
def test_a_value_is_what_its_unit_says(unit, quantity, name, spelled):
    """The unit says what a value is, with its name where that alone does not; no class is given without its unit."""
    assert kind("value", unit, quantity) == (name, spelled, "measurement")


def test_a_spread_of_temperatures_is_a_difference():
    """A standard deviation of 1 °C is not 33.8 °F: it is a difference, and so is a range."""
    assert kind("std", "°C") == ("temperature_delta", "°C", "measurement")
    assert kind("range", "°F") == ("temperature_delta", "°F", "measurement")
    assert kind("std", "%", "humidity") == (None, "%", "measurement")


def test_features_of_the_value_are_of_its_kind():
    """Means and extremes are temperatures, slopes are per second, and scaled values have no unit."""
    for key in ("mean", "median", "min", "max", "ewma"):
        assert kind(key, "°C") == ("temperature", "°C", "measurement")
    for key in ("slope", "rate"):
        assert kind(key, "°C") == (None, "°C/s", "measurement")
    for key in ("normalized", "feature", "zscore"):
        assert kind(key, "°C") == (None, None, "measurement")
    assert kind("of_my_own", "°C") == (None, None, "measurement")


def test_a_meter_counts_up():
    """Energy is a total, which is what Home Assistant takes; its mean is none."""
    assert kind("value", "kWh", "energy") == ("energy", "kWh", "total_increasing")
    assert kind("mean", "kWh", "energy") == (None, "kWh", "measurement")
