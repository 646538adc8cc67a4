"""What gateway and bridge say to each other, and the modules that go along: there and back, and refused when torn."""

import contextlib
from pathlib import Path
from pickle import dumps

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.compute.batch import answer
from gateway.compute.batching import batch, read, written
from gateway.compute.cluster import letters, there
from gateway.compute.cluster.modules import MOST, TooLarge, gathered, laid_out, mark_of
from gateway.compute.cluster.setting import Setting
from gateway.compute.cluster.staff import Seen, Staff
from gateway.compute.custom.pieces import Custom
from gateway.compute.sensors import Sensor
from gateway.compute.tasks import Result
from gateway.compute.wire import Nonsense
from gateway.model import Plan

BYTES = st.binary(max_size=40)
RESULTS = st.lists(
    st.builds(Result, columns=BYTES, n=BYTES, quality=BYTES, fronts=BYTES, carried=BYTES, suffixes=st.lists(BYTES))
)


@given(RESULTS)
def test_results_come_over_whole(results: list[Result]) -> None:
    """Whatever columns they have, and however many suffixes."""
    assert letters.results_of(letters.packed(results)) == results


@given(st.binary(max_size=200))
def test_no_bytes_harm(data: bytes) -> None:
    """Bytes from a network are an answer or Nonsense, and nothing is ever unpickled or raised otherwise."""
    for of in (letters.results_of, letters.answer_of, letters.standing_of, letters.parts_of):
        with contextlib.suppress(Nonsense):
            of(data)


def test_a_torn_answer_is_refused() -> None:
    """Cut anywhere it is Nonsense, but where a group ends."""
    whole = letters.packed([Result(b"12345678", b"1", b"2", b"", b"3", [b"s"])])
    for end in range(1, len(whole)):
        with pytest.raises(Nonsense):
            letters.results_of(whole[:end])


def test_orders_and_standings_come_over_whole() -> None:
    """With all their fields; modules follow the order."""
    order = letters.Order("tls://h:1", "1.2.3", "ca", "cert", "key", ("{}", '{"module": "a", "function": "b"}'))
    assert letters.order_of(letters.ordered(order, b"\n{\n}")) == (order, b"\n{\n}")
    standing = letters.Standing(letters.CONNECTED, "why", 3, 9, (0, 2))
    assert letters.standing_of(letters.told(standing)) == standing
    assert letters.call_of(letters.call(7, b"data")) == (7, b"data")
    assert letters.name_of(order.features[1]) == "a:b"


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{}",
        '{"state": 1}',
        '{"able": 5}',
        '{"able": [], "hands": true}',
        "x",
        '{"able": [], "more": 1}',
        '{"able": [], "state": "slow"}',
        '{"able": [], "state": "connected", "reason": "' + "x" * 5000 + '"}',
        "[" * 9999,
    ],
)
def test_a_standing_of_another_shape_is_refused(text: str) -> None:
    """It is nothing that the bridge would say."""
    with pytest.raises(Nonsense):
        letters.standing_of(text.encode())


def test_modules_go_along(tmp_path: Path) -> None:
    """Python files beside the configuration and those of a feature's package, byte for byte, and nothing else."""
    one, other = tmp_path / "here", tmp_path / "there"
    (one / "own" / "deep").mkdir(parents=True)
    (one / "data").mkdir()
    (one / "other").mkdir()
    files = {
        "a.py": "x = '°'\n".encode(),
        "own/__init__.py": b"",
        "own/b.py": b"\xff\r\n",
        "own/deep/__init__.py": b"1",
    }
    for name, data in files.items():
        (one / name).write_bytes(data)
    for name in ("secret", "gateway.toml", "data/c.py", "own/notes.txt", "other/__init__.py"):
        (one / name).write_text("no")
    laid_out(gathered(one, ["own.b:f"]), other)
    assert {str(file.relative_to(other)): file.read_bytes() for file in other.rglob("*") if file.is_file()} == files
    before = mark_of(gathered(one, ["own.b:f"]))
    assert mark_of(gathered(one, ["own.b:f"])) == before
    (one / "a.py").write_text("y = 1\n")
    assert mark_of(gathered(one, ["own.b:f"])) != before


def test_too_many_modules_stay_here(tmp_path: Path) -> None:
    """More than a megabyte of Python beside the configuration is told with its size; batches go all the same."""
    (tmp_path / "big.py").write_text("#" * MOST)
    with pytest.raises(TooLarge, match=r"are 1\.0 MB; 1 MB are the most"):
        gathered(tmp_path, [])
    order, modules = letters.order_of(Setting("tcp://h:1", None, None, None, Custom(("big:f",), tmp_path, 1.0)).order())
    assert (order.features, modules) == ((), b"{}")
    staff = Staff(order, modules)
    staff.look({"tcp://w:1": Seen(1, 0.0, True)}, 0.0)
    staff.said("tcp://w:1", order.version)
    standing = staff.standing(0.0)
    assert (standing.state, standing.workers, standing.able) == (letters.CONNECTED, 1, ())
    assert standing.reason == f"does not get the features of your own: {order.lacks.partition(': ')[2]}"
    assert "1 MB are the most" in standing.reason


@pytest.mark.parametrize("name", ["/etc/x.py", "../x.py", "a/../../x.py", "x.sh"])
def test_no_module_lands_outside(tmp_path: Path, name: str) -> None:
    """A place that is not in the folder, or no Python file, is refused."""
    with pytest.raises(ValueError, match="no place for a module"):
        laid_out(b'{"%s": "x"}' % name.encode(), tmp_path / "new")


def test_a_worker_elsewhere_computes_what_one_here_does() -> None:
    """The same results to the last bit; a batch that cannot be computed raises with the traceback."""
    sensors = [Sensor("a", name, plan) for name, plan in (("S1", Plan()), ("S2", Plan(use=("median",), window_n=3)))]
    for k in range(20):
        for sensor in sensors:
            assert sensor.add(20.0 + k / 3, "°C", None, 0.0, float(k))
    task = written(batch(sensors, 99))
    assert letters.results_of(there.batch(task)) == read(answer(task))
    with pytest.raises(RuntimeError, match="Traceback"):
        there.batch(dumps([("no group",)], 5))
