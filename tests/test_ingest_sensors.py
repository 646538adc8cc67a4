"""What a board's sensors are called, and what is done with their values before they are readings."""

import math

import pytest

from gateway.ingest.intake import Intake
from gateway.ingest.sensors import Sensors
from gateway.ledger import Account, imbalances
from gateway.model import BadValue, Board, Chunk, Decoded, Frame, Noise, Port, Refusal, Sample, Treatment, Why

AT = Chunk(1_790_000_000.0, 12.5)


class Words:
    """A format for tests: "a=1°C b=2% c=?" are three values, of which one does not hold."""

    def decode(self, frame: Frame) -> Decoded | Refusal | Noise:
        samples, bad = [], []
        for word in frame.decode().split():
            name, _, value = word.partition("=")
            number = value.rstrip("°CFK%")
            if value == "?":
                bad.append(BadValue(name, Why.ERROR_MARK))
            else:
                samples.append(Sample(name, float(number), value[len(number) :]))
        return Decoded(samples, bad)


class Bench:
    """A board's intake with treatments by own names, what it handed on, and which names have moved."""

    def __init__(self, limit: int = 256, **treatments: Treatment) -> None:
        self.account, self.taken, self.moved = Account(), [], []
        self.sensors = Sensors(self.moved.append)
        self.treat(**treatments)
        self.board = Board("bench", Port("/dev/x"), max_sensors=limit)
        self.begin()

    def begin(self) -> None:
        self.intake = Intake(self.board, Words(), self.take, self.account, lambda: None, self.sensors)
        self.intake.feed(b"\n", AT)

    def treat(self, **treatments: Treatment) -> None:
        self.sensors.treat((lambda own: treatments.get(own, Treatment())) if treatments else None)

    def take(self, board: str, samples: list[Sample], at: Chunk) -> None:
        self.taken += samples

    def feed(self, *lines: str) -> list[tuple[str, float, str]]:
        """What the lines came to."""
        self.taken = []
        self.intake.feed("".join(f"{line}\n" for line in lines).encode(), AT)
        assert imbalances(self.account, self.account.readings) == []
        return [(sample.sensor, sample.value, sample.unit) for sample in self.taken]


def test_a_sensor_is_calibrated_converted_and_called():
    """In the board's unit first, then in the published one; what no table names stays as it is."""
    bench = Bench(a=Treatment("inlet", "°C", ((32.0, 33.0), (212.0, 211.0)), 2.0, -34.0))
    assert bench.feed("a=32°F b=7°F", "a=212°F") == [("inlet", 0.0, "°C"), ("b", 7.0, "°F"), ("inlet", 356 / 1.8, "°C")]
    assert [bench.sensors.hardware(name) for name in ("inlet", "b", "c")] == ["a", "b", "c"]
    assert bench.sensors.trouble() == {"names": None, "units": None}
    assert bench.account.readings == 3


def test_a_board_without_wishes_takes_the_short_way():
    """Its samples are handed on as the format made them."""
    bench = Bench()
    assert not bench.sensors.treats
    assert bench.feed("a=1°C b=2°C") == [("a", 1.0, "°C"), ("b", 2.0, "°C")]
    assert bench.moved == []


@pytest.mark.parametrize(
    ("treatment", "value", "why"),
    [
        (Treatment(gain=1e300), "1e10°C", Why.NOT_FINITE),
        (Treatment(points=((0.0, 0.0), (1.0, 1e90))), "1e300°C", Why.NOT_FINITE),
        (Treatment(points=((-1e299, 0.0), (1e299, 0.0))), "1e308°C", None),
        (Treatment(unit="°F"), "1.7e308°C", Why.NOT_FINITE),
        (Treatment(unit="K"), "40%", Why.WRONG_UNIT),
        (Treatment(unit="K"), "40", Why.WRONG_UNIT),
        (Treatment(unit="%"), "40°C", Why.WRONG_UNIT),
        (Treatment(unit="%"), "40", None),
    ],
)
def test_what_comes_to_nothing_is_refused(treatment, value, why):
    """No number beyond all floats, and none in a unit that is not its own: it is counted, and the sensor has failed."""
    bench = Bench(a=treatment)
    found = bench.feed(f"a={value} b=1°C")
    assert [(name, math.isfinite(number)) for name, number, _ in found] == ([] if why else [("a", True)]) + [
        ("b", True)
    ]
    assert dict(bench.account.refused_values) == ({why: 1} if why else {})
    assert bench.intake.failed == ({"a": why} if why else {})


def test_a_unit_that_does_not_fit_is_told_until_it_does():
    """One sentence, with the way out."""
    bench = Bench(a=Treatment("inlet", "K"), b=Treatment(unit="K"))
    bench.feed("a=1% b=1")
    assert bench.sensors.trouble()["units"] == (
        "the values of 'inlet' (and 1 more) are refused, as '%' cannot become 'K': give that sensor unit = \"\" in a "
        "[[sensors]] table of its own, and reload"
    )
    assert bench.feed("a=1°C b=1K") == [("inlet", 274.15, "K"), ("b", 1.0, "K")]
    assert bench.sensors.trouble()["units"] is None
    assert bench.intake.failed == {}


def test_a_value_that_does_not_hold_fails_the_sensor_by_its_name():
    """The status shows it as it is called; the next good value mends it."""
    bench = Bench(a=Treatment("inlet"))
    bench.feed("a=? b=1°C")
    assert bench.intake.failed == {"inlet": Why.ERROR_MARK}
    bench.feed("a=1°C")
    assert bench.intake.failed == {}


