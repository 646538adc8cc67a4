"""json: objects, lists and paths, and what is no value of them."""

import pytest

from gateway.model import Decoded, Noise, Refusal, Sample, Why
from tests.decoded import decode, pairs


class TestJson:
    def test_names(self):
        """The name is the outer key where the inner one says no more, else the path; lists count from 1."""
        line = b'{"DS18B20":{"Temperature":49.7},"air":{"inlet":19.8,"temp":20},"probes":[20.5,{"k1":21}]}'
        assert pairs(decode("json", line)) == {
            "DS18B20": 49.7,
            "air.inlet": 19.8,
            "air": 20,
            "probes.1": 20.5,
            "probes.2.k1": 21,
        }

    def test_units(self):
        """The unit is said by the key, by the object, or by one around it; `unit` is for what has none."""
        line = b'{"a":{"Temperature":70},"b":{"Temperature":20,"unit":"C"},"c_degC":3,"TempUnit":"F"}'
        assert [sample.unit for sample in decode("json", line).samples] == ["°F", "°C", "°C"]
        assert [sample.unit for sample in decode("json", line, unit=("K",)).samples] == ["°F", "°C", "°C"]
        assert decode("json", b'{"T1":300}', unit=("K",)) == Decoded([Sample("T1", 300.0, "K")], [])
        assert decode("json", b'{"T1":300,"hum":40,"unit":"K"}') == Decoded([Sample("T1", 300.0, "K")], [])

    def test_the_last_of_equal_keys(self):
        """Of two equal keys the last one counts, as in most readers of JSON."""
        assert decode("json", b'{"T1":1,"T1":2}') == Decoded([Sample("T1", 2.0, "°C")], [])

    def test_one_name_by_two_ways(self):
        """Two values that come to one name are numbered."""
        assert pairs(decode("json", b'{"a":{"temp":1,"value":2}}')) == {"a": 1, "a_2": 2}

    def test_several_on_a_line(self):
        """Several objects on a line, or in a list, are one record each; a broken one spoils the line."""
        for line in (b'{"T1":1}{"T1":2}', b'{"T1":1} , {"T1":2}', b'[{"T1":1},{"T1":2}]'):
            assert [sample.value for sample in decode("json", line).samples] == [1, 2]
        assert decode("json", b'{"T1":1}{"T1":').why is Why.BAD_FRAME

    def test_a_list_of_numbers(self):
        """A list of numbers is a row: S1, S2, and as many each time."""
        assert pairs(decode("json", b"[21.5, 22]")) == {"S1": 21.5, "S2": 22}
        assert decode("json", b"[21.5, 22]", b"[21.5]").why is Why.WRONG_COLUMNS

    def test_records(self):
        """`records` is the path to the records; what is not there is noise."""
        line = b'{"unit":"F","data":{"items":[{"id":"a","temp":70},{"id":"b","temp":71}]}}'
        result = decode("json", line, records="data.items", columns=("id=sensor",))
        assert result == Decoded([Sample("a", 70.0, "°F"), Sample("b", 71.0, "°F")], [])
        assert isinstance(decode("json", b'{"T1":1}', records="data"), Noise)

    def test_columns(self):
        """`columns` names values by key, by path, or by place, and then all of them have to be there."""
        line = b'{"MSG":12,"a":{"t":21.5}}'
        assert decode("json", line, columns=("MSG=count", "a.t=in")) == Decoded([Sample("in", 21.5, "°C", 12)], [])
        assert decode("json", line, columns=("count", "in")) == Decoded([Sample("in", 21.5, "°C", 12)], [])
        assert decode("json", b'{"a":1}', columns=("count", "in")).why is Why.WRONG_COLUMNS
        assert [sample.unit for sample in decode("json", b'{"a":1,"b":2}', unit=("°C", "°F")).samples] == ["°C", "°F"]

    @pytest.mark.parametrize(
        "line",
        [
            b"",
            b"hello",
            b"[D][sensor:094]: 'Living Room': 21.5",
            b"[12:00:01] up",
            b'{"Id":"x"}',
            b"{}",
            b"[]",
            b'{"hum":40}',
            b"21.5",
            b'"21.5"',
        ],
    )
    def test_noise(self, line):
        """What does not start as JSON, or holds nothing that is asked for, is noise."""
        assert decode("json", line) == Noise(line)

    @pytest.mark.parametrize(
        "line",
        [
            b'{"T1":',
            b'{"T1":01}',
            b"{T1:21.5}",
            b'{"T1":21.5}}',
            b"[21.5, 22",
            b'{"T\xff":1',
            b'{"T1":1}\x00',
            b'{"\\ud800":21.5}',
        ],
    )
    def test_broken(self, line):
        """What starts as JSON and is none is refused."""
        assert decode("json", line) == Refusal(Why.BAD_FRAME, line)

    @pytest.mark.parametrize(
        "line",
        [
            b'{"\\u0000":21.5}',
            b'{"T1":21.5,"T2\\u200b":22.5}',
            '{"T1":21.5,"\u202eT2":22.5}'.encode(),
            b'{"sensor":"a\\u0007","value":21.5}',
            b'{"outer":{"T1\\u001b":21.5},"T2":22.5}',
        ],
    )
    def test_a_name_that_nobody_sees(self, line):
        """It is told as what it is: the line is whole, and the baud rate right."""
        for name in ("json", "auto"):
            assert decode(name, line) == Refusal(Why.BAD_NAME, line)


@pytest.mark.parametrize(
    "line, read",
    [
        (b'{"sensors":[{"value":23.4,"type":"temperature"},{"value":45.1,"type":"humidity"}]}', {"sensors.1": 23.4}),
        (b'[{"name":"boiler","val":61.5,"u":"C"},{"name":"press","val":1.5,"u":"bar"}]', {"boiler": 61.5}),
        (b'[{"bn":"d/","n":"air","u":"Cel","v":23.4},{"n":"hum","u":"%RH","v":45.1}]', {"air": 23.4}),
        (b'[{"name":"a","value":234,"unit":"0.1C"},{"name":"b","value":23.4,"unit":"C"}]', {"b": 23.4}),
    ],
)
@pytest.mark.parametrize("name", ["json", "auto"])
def test_what_is_said_beside_a_value(name, line, read):
    """A quantity, a unit or a name beside a value is believed; an unknown unit is no temperature's."""
    assert pairs(decode(name, line, line)) == read


def test_a_sensor_and_its_value_by_other_keys():
    """Keys renamed `sensor` and `value` give each sensor its own name, as in pairs."""
    lines = (b'{"id":1,"temperature_C":21.5}', b'{"id":2,"temperature_C":22.5}')
    assert pairs(decode("json", *lines, columns=("id=sensor", "temperature_C=value"))) == {"2": 22.5}


def test_no_value_where_a_unit_tells_what_it_is():
    """Of a sensor whose unit says that it is a temperature, null is a value that does not hold."""
    for name in ("json", "auto"):
        for before in ((), (b'{"sensor":"a","value":21.5,"unit":"C"}',)):
            result = decode(name, *before, b'{"sensor":"b","value":null,"unit":"C"}')
            assert isinstance(result, Refusal) and result.why is Why.NOT_A_NUMBER
        assert isinstance(decode(name, b'{"sensor":"b","value":null,"unit":"%"}'), Noise)
