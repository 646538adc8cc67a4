"""What a name or a unit says about a value: what it measures, and how that unit is spelled when it is published.

The tables here are the ones in docs/formats.md. A name is read from its end, since its last word says what it is
("battery_temp" is a temperature, "temp_alarm" is none); what is set, computed or counted is no measured temperature.
"""

import re
from functools import lru_cache
from itertools import pairwise

from ..units import TEMPERATURES, temperature
from .numbers import NUMERAL

TEMPERATURE_UNITS = frozenset(TEMPERATURES)
NAMELESS = ("value", "temperature", "temp", "t", "")
"""Names of values that say no more than what they are in, if that has a name."""
WRITTEN_OUT = re.compile(r"[^\W\d_]{2}")
"""What a word has, and "A", "P1" and "a/b" have not: those are just names."""
LONGEST = 64
"""Characters of a name that are read: what is remembered of hostile names has a bound."""

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
    "identity": "id ident address addr serial sn mac device rom node name type model version ver fw firmware build sdk "
    "uid uuid guid idx slave station deviceid devid nodeid sensorid stationid unitid probeid",
    "setting": "resolution emissivity kp ki kd baud interval rate delay timeout averages gain cal "
    "configsip mode div len size heap free flash cpu port pin gpio csum tail boot rst entry line unit "
    "units",
    "other": "ph ntu ec orp tds lvl level raw ohm ohms resistance ratio analog turbidity "
    "conductivity salinity soc soh usv percent pct score fps loss vol volume vpd",
    "state": "state status alarm error err flag flags code ok on off relay switch fault valid quality",
}
STEMS = {  # for words that stand together, and in other languages: windspeedmph, dailyrainin, Umidade, Luftdruck
    "taupunkt": "computed", "露点": "computed", "이슬점": "computed", "solltemp": "computed", "zieltemp": "computed",
    "设定": "computed", "設定": "computed", "目标": "computed", "目標": "computed",
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
    ("wet", "bulb"): "computed",
    ("t", "d"): "computed",  # dew, as Td
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
    "sensação sensacao dauwpunt rosy roua росы gewenst objetivo impostata "
    "rugiada daggpunkt dugpunkt duggpunkt rosný kastepiste harmatpont çiy 露点 이슬점 sương orvalho gefühlte wetbulb "
    "feuchtkugel frostpunkt humidex wbgt thsw "
    "vorgabe ziel tset setpunkt уставка nastawa žádaná börvärde ayar deseado deseada riferimento referencia wanted "
    "desired demand requested "
    "trip cutoff grenzwert schwelle umbral hyst hysteresis hysterese offset korrektur calib calibration δ ∆ "
    "differenz écart ecart diferencia spreizung drift "
    "min max minimum maximum tmin tmax"
)
ALONE = {
    "amb": "temperature", "ambient": "temperature", "up": "time", "ch": "identity", "chan": "identity",
    "avg": "computed", "average": "computed", "mean": "computed", "mittel": "computed", "mittelwert": "computed",
}  # fmt: skip
"""What a whole name says, and a part of one does not: CH1 is what is measured at 1, AirTC_Avg what loggers measure."""
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
WORDS_TOO = frozenset(("in", "min", "ms", "set", "ma", "us", "kn", "lm", "cd", "kt"))
"""What is a unit behind a number, and else a word or the end of one."""
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
_WORD = re.compile(r"@|[Δ∆](?=[ _]?[Tt])|[^\W\d_]+")
_NUMBERED = re.compile(r"(?<![^\W_])(?=[a-f]*\d)[\da-f]{8,}(?![^\W_])", re.IGNORECASE)  # 28ff0adc83160341 is no adc
_CHIP = re.compile(r"(?<![^\W_])max(?=\d{4})", re.IGNORECASE)  # max31855 is no maximum
_LIMITS = frozenset(("alarm", "alarms", "error", "err"))  # of a state, or in degrees
_DEVICES = frozenset(("channel", "ch", "chan"))
_PLACE = re.compile(r"t[ _.([-]+(?:(?=[^\W\d_]{2}|\d)|[^\W\d_]\Z)", re.IGNORECASE)  # T_in, T(in), T_10, T_h
_NO_UNITS = WORDS_TOO | {"ph", "rh"}  # at the end of a name


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
    return (measured_in(said) or quantity(name[-LONGEST:])) in OTHER


