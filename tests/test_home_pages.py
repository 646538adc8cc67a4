"""Discovery messages: what is in them, how they are cut, and what no longer is."""

import json
from pathlib import Path

from gateway.publish.home.components import of_sensor
from gateway.publish.home.nouns import Board, Place, Sensor
from gateway.publish.home.pages import A_PAGE, LARGEST, MANY, pages
from gateway.publish.naming import Naming

GOLDEN = Path(__file__).parent / "golden/homeassistant"
KEYS = ("normalized", "feature", "mean", "std", "min", "max")
PLACE = Place(Naming("greenhouse-1", "gateway", "5f0c2a9d41be"))
BENCH = (Sensor("S3", "°C", "", KEYS), Sensor("humidity", "%", "humidity", ("normalized", "feature", "slope")))
HOSTILE = "'{{ 1/0 }}\\\n<script>\u202e🌡"


def made(*boards, prefix="homeassistant", largest=None, gone=None):
    return pages(prefix, PLACE, "1.0.0", boards, largest, gone)


def many(count):
    """A board with so many sensors."""
    return Board("bench", tuple(Sensor(f"S{number}", "°C", "", KEYS) for number in range(count)))


def components(found):
    """All components of all messages, by unique id; none is there twice."""
    out = {}
    for text in found.messages.values():
        for one in json.loads(text)["components"].values():
            if "unique_id" in one:
                assert one["unique_id"] not in out
                out[one["unique_id"]] = one
    return out


def test_golden():
    """A gateway, a board with a temperature and a humidity, and one whose names are hostile, are announced as ever."""
    found = made(
        Board("bench", BENCH, "bme280-test"),
        Board("boiler room", (None, Sensor(HOSTILE, "°C", "", ("mean",), alarm=True))),
    )
    text = json.dumps({at: json.loads(body) for at, body in found.messages.items()}, indent=1, ensure_ascii=False)
    assert text + "\n" == (GOLDEN / "expected.json").read_text()
    assert found.left_out == 0


def test_the_gateway_is_announced_before_its_boards():
    """Boards name it as their parent, and their topics are a level deeper, which Home Assistant reads later."""
    first, *others = made(Board("bench", BENCH), Board("attic")).messages
    assert first == "homeassistant/device/gateway-greenhouse-1/config"
    assert others == [f"homeassistant/device/gateway-greenhouse-1/{name}/config" for name in ("bench", "attic")]


def test_a_board_of_which_nothing_is_known_yet_is_there():
    """Its state can be seen before its first sensor speaks."""
    text = made(Board("attic")).messages["homeassistant/device/gateway-greenhouse-1/attic/config"]
    assert list(json.loads(text)["components"]) == ["status", "problem", "refused"]


def test_a_sensor_whose_name_is_empty_has_one_there():
    """Home Assistant takes an empty name for none, and would show the board's alone."""
    found = of_sensor(PLACE, "bench", Sensor("", "°C", "temperature", ("mean",)))
    assert [one["name"] for one in found.values()] == ["sensor", "sensor mean", "sensor quality"]


def test_only_values_are_shown_until_somebody_asks():
    """Of a sensor the value is enabled; features and quality are there, and off."""
    found = [one for key, one in components(made(Board("bench", BENCH))).items() if "--S3--" in key]
    assert [one["name"] for one in found if one.get("enabled_by_default", True)] == ["S3"]
    assert {one["name"] for one in found} == {"S3", "S3 quality", *(f"S3 {key}" for key in KEYS)}


def test_nothing_expires_and_all_must_be_there():
    """Staleness is said by the three who know it, each of which has to say that it is well; no clock guesses it."""
    for one in components(made(Board("bench", BENCH))).values():
        assert "expire_after" not in one
        if one["state_topic"].endswith("/last"):
            assert one["availability_mode"] == "all"
            assert [at["topic"] for at in one["availability"]] == [
                "gateway/greenhouse-1/status", "gateway/greenhouse-1/bench/status",
            ]  # fmt: skip


def test_many_sensors_are_cut_at_places_that_stay():
    """A sensor that is new, or one that leaves, moves no other to another message."""
    before, more = many(100), many(101)
    less = Board("bench", (None, *before.slots[1:]))
    cut = made(before)
    assert len(cut.messages) == 1 + -(-100 // A_PAGE)
    assert all(len(text) <= LARGEST for text in cut.messages.values())

    def places(board):
        return {key: at for at, keys in made(board).components.items() for key in keys}

    assert places(before).items() <= places(more).items()
    assert places(less).items() <= places(before).items()


def test_of_a_board_with_very_many_sensors_values_alone_are_announced():
    """Some 8 entities of each would be thousands, and megabytes at each connection."""
    some, more = components(made(many(MANY))), components(made(many(MANY + 1)))
    assert len(some) == 10 + 3 + 8 * MANY
    assert len(more) == 10 + 3 + MANY + 1
    assert sum(map(len, made(many(256)).messages.values())) < 400_000


def test_a_small_broker_gets_smaller_messages_with_all_in_them():
    """A limit makes more messages, then leaves out features, and a sensor only where its value alone is too much."""
    whole = set(components(made(many(20))))
    some = made(many(20), largest=10_000)
    assert set(components(some)) == whole
    assert all(len(text) <= 10_000 for text in some.messages.values())
    values = made(many(20), largest=4_000)
    kept = components(values)
    assert sum(one["state_topic"].endswith("/last") for one in kept.values()) == 20
    assert values.left_out == 0
    assert made(many(20), largest=500).left_out == 20


def test_what_is_no_more_is_said_in_so_many_words():
    """Home Assistant keeps a component that is just not named any more: it has to be named with its platform alone."""
    before = made(Board("bench", BENCH))
    after = made(Board("bench", BENCH[:1]), gone=before.components)
    text = after.messages["homeassistant/device/gateway-greenhouse-1/bench/config"]
    gone = {key: one for key, one in json.loads(text)["components"].items() if len(one) == 1}
    assert gone == {
        key: {"platform": "sensor"} for key in before.components[list(before.messages)[1]] if "humidity" in key
    }