class TestNames:
    """Who is called what."""

    def test_one_name_is_given_once(self):
        """The second keeps the board's own name, nothing is lost, and the status says whose wish was taken."""
        bench = Bench(a=Treatment("inlet"), b=Treatment("inlet"))
        assert bench.feed("a=1°C b=2°C", "b=3°C a=4°C") == [
            ("inlet", 1.0, "°C"), ("b", 2.0, "°C"), ("b", 3.0, "°C"), ("inlet", 4.0, "°C"),
        ]  # fmt: skip
        assert bench.sensors.trouble()["names"] == (
            "'b' is to be called 'inlet', and so is 'a', which came first; it is published as 'b': give each a name of "
            "its own in [[sensors]], and reload"
        )

    def test_a_name_that_another_has_from_the_board(self):
        """The board's own name may be taken as well; then it is numbered."""
        bench = Bench(a=Treatment("b"))
        assert bench.feed("a=1°C b=2°C b_2=3°C") == [("b", 1.0, "°C"), ("b_2", 2.0, "°C"), ("b_2_2", 3.0, "°C")]
        assert "'b' is to be called 'b' (and 1 more), and so is 'a'" in str(bench.sensors.trouble()["names"])

    def test_names_can_be_swapped(self):
        """Two sensors of a board that are called as the other."""
        bench = Bench(a=Treatment("b"), b=Treatment("a"))
        assert bench.feed("a=1°C b=2°C") == [("b", 1.0, "°C"), ("a", 2.0, "°C")]
        assert bench.sensors.trouble()["names"] is None
        assert not bench.sensors.gone("a") and not bench.sensors.gone("b")

    def test_a_probe_that_replaces_another_takes_over_its_name(self):
        """Once the port was opened anew; while the other may still be there it keeps its own."""
        bench = Bench(a=Treatment("inlet"), b=Treatment("inlet"))
        assert bench.feed("a=1°C") == [("inlet", 1.0, "°C")]
        assert bench.feed("b=2°C") == [("b", 2.0, "°C")]
        assert bench.moved == ["inlet"]
        bench.sensors.anew()
        assert bench.feed("b=3°C") == [("inlet", 3.0, "°C")]
        assert bench.moved == ["inlet", "inlet"]
        assert bench.sensors.hardware("inlet") == "b"
        assert bench.sensors.gone("b")
        bench.sensors.anew()
        bench.feed("b=3°C")
        assert bench.moved == ["inlet", "inlet"]  # it is the same as before

    def test_a_flood_of_names(self):
        """Beyond max_sensors each value is refused, and nothing is kept of its name, bad values included."""
        bench = Bench(limit=2, a=Treatment("inlet"))
        bench.feed("b=1°C")
        assert bench.feed(*(f"x{i}=1°C y{i}=? b=2°C" for i in range(50))) == [("x0", 1.0, "°C")] + 50 * [
            ("b", 2.0, "°C")
        ]
        assert bench.account.refused_values == {Why.TOO_MANY_SENSORS: 49, Why.ERROR_MARK: 50}
        assert bench.intake.failed == {}
        assert bench.feed("a=1°C") == []


class TestReload:
    """The configuration is read again while the port stays open."""

    def test_another_calibration(self):
        """It counts from the next bytes on, and the sensor's values are not comparable with those before."""
        bench = Bench(a=Treatment(offset=1.0), b=Treatment(offset=1.0))
        bench.feed("a=1°C b=1°C")
        assert bench.moved == ["a", "b"]
        bench.treat(a=Treatment(offset=2.0), b=Treatment(offset=1.0))
        assert bench.feed("a=1°C b=1°C") == [("a", 3.0, "°C"), ("b", 2.0, "°C")]
        assert bench.moved == ["a", "b", "a"]

    def test_the_first_and_the_last_calibration(self):
        """From none to one, and back to none; a board that has never had one is not asked about."""
        bench = Bench()
        bench.feed("a=1°C b=1°C")
        bench.treat(a=Treatment(gain=2.0))
        assert bench.feed("a=1°C b=1°C") == [("a", 2.0, "°C"), ("b", 1.0, "°C")]
        bench.treat()
        assert bench.feed("a=1°C b=1°C") == [("a", 1.0, "°C"), ("b", 1.0, "°C")]
        assert bench.moved == ["a", "a"]
        bench.treat()
        assert not bench.sensors.treats

    def test_another_name(self):
        """The old one is gone from the status; its values go on under the new one."""
        bench = Bench(a=Treatment("inlet"))
        bench.feed("a=1°C")
        bench.treat(a=Treatment("outlet"))
        assert bench.feed("a=1°C") == [("outlet", 1.0, "°C")]
        assert bench.sensors.gone("inlet") and not bench.sensors.gone("outlet")
        bench.treat()
        assert bench.feed("a=1°C") == [("a", 1.0, "°C")]
        assert bench.sensors.gone("outlet") and not bench.sensors.gone("a")

    def test_names_that_change_hands(self):
        """Each name's values come from another sensor now."""
        bench = Bench(a=Treatment("x"), b=Treatment("y"))
        bench.feed("a=1°C b=2°C")
        bench.moved.clear()
        bench.treat(a=Treatment("y"), b=Treatment("x"))
        assert bench.feed("a=1°C b=2°C") == [("y", 1.0, "°C"), ("x", 2.0, "°C")]
        assert bench.moved == ["y", "x"]

    def test_a_board_that_is_opened_anew(self):
        """A new reader knows no names yet; another sensor under a name is noticed all the same."""
        bench = Bench(a=Treatment("x", offset=1.0))
        bench.feed("a=1°C")
        bench.treat(a=Treatment("x", offset=1.0), b=Treatment("x", offset=1.0))
        bench.begin()
        bench.moved.clear()
        assert bench.feed("b=1°C") == [("x", 2.0, "°C")]
        assert bench.moved == ["x"]
