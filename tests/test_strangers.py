"""What auto makes of boards of which it knows nothing: readings that are true, or none.

Kinds of lines that such boards write, and what a careful reader takes of them. Where a line leaves open what its
numbers are, it is better not read.
"""

import pytest

from gateway.ingest.formats import FORMATS
from gateway.model import BadValue, Decoded, FormatOptions, Noise, Refusal, Why
from tests.decoded import decode, pairs

READ = {
    "t:  99.50 C": {"t": 99.5},
    "co2(ppm):451 temp(C):23.4 humidity(%):41.2": {"temp(C)": 23.4},
    "0R0,Dm=027D,Sm=0.1M,Ta=25.3C,Ua=39.4P,Vs=15.2V": {"Ta": 25.3},
    "Vorlauf: 38,5°C  Rücklauf: 32,1°C  Soll: 40,0°C  Verdichter: EIN": {"Vorlauf": 38.5, "Rücklauf": 32.1},
    "Sıcaklık: 23.50 °C  Nem: %45.10  Hissedilen: 23.1 °C": {"Sıcaklık": 23.5},
    "Nhiet do: 28.50 Do am: 70.20": {"Nhiet do": 28.5},
    "Kelembaban: 70.20 Suhu: 28.50": {"Suhu": 28.5},
    "T:23.1 /215.0 B:22.0 /60.0 @:0 B@:0 P:28.4": {"T": 23.1, "B": 22.0},
    "M\t48\tO2Concentration[uM]\t239.1\tTemperature[Deg.C]\t24.12\tCalPhase[Deg]\t31.2\tRawTemp[mV]\t102.1": {
        "S6": 24.12
    },
    "  Temperature = 21.56 Celsius, 70.81 Fahrenheit": {"Temperature": 21.56},
    "Temp: 23.4375*C\t and 74.1875*F.": {"Temp": 23.4375},
    "Temp: 23.5 C (74.3 F)": {"Temp": 23.5},
    "temperature: 23.46 deg C, 74.22 deg F": {"temperature": 23.46},
    'T:{"BeerTemp":20.03,"BeerSet": 20.00,"BeerAnn":null,"State":4}': {"BeerTemp": 20.03},
    '12:00:01 MQT: tele/x/SENSOR = {"Time":"12:00","DS18B20":{"Temperature":49.7},"TempUnit":"C"}': {"DS18B20": 49.7},
    "{'temp': 23.4, 'hum': 45.1, 'ok': True}": {"temp": 23.4},
    "Temp: 37.42 Error: 0.08 P: 1.20 I: 3.40 D: -0.10": {"Temp": 37.42},
    "Lower:18.00,Upper:28.00,Temp:23.41": {"Temp": 23.41},
    "Temp = 23.41 dT = 0.12": {"Temp": 23.41},
    "23.4C 45.1%": {"S1": 23.4},
    "Tin=21.3 Tout=5.2 RH=45": {"Tin": 21.3, "Tout": 5.2},
    "Temp: - 5.6 C": {"Temp": -5.6},
    "T1:- 5.6;T2:- 0.4": {"T1": -5.6, "T2": -0.4},
    "Temp: −21.0 °C": {"Temp": -21.0},
    '{"target":{"temp":22.0},"temp":21.4,"setpoint":{"value":25.0,"unit":"C"},"dewpoint":{"temperature":9.5}}': {
        "temp": 21.4
    },
    "Temp:23.4*C\tPressure: 101325.00 Pa\tAltitude: 12.3 m": {"Temp": 23.4},
}
UNREAD = [
    '{"status":"I","heaters":[22.9,23.1],"active":[60.0,205.0],"hstat":[2,2],"pos":[10.0,-5.0,0.3],"sfactor":100.0}',
    "DB10.DBW2=235;DB10.DBW4=198;DB10.DBX6.0=1",
    "Color Temp: 4382 K - Lux: 231 - R: 120 G: 110 B: 98",
    "Setpoint: 37.50 Input: 37.42 Output: 128.55",
    "DO: 8.21 pH: 7.02 EC: 1.41",
    "CO: 2.34\tAlcohol: 1.20\tNH4: 3.21",
    "512",
    "weather,location=us temperature=82 1465839830100400200",
    "PV=21.5 SV=25.0 OP=45.0",
    "CPS, 1, CPM, 23, uSv/hr, 0.15, SLOW",
    "Cell1: 3.301 Cell2: 3.302 Cell3: 3.299",
    "CH4: 1.23 H2S: 0.02",
    "4",
    "0+3.29+23.5+0.12",
    "OK 9 56 1 4 156 37",
    "(208.4 140.0 208.4 034 59.9 2.05 35.0 00110000",
    ":01030400EB010407",
    "4101010100000235",
    "Lat: 52.520008 Lng: 13.404954",
    "Reading: 23.4 lbs calibration_factor: -7050.00",
    "- 5.6",
    "-5.6 -  5.6",
    "Temp:-\t5.6 C",
    "24,5, 44,7",
    '{"sensor":"target","value":21.5,"unit":"C"}',
    "{'pressure': 1013.2, 'level': 3.5}",
]


