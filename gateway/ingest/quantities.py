"""What a name or a unit says about a value: whether it is a temperature, and in which unit it is published.

The tables here are the ones in docs/formats.md. A name is read from its end, since its last word says what it is
("battery_temp" is a temperature, "temp_alarm" is none); what is set, computed or counted is no measured temperature.
"""

import re
from functools import lru_cache
from itertools import pairwise

from ..model import FormatOptions
from ..units import TEMPERATURES, temperature
from .numbers import NUMERAL

TEMPERATURE_UNITS = frozenset(TEMPERATURES)
NAMELESS = ("value", "temperature", "temp", "t", "")
"""Names of values that say no more than what they are in, if that has a name."""

WORDS = {
    "temperature": "temp temps temperature temperatures tmp t tc thermocouple rtd ntc celsius kelvin suhu "
    "tin tout tamb tair tobj tflow tret ds18b20 lm35 max31855 max31865 max6675 mcp9808 tmp36 pt100 pt1000",
    "humidity": "hum humidity humid h rh moisture luftfeuchte feuchte nem humi",
    "pressure": "pres press pressure baro barometer bar hpa mbar druck",
    "voltage": "v u volt volts voltage vrms vcc vdd vin vout vbus vbat bat batt battery adc cell vcell",
    "current": "i a amp amps current irms ma",
    "power": "p w watt watts power pwr duty pwm output @ fan valve op",
    "energy": "e wh kwh energy",
    "light": "lux light uv brightness illuminance licht luz luce ldr uvi",
    "wind": "wind gust",
    "rain": "rain",
    "distance": "alt altitude distance dist height depth",
    "motion": "accel gyro mag speed x y z roll pitch yaw heading lat lon latitude longitude rpm pos position "
    "homed lng angle torque servo phase",
    "gas": "co co2 eco voc tvoc iaq gas ppm ppb pm aqi oxygen o2 o3 ozone ch4 methane h2s no2 so2 nh3 nh4 alcohol dust",
    "frequency": "freq frequency hz",
    "weight": "weight mass load",
    "signal": "rssi snr lqi wifi channel signal sound noise",
    "counter": "msg count counter counts pulse pulses seq sequence index cycles attempt attempts devices sensors bpm "
    "cpm probes samples sample errors warnings retries step steps progress packets bytes",
    "time": "time date datetime timestamp ts millis ms uptime clock rtc day month year hour minute second sec epoch",
    "identity": "id ident address addr serial sn mac device rom node name type model version ver fw firmware build sdk",
    "setting": "resolution emissivity kp ki kd baud interval rate delay timeout averages gain offset calibration cal "
    "hyst hysteresis configsip mode div len size heap free flash cpu port pin gpio csum tail boot rst entry line unit "
    "units",
    "other": "ph ntu ec orp tds lvl level raw ohm ohms resistance ratio analog turbidity "
    "conductivity salinity soc soh usv percent pct score fps loss vol volume vpd",
    "state": "state status alarm error err flag flags code ok on off relay switch fault valid quality",
}
STEMS = {  # for words that stand together, and in other languages: windspeedmph, dailyrainin, Umidade, Luftdruck
    "wind": "wind", "rain": "rain", "humid": "humidity", "press": "pressure", "batt": "voltage", "volt": "voltage",
    "light": "light", "temp": "temperature", "altit": "distance", "altid": "distance",
    "humed": "humidity", "umid": "humidity", "moist": "humidity", "kelembab": "humidity", "vlag": "humidity",
    "fugtig": "humidity", "páratart": "humidity", "습도": "humidity", "ẩm": "humidity", "nhiệt": "temperature",
    "온도": "temperature", "feucht": "humidity", "vocht": "humidity", "湿度": "humidity",
    "druck": "pressure", "presi": "pressure", "ciśni": "pressure", "气压": "pressure", "气圧": "pressure",
    "spannung": "voltage", "akku": "voltage", "bater": "voltage", "resist": "other", "widerst": "other",
    "wilgot": "humidity", "vlhk": "humidity", "fukt": "humidity", "kosteus": "humidity", "basınç": "pressure",
    "sıcakl": "temperature", "lämpöt": "temperature", "hőmérs": "temperature", "θερμοκ": "temperature",
    "teplot": "temperature", "温度": "temperature", "темпер": "temperature", "влажн": "humidity", "давл": "pressure",
}  # fmt: skip
PHRASES = {
    ("heat", "index"): "computed",
    ("real", "feel"): "computed",
    ("de", "calor"): "computed",
    ("rtd", "value"): "other",  # a converter's, not yet a temperature
    ("color", "temp"): "computed",
    ("color", "temperature"): "computed",
    ("d", "t"): "computed",  # dT
    ("do", "am"): "humidity",  # Vietnamese without its accents
    ("nhiet", "do"): "temperature",
}
MEASURED = frozenset(
    ("temperature", "humidity", "pressure", "voltage", "current", "power", "energy", "light", "wind", "rain")
)
"""What the name of a box of values, or of a sensor, can say of the values in it."""

