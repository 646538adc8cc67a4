"""sample.toml and docs/configuration.md show every option of the configuration, with its real default."""

import re
import tomllib
from pathlib import Path
from typing import Any

from gateway import config
from gateway.config.tables import TABLES, Document

ROOT = Path(config.__file__).parents[2]
SAMPLE = (ROOT / "gateway/sample.toml").read_text()
PAGE = (ROOT / "docs/configuration.md").read_text()
LISTS = ("boards", "sensors")
DEFAULTS = Document.model_validate({"boards": [{"port": "auto"}], "sensors": [{"match": "*"}]})


def default(table: str, key: str) -> Any:
    """The checked default; None where there is none."""
    holder = getattr(DEFAULTS, table)
    return getattr(holder[0] if table in LISTS else holder, key)


def checked(table: str, values: dict[str, Any]) -> Any:
    """The table with these values, as the configuration takes them."""
    needed = {"boards": {"port": "auto"}, "sensors": {"match": "*"}}.get(table, {})
    return TABLES[table].model_validate({**needed, **values})


def sample(mark: str) -> dict[str, dict[str, Any]]:
    """The keys of sample.toml whose lines begin with `mark`, by table."""
    out: dict[str, dict[str, Any]] = {}
    table = ""
    for line in SAMPLE.splitlines():
        if heading := re.fullmatch(r"(?:# )?\[+(\w+)]+", line):
            table = heading[1]
            out.setdefault(table, {})
        elif re.match(re.escape(mark) + r"\w+ = ", line):
            out[table].update(tomllib.loads(line.removeprefix(mark)))
    return out


def page() -> dict[str, dict[str, str]]:
    """The keys of docs/configuration.md and the cell of their default, by table."""
    sections = re.findall(r"(?ms)^## \[+(\w+)]+$(.*?)(?=^## |\Z)", PAGE)
    return {name: dict(re.findall(r"(?m)^\| `(\w+)` \| (.*?) ?\| ", text)) for name, text in sections}


def test_sample_runs_as_it_is() -> None:
    """sample.toml is a configuration without a problem, and so it is with every default and example taken in."""
    assert config.problems(SAMPLE) == []
    live = re.sub(r"(?m)^(# |#~ )(?=\w+ = |\[)", "", SAMPLE).replace("separator", "#").replace("header", "#")
    # these ask for a format, or a port, of their own
    special = "decimal|records|after|pattern|start|end|timeout|base|framing|size|magic|crc|endian|fields"
    special += "|ask|unit_id|units|registers|every"
    live = re.sub(rf"(?m)^({special}) = .*", "", live)
    assert config.problems(live) == []


def test_sample_is_the_defaults() -> None:
    """Each `# key = value` of sample.toml is the real default of that key."""
    for table, values in sample("# ").items():
        made = checked(table, values)
        assert {key: getattr(made, key) for key in values} == {key: default(table, key) for key in values}


def test_sample_has_every_option() -> None:
    """No option without its line, no line without its option; an example stands only where there is no default."""
    shown, examples, given = sample("# "), sample("#~ "), sample("")
    for table, model in TABLES.items():
        assert {*shown[table], *examples[table], *given[table]} == set(model.model_fields)
        checked(table, examples[table])
        assert all(default(table, key) is None for key in examples[table] if key != "match")
    assert set(shown) == set(TABLES)


def test_page_has_every_option() -> None:
    """docs/configuration.md lists the same tables and keys, each with its real default or none."""
    listed = page()
    assert {name: set(keys) for name, keys in listed.items()} == {
        name: set(model.model_fields) for name, model in TABLES.items()
    }
    for table, keys in listed.items():
        for key, cell in keys.items():
            if cell:
                made = checked(table, tomllib.loads(f"{key} = {cell.strip('`')}"))
                assert getattr(made, key) == default(table, key), (table, key)
            else:
                assert key in ("name", "port", "match") or default(table, key) is None, (table, key)


def test_page_speaks_as_the_program() -> None:
    """The sentences that docs/configuration.md shows are those that a user reads."""
    text = '[[boards]]\nname = "a"\nport = "/dev/a"\nbuad = 1\n[features]\nwindow = "60"\n'
    for sentence in config.problems(text):
        assert sentence in PAGE
