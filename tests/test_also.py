"""Quantities that are no temperature, asked for by `also`: each is a sensor of its own, in its own unit or in none."""

import pytest

from gateway.ingest.asked_for import Asked
from gateway.ingest.formats import FORMATS
from gateway.model import Decoded, FormatOptions, Noise, Sample, Why

WEATHER = (
    b"$,winddir=270,windspeedmph=0.0,humidity=50.4,tempf=71.3,rainin=0.00,pressure=101325.00,batt_lvl=4.20,"
    b"light_lvl=0.72,#"
)
EMON = b"MSG:12,Vrms:240.31,P1:412,P2:-3,E1:10231,T1:21.50,T2:19.88,pulse:0"


def samples(format: str, *lines: bytes, **options: tuple[str, ...]) -> list[tuple[str, float, str]]:
    """(sensor, value, unit) of all that `lines` hold; none of them may have a value that does not hold."""
    made, out = FORMATS[format](FormatOptions(**options)), []
    for line in lines:
        result = made.decode(line)
        if isinstance(result, Decoded):
            assert result.bad == []
            out += [(sample.sensor, sample.value, sample.unit) for sample in result.samples]
    return out


@pytest.mark.parametrize("format", ["kv", "auto"])
@pytest.mark.parametrize("turns", [1, 3])
class TestPairs:
    """Boards that write names and values; by the third line the quick way reads them."""

    def test_bme280(self, format, turns):
        """A line each: humidity and pressure come in the units behind them, the altitude was not asked for."""
        block = b"Temperature = 21.87 *C|Pressure = 1008.33 hPa|Approx. Altitude = 41.03 m|Humidity = 44.12 %|"
        found = samples(format, *turns * block.split(b"|"), also=("humidity", "pressure"))
        assert found == turns * [("Temperature", 21.87, "°C"), ("Pressure", 1008.33, "hPa"), ("Humidity", 44.12, "%")]

    def test_weather_shield(self, format, turns):
        """A °F board: what comes without a unit and is no temperature has none, whatever the board's `unit`."""
        wanted = [("humidity", 50.4, ""), ("tempf", 71.3, "°F"), ("pressure", 101325.0, ""), ("batt_lvl", 4.2, "")]
        for unit in ((), ("°F",)):
            also = ("humidity", "pressure", "batt_lvl")
            assert samples(format, *turns * [WEATHER], also=also, unit=unit) == turns * wanted

    def test_emontx(self, format, turns):
        """A voltage by its own name, and under another one: it stays what the board's name for it says."""
        temperatures = [("T1", 21.5, "°C"), ("T2", 19.88, "°C")]
        assert samples(format, *turns * [EMON]) == turns * temperatures
        assert samples(format, *turns * [EMON], columns=("Vrms=mains",)) == turns * temperatures
        for also in ("Vrms", "voltage", "mains"):
            found = samples(format, *turns * [EMON], columns=("Vrms=mains", "T1=battery"), also=(also,))
            assert found == turns * [("mains", 240.31, ""), ("battery", 21.5, "°C"), ("T2", 19.88, "°C")]

    def test_what_is_called_a_temperature_is_one(self, format, turns):
        """A new name that says so beats the board's."""
        found = samples(format, *turns * [b"P1:21.5,P2:412"], columns=("P1=temperature",))
        assert found == turns * [("temperature", 21.5, "°C")]


@pytest.mark.parametrize("format", ["json", "auto"])
class TestJson:
    """Objects."""

    def test_emontx(self, format):
        """The same board, set to JSON."""
        line = b'{"MSG":12,"Vrms":240.31,"P1":412,"T1":21.50,"pulse":0}'
        for also in ("Vrms", "voltage", "mains"):
            found = samples(format, line, columns=("Vrms=mains",), also=(also,))
            assert found == [("mains", 240.31, ""), ("T1", 21.5, "°C")]

    def test_tasmota(self, format):
        """A key that names the unit of another one is no value of it."""
        line = b'{"BME280":{"Temperature":21.1,"Humidity":40.1,"Pressure":1008.1},"PressureUnit":"hPa","TempUnit":"C"}'
        found = samples(format, line, also=("humidity", "pressure"))
        assert found == [("BME280", 21.1, "°C"), ("BME280.Humidity", 40.1, ""), ("BME280.Pressure", 1008.1, "")]

    @pytest.mark.parametrize(
        ("line", "unit"),
        [
            (b'{"sensor":"hum","value":40,"unit":"%"}', "%"),
            (b'{"hum":{"value":40,"unit":"%"}}', "%"),
            (b'{"hum":{"value":40,"unit":"C"}}', ""),  # no humidity is measured in °C
            (b'{"hum":{"value":40,"count":3,"status":"ok"}}', ""),
        ],
    )
    def test_a_unit_said_for_the_record(self, format, line, unit):
        """It is the value's when it is a unit of what the value is."""
        assert samples(format, line, also=("humidity",)) == [("hum", 40.0, unit)]


