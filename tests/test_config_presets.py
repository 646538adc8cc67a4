"""A board's preset: what it brings, what overrides it, and what is told of one that cannot be used."""

import os
import tomllib
from pathlib import Path

import pytest

from gateway import config
from gateway.commands.catalogue import catalogue
from gateway.config import Wrong, changes, plan_for, preset, presets, problems
from gateway.config.presets import NONE, PACKAGED
from gateway.model import Port
from tests.tables import BENCH, loaded

MINE = '[board]\nbaud = 9600\nformat = "csv"\ncolumns = ["in", "out"]\nseparator = ";"\n'


def own(tmp_path: Path, name: str, text: str) -> Path:
    """A preset of a user's own."""
    file = tmp_path / "presets.d" / f"{name}.toml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def told(tmp_path: Path, text: str) -> str:
    """The only problem of `text` beside presets.d."""
    found = problems(text, tmp_path / "gateway.toml")
    assert len(found) == 1, found
    return found[0]


def test_a_preset_is_a_table_filled_in(tmp_path: Path) -> None:
    """What a preset brings and what a table says are one board; the table has the last word, key by key."""
    made = loaded(tmp_path, BENCH + 'preset = "marlin"\nbaud = 250000\n').boards[0]
    assert made.port == Port("/dev/ttyX0", 250_000, "8N1", False)
    assert made.format == "kv"
    same = BENCH + 'baud = 250000\ndtr = false\nformat = "kv"\n'
    assert made == loaded(tmp_path, same).boards[0]


def test_another_format_takes_its_own_keys(tmp_path: Path) -> None:
    """With a format of its own a table is free of those keys of the preset that are another format's."""
    own(tmp_path, "mine", MINE)
    made = loaded(tmp_path, BENCH + 'preset = "mine"\nformat = "kv"\n').boards[0]
    assert (made.format, made.options.columns, made.options.separator) == ("kv", ("in", "out"), "auto")


def test_many_units_of_one_preset(tmp_path: Path) -> None:
    """On a line of Modbus a preset says what each unit is, and the table which units there are."""
    units = '[{ id = 3, name = "a" }, { id = 4, name = "b" }]'
    text = f'[[boards]]\nport = "/dev/ttyX0"\npreset = "xy-md02"\nunits = {units}\n'
    made = loaded(tmp_path, text)
    assert [(board.name, board.modbus and board.modbus.unit) for board in made.boards] == [("a", 3), ("b", 4)]
    assert all(plan_for(made, board, "temperature").own_range["°C"] == (-40.0, 125.0) for board in "ab")
    assert {board["preset"] for board in config.plan(made)["boards"]} == {"xy-md02"}


@pytest.mark.parametrize("port", ["/dev/ttyX0", "auto"])
def test_the_range_of_a_sensor(tmp_path: Path, port: str) -> None:
    """A preset's range is in °C, holds for each unit of temperature, and gives way to any range that is configured."""
    board = f'[[boards]]\nname = "bench"\nport = "{port}"\npreset = "emontx4"\n'
    plan = plan_for(loaded(tmp_path, board), "bench", "T1")
    low, high = plan.own_range["K"]
    assert plan.range is None
    assert plan.own_range["°C"] == (-55.0, 125.0)
    assert plan.own_range["°F"] == (-67.0, 257.0)
    assert low <= min(218.15, -55 + 273.15)
    assert high >= max(398.15, 125 + 273.15)
    assert set(plan.own_range) == {"°C", "°F", "K"}
    for given in ("range = []\n", "range = [0, 1]\n", '[[sensors]]\nmatch = "*/T1"\nrange = [0, 1]\n'):
        assert not plan_for(loaded(tmp_path, board + given), "bench", "T1").own_range


