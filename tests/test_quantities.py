"""What names and units say, how strictly numbers are read, and that the documentation's tables are the code's."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest import quantities
from gateway.ingest.asked_for import Asked
from gateway.ingest.numbers import NUMERAL, SHORT, number, value, whole
from gateway.ingest.quantities import measure, quantity, unit, unit_in_name
from gateway.model import FormatOptions, Why

DOCS = (Path(__file__).parent.parent / "docs" / "formats.md").read_text()


SPELLINGS = ["C", "°C", "ºC", "˚C", "*C", "'C", "degC", "deg C", "deg. C", "degrees C", "degree C", "°c", "Â°C", "° C"]


@pytest.mark.parametrize("text", [*SPELLINGS, "℃", "Celsius", "celsius"])
def test_celsius(text):
    """Every spelling of the degree Celsius is published as "°C"."""
    assert unit(text) == "°C"


@pytest.mark.parametrize("text", [*[text[:-1] + "F" for text in SPELLINGS], "℉", "Fahrenheit"])
def test_fahrenheit(text):
    """Every spelling of the degree Fahrenheit is published as "°F"."""
    assert unit(text) == "°F"


def test_other_units():
    """Kelvin is "K"; a known unit of another quantity stays as it is; what is no unit is none."""
    assert [unit(text) for text in ("K", "kelvin", "°K", "\u212a")] == ["K"] * 4
    assert [unit(text) for text in ("%", "hPa", " mV ", "m/s")] == ["%", "hPa", "mV", "m/s"]
    assert [unit(text) for text in ("", "c", "f", "k", "x", "°", "C C", "C" * 99)] == ["", "", "", "", "", "°", "", ""]


@pytest.mark.parametrize(
    "text, numeral, said",
    [
        ("21.5 *C", "21.5", "°C"), ("-0.5C", "-0.5", "°C"), ("nan °C", "nan", "°C"), ("40%", "40", "%"),
        (".5K", ".5", "K"),
        ("21.5", "21.5", ""), ("1_000", "1_000", ""), ("0x10", "0x10", ""), ("21.5 x", "21.5 x", ""), ("C", "C", ""),
    ],
)  # fmt: skip
def test_measure(text, numeral, said):
    """A number is parted from the unit behind it; what has no known unit stays whole, so that it is refused."""
    assert measure(text) == (numeral, said)


NAMES = {
    "°C": "T1 temp Temp_*C imu_degC temp_c tC Temperature_in_Celsius battery_temp wind.temp CPU_temp S3 BRDT inlet "
    "Probe_A "
    "T_in T_out T_h T_v T(in) T_10 TC1 Amb CH1 MAX31865 MAX6675_1 C B Living_Room 28FF641E8C160457 "
    "Vorlauf_(°C) Nhiet_do Température Temperatura Teplota 温度",
    "°F": "tempf tempF temp_f degF F T_(°F) T[F]",
    "K": "tempK T_(K) Kelvin_K",
    None: "hum Hum._% RH humidity_% pressure baro Vrms P1 E3 V MSG pulse count time rtcDate output_Hz aX gZ x winddir "
    "windspeedmph dailyrainin batt_lvl light_lvl temp_alarm Dew_point DewPoint Heat_index target_temp setpoint "
    "Resolution Temperature_for_device Emissivity eCO2 pH pH_value uSv/h soilMoist attempts Id @ B@ H status "
    "Umidade Humedad Luftfeuchtigkeit Feuchte_innen Humidité Luftdruck Presión Spannung Akkustand Batería Taupunkt "
    "Vlaga Kelembaban RealFeel Dauwpunt Color_Temp Do_am dT "
    "RTD_value Ratio Resistance Widerstand raw_value SP Sollwert Влажность 湿度 Kp raw_temp RAWTEMP rawTemp adc raw "
    "up ch channel T_bat T_count T_d",
}


@pytest.mark.parametrize("published, name", [(key, name) for key, names in NAMES.items() for name in names.split()])
def test_names(published, name):
    """A name says whether its value is a temperature, and in which unit; one that says nothing is taken for one."""
    name = name if name in ("imu_degC", "temp_c", "temp_f", "batt_lvl") else name.replace("_", " ")
    assert Asked(FormatOptions()).unit(name) == published


NO_TEMPERATURES = (
    "Punto di rugiada,Daggpunkt,Dugpunkt,Duggpunkt,Rosný bod,Kastepiste,Harmatpont,Çiy noktası,露点,露点温度,이슬점,"
    "Điểm sương,Ponto de orvalho,Taupunkttemperatur,Gefühlte Temperatur,Wet bulb,Feuchtkugel,Frostpunkt,Humidex,WBGT,"
    "THSW,Solltemperatur,Vorgabe,Zieltemperatur,Ziel,Tset,Setpunkt,Уставка,设定温度,Nastawa,Žádaná teplota,Börvärde,"
    "Ayar,Valor deseado,Riferimento,Referencia,Wanted,Desired,Demand,Requested,Target,"
    "Alarm low,Trip,Cutoff,Grenzwert,Schwelle,Umbral,Hysteresis,Hysterese,Offset,Korrektur,Calib,ΔT,∆T,Differenz,Écart,"
    "Diferencia,Spreizung,Error,Drift,Tmin,Tmax,Min,Max,Average,Mittel,T_min,temp_max_f,id,addr,mac,channel,uid,slave,deviceid,sensor_id"
)


@pytest.mark.parametrize("name", NO_TEMPERATURES.split(","))
def test_names_of_no_measured_temperature(name):
    """What is felt, set, a limit, a difference, a statistic or an identity is none, whatever unit is behind it."""
    for spelled in (name, name.upper(), name.replace(" ", "_")):
        assert Asked(FormatOptions()).unit(spelled) is None and Asked(FormatOptions()).unit(spelled, "°C") is None
    assert not Asked(FormatOptions()).plainly(name)
    assert Asked(FormatOptions(also=(name,))).unit(name, "°C") == "°C"


def test_words_that_are_parts_of_others():
    """Words are whole ones: a chip called MAX31855 is no maximum, Cel a unit, and node 3 measures something."""
    asked = Asked(FormatOptions())
    names = ("MAX31855 temp", "Zielona", "Temp Cel", "AirTC_Avg", "Node 3", "Device 1")
    assert [asked.unit(name, "°C") for name in names] == ["°C"] * 6
    assert asked.unit("id", "°C", called="temp") == "°C" and unit_in_name("T (in)") == ""


def test_who_says_the_unit():
    """The value's unit beats the name's, the name's the record's, that the board's, and all beat °C."""
    asked = Asked(FormatOptions())
    assert [asked.unit("T1"), asked.unit("T1", around="K"), asked.unit("tempf", around="K")] == ["°C", "K", "°F"]
    assert asked.unit("tempf", "K") == "K"
    assert Asked(FormatOptions(unit=("degF",))).unit("T1", "°C") == "°C"
    assert Asked(FormatOptions(unit=("degF",))).unit("T1") == "°F"
    assert Asked(FormatOptions(unit=("degF",))).unit("hum") is None
    by_column = Asked(FormatOptions(unit=("K", "", "%")))
    assert [by_column.unit("hum", place=place) for place in range(4)] == ["K", None, None, None]
    assert by_column.unit("T1", place=1) == "°C"