@pytest.mark.parametrize("line", READ)
def test_what_is_read(line):
    """The temperatures of a line, each time that it comes, and nothing else of it."""
    for times in (1, 4):
        result = decode("auto", *[line.encode()] * times)
        assert pairs(result) == READ[line] and not result.bad


@pytest.mark.parametrize("line", UNREAD)
def test_what_is_not_read(line):
    """No number of a line that does not say that it is a temperature, and may well be none."""
    board = FORMATS["auto"](FormatOptions())
    assert not any(isinstance(board.decode(line.encode()), Decoded) for _ in range(30))


@pytest.mark.parametrize("data", ["dd0400080d350d360d340d35fef077" * 40, "0d340d310d300d33" * 400])
def test_binary_frames_with_digits_in_them(data):
    """Bytes of frames that are digits between ends of lines are no temperatures."""
    board = FORMATS["auto"](FormatOptions())
    assert not any(isinstance(board.decode(line), Decoded) for line in bytes.fromhex(data).split(b"\r"))


@pytest.mark.parametrize(
    "line, read",
    [
        (b"temp=20.5 fan=45.5 inlet=21.5", {"temp": 20.5}),
        (b"Lower:18.0,Upper:28.0,Temp:23.5", {"Temp": 23.5}),
        (b'{"fan":45.5,"temp":20.5}', {"temp": 20.5}),
        (b'{"fan":45.5,"air":{"type":"temperature","value":20.5}}', {"air": 20.5}),
        (b"21.5 C;45.5;3.25", {"S1": 21.5}),
        (b"Temp;21.5;CalPhase;31.25", {"Temp": 21.5}),
        (b"M;12;Temp[Deg.C];21.5;CalPhase;31.25;RawTemp[mV];102.5", {"S4": 21.5}),
        (b"DO: 8.25, pH: 7.5", {}),
        (b"flow=3.25, rain=0.25", {}),
        (b'{"pos":[10.5,20.5],"heads":[22.5,23.5]}', {}),
        (b"volts: 3.25, inlet: 21.5", {"inlet": 21.5}),  # of its own supply, boards tell much
        (b"rssi=-57.5 inlet=21.5", {"inlet": 21.5}),
        (b"ID:3C T:21.4", {"T": 21.4}),
        (b"ID=12C,TEMP=21.4", {"TEMP": 21.4}),
        (b"Temperature: 21.0 \xc2\xb0C, Punto di rugiada: 9.0 \xc2\xb0C", {"Temperature": 21.0}),
        (b"Temperature: 21.0 \xc2\xb0C, \xce\x94T: 2.0 \xc2\xb0C, Alarm low: 5.0 \xc2\xb0C", {"Temperature": 21.0}),
        (b"temp: 21.5, min: 19.5, max: 23.5", {"temp": 21.5}),
        (b"raw temp: 2100", {}),
        (b"RAWTEMP:375, TEMP:23.5", {"TEMP": 23.5}),
        (b'{"T_in":21.0,"T_out":44.0}', {"T_in": 21.0, "T_out": 44.0}),
        (b'{"T_in":21.0,"T_out":44.0,"hum":45}', {"T_in": 21.0, "T_out": 44.0}),
        (
            b"temp_in=21.5 T_h=38.5 T_v=31.5 TC1=40.5 Amb=19.5",
            {"temp_in": 21.5, "T_h": 38.5, "T_v": 31.5, "TC1": 40.5, "Amb": 19.5},
        ),
        (b"T:21.5 /0.0 B:22.5 /60.0 Q:3.5", {"T": 21.5, "B": 22.5}),  # heaters have targets
    ],
)
def test_beside_what_says_what_it_is(line, read):
    """Where names, units or words say what is measured, what does not say that it is a temperature is none."""
    result = decode("auto", line, line)
    assert (pairs(result) if isinstance(result, Decoded) else {}) == read