NOT_MEASURED = (
    "dew dewpoint td tdew taupunkt rocio rocío rosée heatindex feels feelslike hissedilen ressenti gefühlt apparent "
    "chill windchill target setpoint set sp sv "
    "soll sollwert consigna consigne goal threshold limit delta diff hi hic realfeel percepita sensación sensacion "
    "sensação sensacao dauwpunt rosy roua росы gewenst objetivo impostata"
)
OTHER_UNITS = {
    "humidity": "% %rh rh",
    "pressure": "pa hpa kpa mpa bar mbar mmhg inhg psi atm torr",
    "voltage": "v mv uv µv kv",
    "current": "a ma ua µa",
    "power": "w mw kw va var",
    "energy": "wh kwh j kj",
    "light": "lx lux lm cd",
    "distance": "m mm cm km ft in",
    "motion": "m/s km/h kmh mph kt kn rpm g mg m/s2 m/s^2 dps rad rad/s °/s deg/s ° deg ut µt",
    "gas": "ppm ppb µg/m3 ug/m3 µg/m³",
    "frequency": "hz khz mhz",
    "weight": "kg lb lbs oz",
    "signal": "db dbm",
    "time": "s ms us µs ns min h",
    "other": "ohm ω kω ph ntu µs/cm l ml l/min usv/h µsv/h",
}
OTHER = frozenset((*WORDS, "computed")) - frozenset(
    ("temperature", "voltage", "signal", "counter", "time", "identity", "setting", "state")
)
"""What a value may be, so that its board's names say what they are: not its supply, its radio and itself."""
_NOT_MEASURED = frozenset(NOT_MEASURED.split())
_WORDS = {word: quantity for quantity, words in WORDS.items() for word in words.split()}
_OTHER_UNITS = {unit: quantity for quantity, units in OTHER_UNITS.items() for unit in units.split()}
_PREFIX = {
    mark: re.compile(NUMERAL.replace(r"\.", re.escape(mark)) + r"|[+-]?(?:nan|inf|ovf)(?![a-z])", re.A | re.I)
    for mark in ".,"
}
_BRACKETED = re.compile(r".*?[(\[] ?([^()\[\]]{1,12}?) ?[)\]]", re.DOTALL)
_GLUED = re.compile(r"(?:.*[^a-z])?(?:temp|tmp|temperature|t)s?[ _]?(?:in[ _])?([cfk])", re.IGNORECASE | re.DOTALL)
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_WORD = re.compile(r"@|[^\W\d_]+")
_NUMBERED = re.compile(r"(?<![^\W_])(?=[a-f]*\d)[\da-f]{8,}(?![^\W_])", re.IGNORECASE)  # 28ff0adc83160341 is no adc
_WRITTEN_OUT = re.compile(r"[^\W\d_]{2}")
_LONGEST = 64  # characters of a name that are read: what is remembered of hostile names has a bound
_OWN = re.compile(r"S\d{1,4}", re.ASCII)  # as columns without a name are called
_AMBIGUOUS = frozenset(("in", "min", "ms", "set", "ma", "us", "kn", "lm", "cd", "kt", "ph", "rh"))