def test_own_presets(tmp_path: Path) -> None:
    """A user's own stands beside the packaged ones, and in the place of one of its name; the plan says which it is."""
    file = own(tmp_path, "marlin", 'range = [0, 300]\n[board]\nbaud = 250000\nformat = "kv"\n')
    assert presets(tmp_path / "presets.d")[0]["marlin"] == file
    made = loaded(tmp_path, BENCH + 'preset = "marlin"\n')
    assert made.boards[0].port.baud == 250_000
    board = config.plan(made)["boards"][0]
    assert (board["preset"], board["preset_file"]) == ("marlin", str(file))
    assert f"preset marlin of {file}, format kv" in "\n".join(config.lines(config.plan(made)))
    packaged = config.plan(loaded(tmp_path, BENCH + 'preset = "emontx4"\n'))
    assert packaged["boards"][0]["preset_file"] is None
    assert "115200 8N1, preset emontx4, format kv" in "\n".join(config.lines(packaged))


def test_a_changed_preset_is_a_changed_board(tmp_path: Path) -> None:
    """At a reload a board whose preset says something else is one with other settings, and no other is."""
    own(tmp_path, "mine", MINE)
    text = BENCH + 'preset = "mine"\n[[boards]]\nname = "shed"\nport = "/dev/ttyX1"\npreset = "marlin"\n'
    before = loaded(tmp_path, text)
    own(tmp_path, "mine", MINE.replace("9600", "19200"))
    found = changes(before, loaded(tmp_path, text))
    assert (found.gone, found.opened, [board.name for board in found.changed]) == ((), (), ["bench"])


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('preset = "marlim"', 'boards[0].preset: there is no preset "marlim"; did you mean "marlin"'),
        ('preset = "emontx"', 'did you mean "emontx4" or "emontx4-json"?'),
        ('preset = "../gateway"', 'there is no preset "../gateway"; `gateway presets` lists those that there are'),
        ('preset = "/etc/passwd"', 'there is no preset "/etc/passwd"; `gateway presets` lists'),
        ('preset = "\\u001b[2J"', 'there is no preset "\\x1b[2J"; `gateway presets` lists'),
        ("preset = 3", "boards[0].preset: the name of a preset, as `gateway presets` lists them, was expected;"),
        ('preset = "circuitpython-plotter"\ncolumns = ["a", "b", "c"]',
         'boards[0].unit (of preset "circuitpython-plotter"): there are 2 units for 3 columns'),
        ('preset = "tasmota-log"\nseparator = ";"', 'boards[0].separator: format = "json" does not take it'),
    ],
)  # fmt: skip
def test_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    """What is wrong with a board's preset is one sentence, and what the preset would have decided is none."""
    assert sentence in told(tmp_path, BENCH + text)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[board]\nbuad = 1", "board.buad: no such key; did you mean 'baud'?"),
        ("[board]\nbuad = 1\nbaud = 1", "found 1, and 1 more"),
        ('[board]\nformat = "csv"\nafter = "x"', 'board.after: format = "csv" does not take it; set format = "json"'),
        ('[board]\nport = "/dev/ttyX0"', "board.port: is of one board and not of its kind; take it out"),
        ("[board]\nrange = [0, 1]", "board.range: stands above [board] in a preset, in °C; move it there"),
        ("title = 3\n[board]", "title: text in quotes"),
        ("notes = 3\n[board]", "notes: text in quotes"),
        ("range = [1]\n[board]", "range: a list of two numbers"),
        ("titel = ''\n[board]", "titel: no such key; did you mean 'title'?"),
        ("", "board: is missing; a table [board] with keys of a [[boards]] table is needed"),
        ("board = 3", "board: is missing"),
        ("samples = 3\n[board]", "samples: a list of tables was expected; found 3"),
        ("[board]\n[[samples]]", "samples[0]: either text or hex is needed, with the bytes that the board sends"),
        ("[board]\n[[samples]]\ntext = 'a'\nhex = '61'", "samples[0]: either text or hex is needed"),
        ("[board]\n[[samples]]\nhex = '6'", 'samples[0].hex: bytes as hexadecimal digits, such as "1f 06 4c",'),
        ("[board]\n[[samples]]\ntext = ''\nasked = ''", "samples[0].asked: 1 to 256 bytes were expected"),
        ("[board]\n[[samples]]\ntext = 6", "samples[0].text: text in quotes"),
        ("[board]\n[[samples]]\ntext = ''\nreading = 1", "samples[0].reading: no such key; did you mean 'readings'?"),
        ("[board]\n[[samples]]\ntext = ''\nreadings = [{}]", "samples[0].readings[0]: either value or values is"),
        ("[board]\n[[samples]]\ntext = ''\nreadings = [{ value = nan }]", "samples[0].readings[0].value: a number"),
        ("[board]\n[[samples]]\ntext = ''\nreadings = [{ values = 1 }]", "readings[0].values: a list of numbers was"),
        ("[board]\n[[samples]]\ntext = ''\nreadings = [{ values = [''] }]", "samples[0].readings[0].values: a number"),
        ("[board]\n[[samples]]\ntext = ''\nrefused = 'x'", "samples[0].refused: a list of texts"),
        ("[board", "not TOML"),
        ('"\\u001b" = 1\n[board]', r'"\x1b": no such key'),
    ],
)  # fmt: skip
def test_a_broken_file(tmp_path: Path, text: str, sentence: str) -> None:
    """A preset of a user's own that cannot be used is told with its path, where it is used, in one sentence."""
    file = own(tmp_path, "mine", text)
    found = told(tmp_path, BENCH + 'preset = "mine"\nseparator = ";"\n')
    assert found.startswith(f'boards[0].preset: "{file}": ')
    assert sentence in found
    assert problems(BENCH, tmp_path / "gateway.toml") == []