def test_columns_beside_what_says_what_it_is():
    """The names of a header count as well, and what has once said what it is need not say it again."""
    assert pairs(decode("auto", b"temp,fan", b"20.5,45.5")) == {"temp": 20.5}
    assert not isinstance(decode("auto", b"rain,fan", b"20.5,45.5"), Decoded)
    assert pairs(decode("auto", b"inlet,outlet", b"20.5,45.5")) == {"inlet": 20.5, "outlet": 45.5}
    assert pairs(decode("auto", b"T_in;T_out;hum", b"21.3;44.3;45")) == {"T_in": 21.3, "T_out": 44.3}
    assert pairs(decode("auto", b"addr;temp", b"3C;21.4")) == {"temp": 21.4}
    assert decode("auto", b"in: 21.5 C, T: 20.5", b"in: ---, T: 20.5").bad == [BadValue("in", Why.NOT_A_NUMBER)]
    assert decode("auto", b"21.5 C;45.5", b"---;45.5") == Refusal(Why.NOT_A_NUMBER, b"---;45.5")


@pytest.mark.parametrize("mark", ["-127.00", "-127"])
@pytest.mark.parametrize("form", ["T1:{},T2:21.5", '{{"T1":{},"T2":21.5}}', "T1,T2|{},21.5"])
def test_a_probe_that_is_unplugged(form, mark):
    """-127 °C is no temperature, alone or not, read line by line or together; -127.5 °C is one."""
    head, _, body = form.rpartition("|")
    lines = [head.encode()] * bool(head) + [body.format(mark).encode()] * 4
    for times in (2, 5):
        result = decode("auto", *lines[:times])
        assert pairs(result) == {"T2": 21.5} and result.bad == [BadValue("T1", Why.ERROR_MARK)]
    assert pairs(decode("auto", *lines[:-4], *[body.format("-127.5").encode()] * 4)) == {"T1": -127.5, "T2": 21.5}
    assert decode("auto", b"T: -127.00") == Refusal(Why.ERROR_MARK, b"T: -127.00")
    assert decode("auto", b"Temp F: -196.60 F") == Refusal(Why.ERROR_MARK, b"Temp F: -196.60 F")
    board = FORMATS["auto"](FormatOptions())
    assert all(isinstance(board.decode(b"T1:21.5,T2:21.5"), Decoded) for _ in range(5))
    assert board.stretch([b"T1:21.5,T2:21.5", b"T1:-127.00,T2:21.5"]) is None


def test_one_temperature_in_two_units_line_by_line():
    """What comes in °C and then in °F is one sensor in °C, and no series of both."""
    board = FORMATS["auto"](FormatOptions())
    results = [board.decode(line) for line in (b"24.41 degrees C", b"75.94 degrees F") * 5]
    assert {(s.value, s.unit) for each in results if isinstance(each, Decoded) for s in each.samples} == {(24.41, "°C")}


def test_bytes_in_hexadecimal():
    """Rows of two digits each are bytes where some have had letters, and degrees where none has."""
    assert isinstance(decode("auto", b"41 05 7B", *[b"41 05 20"] * 9), Noise)
    assert isinstance(decode("auto", *[b"41 05 7B ", b"41 05 2D ", b"41 05 1E "] * 9), Noise)
    assert pairs(decode("auto", *[b"41 15 20"] * 9)) == {"S1": 41, "S2": 15, "S3": 20}


@pytest.mark.parametrize("second", [b'b: {"temp":4.5}', b'b: {"x":{"temp":4.5}}'])
def test_objects_behind_several_words(second):
    """The first word before an object says whose it is; behind another one it is refused, or noise without values."""
    first = b'a: {"temp":21.5}'
    assert decode("auto", first, second) == Refusal(Why.BAD_FRAME, second)
    assert isinstance(decode("auto", first, b'log: {"heap":34.5}'), Noise)
    assert pairs(decode("auto", first, second, first)) == {"temp": 21.5}
    assert pairs(decode("json", second, after="b:")) in ({"temp": 4.5}, {"x": 4.5})