def unit(text: str) -> str:
    """A known unit as it is published: "°C", "°F" or "K" for any spelling, others as they are; "" if unknown."""
    text = text.strip()
    return _known_unit(text) if len(text) <= 16 else ""


@lru_cache(maxsize=1024)
def _known_unit(text: str) -> str:
    if known := temperature(text):
        return known
    return text if text.casefold() in _OTHER_UNITS else ""


def measure(text: str, decimal: str = ".") -> tuple[str, str]:
    """A value and the unit written behind it: "21.5 *C" -> ("21.5", "°C"). Without a known unit: (text, "")."""
    found = _PREFIX[decimal].match(text)
    if found and found.end() < len(text) and (said := unit(text[found.end() :])):
        return found[0], said
    return text, ""


def is_other(name: str, said: str = "") -> bool:
    """Whether a name, or the unit said beside a value, is of something else that is measured."""
    return (measured_in(said) or quantity(name[-_LONGEST:])) in OTHER


def measured_in(unit: str) -> str:
    """What is measured in a unit: "temperature", a key of OTHER_UNITS, or "" when the unit does not say."""
    return "temperature" if unit in TEMPERATURE_UNITS else _OTHER_UNITS.get(unit.casefold(), "")


@lru_cache(maxsize=4096)
def unit_in_name(name: str) -> str:
    """The unit that a name carries: "Temp *C", "imu_degC", "T (°F)", "tempf", "humidity_%", "C"; "" when none."""
    if found := _BRACKETED.fullmatch(name):
        return unit(found[1])
    if found := _GLUED.fullmatch(_CAMEL.sub("_", name)):
        return unit(found[1].upper())
    if name in ("C", "F", "K"):
        return unit(name)
    words = re.split(r"[ _/]", name)
    last = words[-1]
    if len(words) > 1 and last.upper() in ("C", "F", "K") and quantity(name[: -len(last)]) == "temperature":
        return unit(last.upper())
    for tail in (" ".join(words[-2:]), last):
        if tail == "%" or (len(tail) > 1 and tail.casefold() not in _AMBIGUOUS and unit(tail)):
            return unit(tail)
    return ""


@lru_cache(maxsize=4096)
def quantity(name: str) -> str:
    """What a name measures, a key of WORDS or "computed"; "" when the name does not say."""
    text = _NUMBERED.sub(" ", name)
    words = _words(_CAMEL.sub(" ", text))
    if not _NOT_MEASURED.isdisjoint(words):
        return "computed"
    if said := next(filter(None, map(PHRASES.get, pairwise(words))), ""):
        return said
    if name.casefold() in _WORDS:
        return _WORDS[name.casefold()]
    found = _said(words, name)
    return found or (_said(_words(text), name) if _CAMEL.search(text) else "")  # pH, uSv are one word each


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _said(words: list[str], name: str) -> str:
    """What the last word says that says anything."""
    for word in reversed(words):
        if word in _WORDS and (len(word) > 1 or len(name) <= 3 or word in "xyz@"):
            return _WORDS[word]
        if len(word) > 1 and (found := next((STEMS[stem] for stem in STEMS if stem in word), "")):
            return found
    return ""


@lru_cache(maxsize=4096)
def computed(name: str) -> str:
    """What a value is that was set or computed: "target_humidity" is a humidity, and else it is a temperature."""
    words = [word.casefold() for word in _WORD.findall(_CAMEL.sub(" ", name))]
    return quantity(" ".join(word for word in words if word not in {*_NOT_MEASURED, "heat", "index"})) or "temperature"