@pytest.mark.parametrize("turns", [1, 3])
class TestRows:
    """Columns."""

    @pytest.mark.parametrize("format", ["csv", "auto"])
    def test_header(self, format, turns):
        """The header names the quantity and its unit."""
        lines = [b"imu_degC,humidity_%,vbat_V", *turns * [b"20.5,44.0,3.7"]]
        found = samples(format, *lines, also=("humidity", "voltage"))
        assert found == turns * [("imu_degC", 20.5, "°C"), ("humidity_%", 44.0, "%"), ("vbat_V", 3.7, "")]

    @pytest.mark.parametrize(("format", "line"), [("csv", b"70.5,44.0"), ("plain", b"70.5 44.0")])
    @pytest.mark.parametrize(("unit", "units"), [((), ("°C", "")), (("F",), ("°F", "")), (("F", "%"), ("°F", "%"))])
    def test_columns(self, format, line, unit, units, turns):
        """The board's one `unit` is for temperatures; a list has one for each."""
        found = samples(format, *turns * [line], columns=("t", "rh"), unit=unit, also=("rh",))
        assert found == turns * [("t", 70.5, units[0]), ("rh", 44.0, units[1])]

    @pytest.mark.parametrize("format", ["plain", "auto"])
    def test_plain(self, format, turns):
        """Units behind the numbers; and a lone value is called by what its unit measures."""
        found = samples(format, *turns * [b"21.5 *C 44.1 %"], also=("humidity",))
        assert found == turns * [("S1", 21.5, "°C"), ("S2", 44.1, "%")]
        assert samples(format, *turns * [b"1008.3 hPa"], also=("pressure",)) == turns * [("pressure", 1008.3, "hPa")]
        assert samples(format, *turns * [b"21.5 *C"], also=("pressure",)) == turns * [("temperature", 21.5, "°C")]


def test_a_label_of_another_quantity():
    """In `plain` such a line is noise, asked for or not: it has no name but the label. `kv` reads it."""
    line, options = b"humidity: 44.1", FormatOptions(also=("humidity",))
    assert FORMATS["plain"](options).decode(line) == Noise(line)
    assert FORMATS["kv"](options).decode(line) == Decoded([Sample("humidity", 44.1, "")], [])
    assert FORMATS["auto"](options).decode(line) == Decoded([Sample("humidity", 44.1, "")], [])


def test_sentinels_of_other_quantities():
    """`none` holds for them too: the weather shield's 998 is no humidity."""
    made = FORMATS["kv"](FormatOptions(also=("humidity",), none=(998.0, 999.0)))
    for _ in range(3):
        result = made.decode(WEATHER.replace(b"50.4", b"998.0"))
        assert ([sample.sensor for sample in result.samples], result.bad) == (
            ["tempf"],
            [("humidity", Why.ERROR_MARK)],
        )


@pytest.mark.parametrize(
    ("name", "published"),
    [("Dew point", "°F"), ("DewPoint", "°F"), ("heat_index", "°F"), ("windchill", "°F"), ("target_temp", "°F"),
     ("target_humidity", ""), ("setpoint", "°F"), ("limit_V", "")],
)  # fmt: skip
def test_what_was_set_or_computed(name, published):
    """A dew point is a temperature when it is asked for by its name; what says that it is something else is that."""
    also = FormatOptions(also=(name,))
    assert Asked(FormatOptions(unit=("°F",))).unit(name) is None
    assert Asked(FormatOptions(also=(name,), unit=("°F",))).unit(name) == published
    assert Asked(also).unit(name, around="°F") == published
    assert Asked(also).unit(name) == published.replace("F", "C")
    assert Asked(also).unit(name, said="K") == "K"