@pytest.mark.parametrize("line", [b'[12:00:01] {"temp":21.5}', b'x{"temp":21.5}y', b'T:{"temp":21.5', b"{'temp': 21.5"])
def test_objects_that_are_none(line):
    """A time that changes is no word to know an object by, and what is torn is none."""
    assert not isinstance(decode("auto", line), Decoded)


def test_what_python_prints():
    """A dict of Python is an object, with what stands for no value, and quotes in its texts."""
    assert pairs(decode("json", b"""{'it\\'s "x"': 'a', "b": None, 'temp': -2.5}""")) == {"temp": -2.5}
    assert decode("json", b"{'temp': None}") == Refusal(Why.NOT_A_NUMBER, b"{'temp': None}")
    assert decode("json", b"{'temp': 21.5, x}") == Refusal(Why.BAD_FRAME, b"{'temp': 21.5, x}")


def sensors(*lines):
    """Of each line the names of its sensors, or "-" for one that is refused; noise, as of a header, is left out."""
    board = FORMATS["auto"](FormatOptions())
    results = [each for line in lines if not isinstance(each := board.decode(line.encode()), Noise)]
    return [" ".join(s.sensor for s in each.samples) if isinstance(each, Decoded) else "-" for each in results]


@pytest.mark.parametrize(
    "ids, expected",
    [
        ("7 7 7 7", "temp temp temp temp"),
        ("168 12 168 12 7 7", "temp - 168 12 - 7"),
        ("1 2 1 2", "temp - 1 2"),
        ("7 7 8 8 7", "temp temp - 8 7"),
        ("a b a", "temp - a"),
        ("1 2 3 4 5 6 7 8 9 10 1 2", "temp - - - - - - - temp temp temp temp"),
        ("3 9 4 5 6 7 8 9 3", "temp - - - - - - 9 3"),
    ],
)
@pytest.mark.parametrize(
    "form", ['{{"id":"{}","temp":21.5,"seen":3}}', "id={} temp=21.5 seen=3", "id,temp,seen|{},21.5,3"]
)
def test_several_devices_behind_one_board(form, ids, expected):
    """Ids in turn tell devices apart, and no two of them make one sensor; one that only rises counts the records."""
    head, _, body = form.rpartition("|")
    lines = [head] * bool(head) + [body.format(id) for id in ids.split()]
    found = [name.removesuffix(".temp") for name in sensors(*lines)]
    assert found == expected.split()


def test_devices_of_many_makes():
    """Where a model stands beside the id, each record is its device's from the first one on; 64 of them are read."""
    form = '{{"model":"TX141","id":{},"temperature_C":21.5}}'
    assert sensors(form.format(168), form.format(12)) == ["168.temperature_C", "12.temperature_C"]
    assert sensors(*[form.format(id) for id in range(70)])[62:67] == [
        "62.temperature_C",
        "63.temperature_C",
        "-",
        "-",
        "-",
    ]


@pytest.mark.parametrize("key", ["node", "sensor_id", "deviceId", "channel", "MAC", "name"])
def test_keys_that_name_devices(key):
    """However the key is spelled, two devices are two sensors."""
    lines = [f'{{"{key}":"{id}","temp":21.5}}' for id in ("a1", "b2", "a1", "b2")]
    assert sensors(*lines) == ["temp", "-", "a1", "b2"]
    assert all(
        isinstance(decode("auto", *[f"{key}: {id}".encode() for id in range(times)]), Noise) for times in (1, 2, 3)
    )
    assert sensors('{"name":"air","value":21.5}', '{"name":"water","value":4.5}') == ["air", "water"]
    assert sensors(f"[{lines[0]},{lines[1]}]", f"[{lines[0]},{lines[1]}]") == ["-", "a1 b2"]


@pytest.mark.parametrize("chunk", [1, 4, 50])
def test_devices_that_are_read_together(chunk):
    """However lines are cut into chunks, another device is seen where it comes."""
    board, out = FORMATS["auto"](FormatOptions()), []
    lines = [b'{"id":%d,"temp":21.5}' % id for id in [7] * 30 + [9] * 3 + [7] * 3]
    while lines:
        found = board.stretch(lines[:chunk]) or board.decode(lines[0])
        lines = lines[getattr(found, "frames", 1) :]
        out += [sample.sensor for sample in found.samples] if not isinstance(found, Refusal) else ["-"]
    assert out == ["temp"] * 30 + ["-", "9", "9"] + ["7"] * 3