class Asked:
    """Which of a board's values are asked for, and their units: what `unit` and `also` of its options say."""

    def __init__(self, options: FormatOptions) -> None:
        self._units = tuple(unit(text) or text for text in options.unit)
        self._fields = {field.name: unit(field.unit) or field.unit for field in options.fields if field.unit}
        self._also = frozenset(text.casefold() for text in options.also)

    def unit(
        self, name: str, said: str = "", place: int = 0, around: str = "", outer: str = "", called: str = ""
    ) -> str | None:
        """The unit in which the value called `name` is published; None when it is not asked for.

        said: the unit written beside it ("" = none), as `unit` gives it; place: its column, from 0; around: the unit
        said once for the whole record; outer: the name of what the value is in, or the frame's sensor; called: what
        the configuration calls it, where `name` is the board's. The text's unit beats the board's, which beats °C;
        units given column by column, or by a field, decide alone. What is another quantity takes no unit that is not
        its own.
        """
        field = self._field(name, outer, called)
        name, outer, called = name[-_LONGEST:], outer[-_LONGEST:], called[-_LONGEST:]
        own = field or (self._units[place] if 1 < len(self._units) > place else "")
        if own:
            return own if own in TEMPERATURE_UNITS or self._also_named(name, own, outer, called) else None
        said = said or unit_in_name(called) or unit_in_name(name)
        what = _measured(name, called)
        if what == "temperature" and said.casefold() in ("°", "deg"):
            said = ""  # degrees of what, they leave to us
        if not what and _WRITTEN_OUT.search(outer) and quantity(outer) in MEASURED:
            what = quantity(outer)  # a box called "humidity"; but "A", "P1" or "a/b" is just a name
        kind = computed(called or name) if what == "computed" else what
        if not said and kind in ("", measured_in(around)):
            said = around
        board = self._units[0] if len(self._units) == 1 else ""
        if what != "computed" and (said in TEMPERATURE_UNITS if said else what in ("", "temperature")):
            published = said or board or "°C"
            asked = published in TEMPERATURE_UNITS or self._also_named(name, published, outer, called)
            return published if asked else None
        if not self._also_named(name, said, outer, called):
            return None
        return said or (board if kind == measured_in(board) else "°C" if kind == "temperature" and not board else "")

    def plainly(self, name: str, outer: str = "", called: str = "") -> bool:
        """Whether the names alone ask for a value, so that a text in its place is a value that does not hold."""
        if (outer and name.casefold() == "value") or self._field(name, outer, called) in TEMPERATURE_UNITS:
            return True
        name, outer, called = name[-_LONGEST:], outer[-_LONGEST:], called[-_LONGEST:]
        if _OWN.fullmatch(called or name):
            return True
        what = _measured(name, called)
        in_name = unit_in_name(called) or unit_in_name(name)
        named = what == "temperature" or (what != "computed" and in_name in TEMPERATURE_UNITS)
        return named or self._also_named(name, "", outer, called)

    def _field(self, name: str, outer: str, called: str) -> str:
        """The unit that a field gives to a value: one of its whole name, or, in what has a name, of its own."""
        if not self._fields:
            return ""
        own = called or name
        names = (f"{outer}.{own}", own, outer if own.casefold() in NAMELESS else "")
        return next((said for each in names if (said := self._fields.get(each))), "")

    def certain(self, name: str, said: str = "", place: int = 0, outer: str = "", called: str = "") -> bool:
        """Whether a temperature is one by a name, a unit or the configuration, and not only since nothing else is said.

        The names and units as `unit` takes them; said: beside the value, or for it alone.
        """
        if 1 < len(self._units) > place or said or (called and called != name):
            return True
        name, outer = name[-_LONGEST:], outer[-_LONGEST:]
        named = "temperature" in (quantity(name), quantity(outer) if _WRITTEN_OUT.search(outer) else "")
        return named or unit_in_name(name) in TEMPERATURE_UNITS

    def _also_named(self, name: str, said: str, outer: str, called: str) -> bool:
        """Whether `also` has one of the value's names, its outer name, or what it measures by these or by its unit."""
        if not self._also:
            return False
        what = _measured(name, called) or quantity(outer)
        names = (name, outer, f"{outer}.{name}", called, what, measured_in(said))
        return any(each.casefold() in self._also for each in names if each)


def _measured(name: str, called: str) -> str:
    """What a value measures: as the board's name for it says, unless that says nothing, or we call it a temperature."""
    what, other = quantity(name), quantity(called)
    return other if other == "temperature" or not what else what