def test_also():
    """`also` asks for more, by the name of a value, of what it is in, or of what it measures, in its own unit."""
    cases = ("humidity", "RH", "", ""), ("rh", "RH", "", ""), ("pressure", "x1", "hPa", ""), ("Box", "hum", "%", "box")
    for wanted, name, said, outer in cases:
        assert Asked(FormatOptions(also=(wanted,))).unit(name, said, outer=outer) == said
        assert Asked(FormatOptions()).unit(name, said, outer=outer) is None


def test_outer_names():
    """What a value is in says what the value's own name does not; a name that is a mere label says nothing."""
    asked = Asked(FormatOptions())
    assert asked.unit("inside", outer="humidity") is None
    assert [asked.unit("value", outer=outer) for outer in ("A", "P1", "a/b", "device 3", "channel-2")] == ["°C"] * 5
    assert asked.unit("temp", outer="wind") == "°C"
    assert [asked.unit("value", outer=outer) for outer in ("b02e736b9adc", "28-0adc835afbb3")] == ["°C"] * 2
    assert [asked.unit(name) for name in ("28FF0ADC83160341", "0adc8316 temp", "adc1", "0adc8316 hum")] == [
        "°C", "°C", None, None
    ]  # fmt: skip


@given(st.text(max_size=200), st.text(max_size=20))
def test_any_name(name, said):
    """No name and no unit raises, and a published unit is short."""
    for options in (FormatOptions(), FormatOptions(also=("humidity",))):
        published = Asked(options).unit(name, unit(said), outer=said)
        assert published is None or len(published) <= 16
    assert isinstance(quantity(name), str) and len(unit_in_name(name)) <= 16
    numeral, found = measure(name)
    assert name.startswith(numeral) and (found == "") == (numeral == name)