def measured_in(unit: str) -> str:
    """What is measured in a unit: "temperature", a key of OTHER_UNITS, or "" when the unit does not say."""
    return "temperature" if unit in TEMPERATURE_UNITS else _OTHER_UNITS.get(unit.casefold(), "")


@lru_cache(maxsize=4096)
def unit_in_name(name: str) -> str:
    """The unit that a name carries: "Temp *C", "imu_degC", "T (°F)", "tempf", "humidity_%", "C"; "" when none."""
    if found := _BRACKETED.fullmatch(name):
        is_place = found[1].casefold() == "in" and quantity(name[: found.start(1) - 1]) == "temperature"
        return "" if is_place else unit(found[1])
    if found := _GLUED.fullmatch(_CAMEL.sub("_", name)):
        return unit(found[1].upper())
    if name in ("C", "F", "K"):
        return unit(name)
    words = re.split(r"[ _/]", name)
    last = words[-1]
    if len(words) > 1 and last.upper() in ("C", "F", "K") and quantity(name[: -len(last)]) == "temperature":
        return unit(last.upper())
    for tail in (" ".join(words[-2:]), last):
        if tail == "%" or (len(tail) > 1 and tail.casefold() not in _NO_UNITS and unit(tail)):
            return unit(tail)
    return ""


@lru_cache(maxsize=4096)
def quantity(name: str) -> str:
    """What a name measures, a key of WORDS or "computed"; "" when the name does not say."""
    text = _CHIP.sub(" ", _NUMBERED.sub(" ", name))
    words = _words(_CAMEL.sub(" ", text))
    if not _NOT_MEASURED.isdisjoint(words):
        return "computed"
    if said := next(filter(None, map(PHRASES.get, pairwise(words))), ""):
        return said
    if any(word.startswith("raw") for word in words):
        return "other"  # steps of a converter
    if name.casefold() in _WORDS or name.casefold() in ALONE:
        return _WORDS.get(name.casefold()) or ALONE[name.casefold()]
    if (place := _PLACE.match(name)) and quantity(name[place.end() :]) in ("", "temperature"):
        return "temperature"
    found = _said(words, name)
    return found or (_said(_words(text), name) if _CAMEL.search(text) else "")  # pH, uSv are one word each


@lru_cache(maxsize=4096)
def is_unmeasured(name: str) -> bool:
    """Whether a name says that its value is no measured temperature, whatever letter stands behind it: "ID:3C"."""
    words = _words(_CAMEL.sub(" ", name))
    if (what := quantity(name)) == "computed" or not _LIMITS.isdisjoint(words):
        return True
    of_device = what == "identity" or (words != [] and words[-1] in _DEVICES)
    return of_device and not any(map(str.isdigit, name))  # "Node 3: 21.5 C" is what node 3 measures


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


def _said(words: list[str], name: str) -> str:
    """What the last word says that says anything."""
    for word in reversed(words):
        if word in _WORDS and (len(word) > 1 or len(name) <= 3 or word in "xyz@"):
            return _WORDS[word]
        if len(word) > 1 and (found := _stem(word)):
            return found
    return ""


def _stem(word: str) -> str:
    return next((STEMS[stem] for stem in STEMS if stem in word), "")


@lru_cache(maxsize=4096)
def computed(name: str) -> str:
    """What a value is that was set or computed: "target_humidity" is a humidity, and else it is a temperature."""
    words = _words(_CAMEL.sub(" ", name))
    rest = [word for word in words if word not in {*_NOT_MEASURED, *ALONE, "heat", "index", "wet", "bulb"}]
    return quantity(" ".join(word for word in rest if _stem(word) != "computed")) or "temperature"
