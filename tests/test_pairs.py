"""A line cut into names and values, in the ways in which boards write them."""

import pytest

from gateway.ingest.formats.pairs import cut

LINES = {
    "T1 23.5": "T1=23.5",
    "Temp A 23.5 C": "Temp A=23.5 C",
    "temp1 21 temp2 22.5": "temp1=21 temp2=22.5",
    "T1\t21\tT2\t22.5": "T1=21 T2=22.5",
    "Temperature,21.8,Humidity,45.1,": "Temperature=21.8 Humidity=45.1",
    "Sensor 1: 23.00 Sensor 2: 24.00 C Sensor 3: 25.00": "Sensor 1=23.00 Sensor 2=24.00 C Sensor 3=25.00",
    "Temp A = 23.1 deg C Temp B = 24.2 deg C": "Temp A=23.1 deg C Temp B=24.2 deg C",
    "boiler: flow=61.2 return=48.0": "sensor=boiler flow=61.2 return=48.0",
    "boiler: sensor=a flow=61.2": "sensor=a flow=61.2",
}
NOT_PAIRS = (
    "Temperature 24.0", "21.5,22.5", "error 5", "bench,21.5", "up 5 days", "probe T4 is hot", "T1,21.5,T2", "1,2,3,4",
    "Humidity,45", "a: b: c=1", "Temp 1: warm Temp 2: 24.0", "12:00:01 T1 23.5",
)  # fmt: skip


@pytest.mark.parametrize("line", LINES)
def test_pairs(line):
    """Names that stand in turn with numbers, names of several words, and a label that is the sensor of what follows."""
    found = cut(line, "auto")
    assert found is not None
    assert " ".join(f"{pair.key}={pair.value}" for pair in found.pairs) == LINES[line]


@pytest.mark.parametrize("line", NOT_PAIRS)
def test_no_pairs(line):
    """Rows, labels of one value, sentences, and names that say nothing of a temperature."""
    assert cut(line, "auto") is None


COMMAS = {
    "T1 23,45": "T1=23,45",
    "Temp1 23,4C Temp2 24,5C": "Temp1=23,4C Temp2=24,5C",
    "T 23,45 H 45,1": "T=23,45 H=45,1",
    "Innen: 21,5  Aussen: -3,2": "Innen=21,5 Aussen=-3,2",
    "T1:23,45,T2:24,10": "T1=23,45 T2=24,10",
    "T:23,4 °C, H:45 %": "T=23,4 °C H=45 %",
    "12:00:01 T1=23,4 T2=24,5": "T1=23,4 T2=24,5",
    "T1=23,4;T2=24": "T1=23,4 T2=24",
}


@pytest.mark.parametrize("line", COMMAS)
def test_decimal_commas(line):
    """A comma in a number of two parts is a decimal mark, where the number behind it has no name of its own."""
    found = cut(line, "auto")
    assert found is not None and found.decimal == ","
    assert " ".join(f"{pair.key}={pair.value}" for pair in found.pairs) == COMMAS[line]


@pytest.mark.parametrize("line", ["Temp 1,23", "T1:23,T2:24,5", "T:21,5,22,0", "T1:21.5,T2:22,5", "MSG:12,T1:23,45"])
def test_commas_that_may_be_either(line):
    """Where a comma may as well part names and numbers, these are no pairs."""
    assert cut(line, "auto") is None