@pytest.mark.parametrize("text", ["+025.3", "022.0", "-0.50", ".5", "7.", "+2.615E+01", "5e-324", "1e308", "-0", "0"])
def test_numbers(text):
    """What boards print as numbers is read as float() reads it."""
    found = number(text)
    assert (
        isinstance(found, float) and math.copysign(1, found) == math.copysign(1, float(text)) and found == float(text)
    )


@pytest.mark.parametrize(
    "text",
    [
        "1_000",
        "１２.５",
        "0x10",
        "1,5",
        "--",
        "",
        " 1",
        "1 ",
        "1e",
        "e5",
        ".",
        "+",
        "1.2.3",
        "-3.-25",
        "1,2.3",
        "None",
        "٣",
        "1\n",
    ],
)
def test_no_numbers(text):
    """What float() takes too kindly, or would not take, is no number."""
    assert number(text) is Why.NOT_A_NUMBER


@pytest.mark.parametrize(
    "text",
    [
        *["nan", "NaN", "-nan", "inf", "-inf", "+Infinity", "ovf", "-ovf", "1.#INF", "-1.#IND", "1e309"],
        "9" * 400,
        "-" + "9" * 5000,
    ],
)
def test_not_finite(text):
    """Every spelling of NaN and infinity, and what overflows, is not finite."""
    assert number(text) is Why.NOT_FINITE


def test_decimal_comma():
    """With a decimal comma a point is refused, and nothing marks thousands."""
    assert number("23,50", ",") == 23.5
    assert [number(text, ",") for text in ("23.50", "1.023,5", "1,023,5")] == [Why.NOT_A_NUMBER] * 3


def test_error_marks():
    """A mark is compared exactly, as a number or as the text that it was."""
    assert value("85.00", frozenset([85])) is Why.ERROR_MARK
    assert value("85.00", frozenset(["85.00"])) is Why.ERROR_MARK
    assert value("ERR", frozenset(["ERR"])) is Why.ERROR_MARK
    assert [value("85.0", frozenset(["85.00"])), value("85.01", frozenset([85]))] == [85.0, 85.01]


def test_whole():
    """A count is a whole number that fits into 64 bits."""
    assert [whole(text) for text in ("0", "007", "9" * 18)] == [0, 7, 10**18 - 1]
    assert [whole(text) for text in ("", "-1", "1.0", "1_0", "٣", "9" * 19)] == [None] * 6


@given(st.one_of(st.text("0123456789+-.eE_ naif", max_size=12), st.floats().map(repr), st.integers().map(str)))
def test_the_pattern_is_a_part_of_float(text):
    """What is read as a number is what float() makes of it; the short pattern takes only finite ones of those."""
    found = number(text)
    if isinstance(found, Why):
        assert found is Why.NOT_A_NUMBER or not math.isfinite(float(text))
    else:
        assert found == float(text) and re.fullmatch(NUMERAL, text)
    if re.fullmatch(SHORT, text):
        assert isinstance(found, float)


def test_the_documented_tables():
    """docs/formats.md lists the words, stems and units that the code knows, no more and no fewer."""
    rows = dict(re.findall(r"^\| (\w[\w ]*) \| (.+?) \|$", DOCS, re.MULTILINE))
    for what, words in quantities.WORDS.items():
        assert set(re.findall(r"`([^`]+)`", rows[f"{what} by name"])) == set(words.split()), what
    for what, units in quantities.OTHER_UNITS.items():
        assert set(re.findall(r"`([^`]+)`", rows[f"{what} by unit"])) == set(units.split()), what
    assert set(re.findall(r"`([^`]+)`", rows["not measured"])) == set(quantities.NOT_MEASURED.split()) | {
        "heat index",
        "color temp",
        "wet bulb",
    }
    assert set(re.findall(r"`([^`]+)`", rows["alone"])) == set(quantities.ALONE)
    assert set(re.findall(r"`([^`]+)`", rows["inside a word"])) == set(quantities.STEMS)