def test_hostile_files(tmp_path: Path) -> None:
    """No path in presets.d leads out of it, and what is no plain file is told and never opened."""
    folder = tmp_path / "presets.d"
    own(tmp_path, "good", MINE)
    (tmp_path / "outside.toml").write_text(MINE)
    (folder / "out.toml").symlink_to(tmp_path / "outside.toml")
    (folder / "in.toml").symlink_to("good.toml")
    (folder / "nowhere.toml").symlink_to("nothing")
    (folder / "round.toml").symlink_to("round.toml")
    (folder / "folder.toml").mkdir()
    (folder / "null.toml").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.toml")
    own(tmp_path, "a b", MINE)
    with open(own(tmp_path, "huge", ""), "r+b") as file:
        file.truncate(1_000_001)
    assert preset("in", folder).board["separator"] == ";"
    for name, sentence in {
        "out": "leads out of its folder, to", "nowhere": "leads nowhere", "round": "leads nowhere",
        "folder": "is no file", "null": "leads out of its folder", "pipe": "is no file", "a b": "rename it",
        "huge": "over 1 MB is no preset",
    }.items():  # fmt: skip
        with pytest.raises(Wrong) as caught:
            preset(name, folder)
        assert len(caught.value.problems) == 1
        assert f'"{folder / name}.toml": ' in caught.value.problems[0]
        assert sentence in caught.value.problems[0]


def test_a_folder_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which preset a name means cannot be told then, so a board is refused; the packaged ones can still be listed."""

    free = os.listdir

    def denied(folder: Path) -> list[str]:
        if folder == tmp_path / "presets.d":
            raise PermissionError(13, "Permission denied", str(folder))
        return free(folder)

    monkeypatch.setattr(os, "listdir", denied)
    found = told(tmp_path, BENCH + 'preset = "marlin"\n')
    assert found.startswith(f'boards[0].preset: "{tmp_path}/presets.d" cannot be read: Permission denied; put its')
    known, wrong = catalogue(tmp_path / "presets.d", [])
    assert "marlin" in {one.name for one in known}
    assert [sentence.partition(";")[0] for sentence in wrong] == [found[18:].partition(";")[0]]


def test_presets_are_in_the_package() -> None:
    """What lies beside the code is installed with it: the presets, and the sample of a configuration."""
    root = PACKAGED.parents[1]
    patterns = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["gateway"]
    installed = {path for pattern in patterns for path in (root / "gateway").glob(pattern)}
    assert {*PACKAGED.iterdir(), root / "gateway/sample.toml"} <= installed


def test_every_packaged_file_is_a_preset() -> None:
    """Nothing lies in the folder of the package that no name leads to."""
    assert {path.stem for path in PACKAGED.iterdir()} == set(presets(NONE)[0])
