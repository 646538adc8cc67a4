"""Any frames, reloads and opens: no value is lost or doubled, no name has two sensors, nothing is infinite."""

import math

from hypothesis import given
from hypothesis import strategies as st

from gateway.ingest.sensors import Sensors
from gateway.model import BadValue, Decoded, Sample, Treatment, Why
from gateway.units import TEMPERATURES, becomes

OWN = st.sampled_from(["a", "b", "a_2", "b_2", "x", "y"])
UNITS = st.sampled_from(["°C", "°F", "K", "%", ""])
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
TREATMENTS = st.builds(
    Treatment,
    name=st.sampled_from(["", "a", "b", "x", "in"]),
    unit=UNITS,
    points=st.sampled_from([(), ((1.0, 2.0),), ((0.0, 1e300), (1e-3, -1e300))]),
    gain=st.sampled_from([1.0, 2.0, -1e300]),
    offset=st.sampled_from([0.0, 1.0, 1e300]),
)
FRAMES = st.builds(
    Decoded,
    st.lists(st.builds(Sample, OWN, FLOATS, UNITS, st.none()), max_size=5),
    st.lists(st.builds(BadValue, OWN, st.just(Why.ERROR_MARK)), max_size=2),
)
STEPS = st.lists(st.one_of(FRAMES, st.dictionaries(OWN, TREATMENTS), st.none(), st.sampled_from(["open"])), max_size=30)


@given(STEPS, st.integers(1, 6))
def test_nothing_is_lost_or_mixed(steps, limit):
    """A name keeps its sensor and its treatment until names are given anew, and whoever takes it over is told."""
    moved: set[str] = set()
    behind: dict[str, tuple[str, Treatment]] = {}  # by published name: whose value came last, and how it was treated
    now: dict[str, str] = {}  # by published name, since names were given
    plans: dict[str, Treatment] = {}
    sensors = Sensors(moved.add)
    sensors.begin(limit)
    for step in steps:
        if not isinstance(step, Decoded):
            now.clear()
            if step == "open":
                sensors.anew()
            else:
                plans = step or {}
                sensors.treat((lambda own, plans=plans: plans.get(own, Treatment())) if step is not None else None)
            continue
        if not sensors.treats:
            for sample in step.samples:
                behind.setdefault(sample.sensor, (sample.sensor, Treatment()))
            continue
        came = [sample._replace(count=place) for place, sample in enumerate(step.samples)]
        made = sensors.treated(Decoded(came, step.bad))
        assert len(made.samples) + len(made.bad) == len(step.samples) + len(step.bad)
        whys = [one.why for one in made.bad[: len(made.bad) - len(step.bad)]]
        assert set(whys) <= {Why.TOO_MANY_SENSORS, Why.NOT_FINITE, Why.WRONG_UNIT}
        assert sorted({sample.count for sample in made.samples}) == [sample.count for sample in made.samples]
        for sample in made.samples:
            assert math.isfinite(sample.value)
            own, _, unit, _ = came[sample.count]
            assert sensors.hardware(sample.sensor) == own
            plan = plans.get(own, Treatment())
            assert sample.unit == (plan.unit or unit) and becomes(unit, sample.unit)
            assert (unit in TEMPERATURES) == (sample.unit in TEMPERATURES)
            assert now.setdefault(sample.sensor, own) == own
            origin = own, Treatment("", plan.unit, plan.points, plan.gain, plan.offset)
            assert behind.get(sample.sensor, origin) == origin or sample.sensor in moved
            behind[sample.sensor] = origin
            moved.discard(sample.sensor)
        assert len(set(now.values())) == len(now) <= limit
