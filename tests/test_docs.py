"""The documents hold: their configurations are accepted, their commands exist, their links lead somewhere."""

import ast
import json
import re
import shlex
import subprocess
import sys
import textwrap
import tomllib
from pathlib import Path

import pytest

from gateway.cli import parser
from gateway.config import problems

from .boards_read import configured, read
from .street import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(page: Path, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text(), re.DOTALL)


def test_the_readme_leads_with_two_commands():
    """The first two blocks are one line each: the demo, and the tests."""
    first, second, *_ = blocks(ROOT / "README.md", "sh")
    assert first == "sh .ci/setup demo && .venv/bin/gateway demo\n"
    assert second == "sh .ci/setup test && .venv/bin/python -m pytest -n 4\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_blocks_are_what_they_say(page):
    """TOML, JSON and Python in the documents parse; a whole configuration is one that `check` accepts."""
    for text in blocks(page, "toml"):
        data = tomllib.loads(text)
        if "mqtt" in data and "boards" in data:
            assert problems(text) == []
    for text in blocks(page, "json"):
        json.loads(text)
    for text in blocks(page, "python"):
        ast.parse(text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_exist(page):
    """Each `gateway …` line of a shell block is one that the program takes."""
    for block in blocks(page, "sh"):
        for line in block.splitlines():
            words = shlex.split(line, comments=True)
            for i, word in enumerate(words):
                if word.endswith("bin/gateway") and (i == 0 or words[i - 1] in ("&&", "sudo")):
                    parser().parse_args(words[i + 1 :])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Each relative link is a file of the repository."""
    text = re.sub(r"(?ms)^```.*?^```$", "", page.read_text())  # in which a pattern may look like a link
    for target in re.findall(r"\]\((?!http)([^)#]+)", text):
        assert (page.parent / target).exists(), target


def test_the_way_to_a_board_that_is_not_known(tmp_path):
    """docs/formats.md: by its table its lines give the readings listed there, and without one none that is a lie."""
    text = (ROOT / "docs" / "formats.md").read_text()
    steps = text.partition("## A board that is not known\n")[2].partition("\n## ")[0]
    lines, table = (
        textwrap.dedent(re.search(rf"   ```{language}\n(.*?)   ```", steps, re.DOTALL)[1])
        for language in ("text", "toml")
    )
    head = {"capture": 1, "board": "acme", "started": "2026-11-24T05:48:46.000000Z", "whole": True}
    said = {"at": 1.0, "text": lines.replace("\n", "\r\n")}
    (tmp_path / "acme.jsonl").write_text(f"{json.dumps(head)}\n{json.dumps(said)}\n")
    (tmp_path / "acme.toml").write_text(table)
    assert problems(table) == []
    by_table, by_itself = (
        [
            json.loads(line)
            for line in subprocess.run(
                [sys.executable, "-m", "gateway", "replay", str(tmp_path / "acme.jsonl"), "--json", *options],
                cwd=ROOT, capture_output=True, text=True, check=True,
            ).stdout.splitlines()
        ]
        for options in (("-c", str(tmp_path / "acme.toml")), ())
    )  # fmt: skip
    listed = re.findall(r"^   \| (\w+) \| ([\d.]+) \|$", steps, re.MULTILINE)
    assert [(one["sensor"], one["value"]) for one in by_table[:-1]] == [(name, float(value)) for name, value in listed]
    assert by_table[-1]["summary"]["refused_values"] == {"error_mark": 1}
    assert len(by_itself) == 1, "auto reads nothing of them"


def test_the_way_to_a_board_whose_bytes_are_no_text(tmp_path):
    """docs/formats.md: by its table the frames of the capture give the readings listed there, with `crc` or none."""
    text = (ROOT / "docs" / "formats.md").read_text()
    part = text.partition("### When its bytes are no text\n")[2].partition("\n## ")[0]
    pieces, table = re.findall(r"```\w+\n(.*?)```", part, re.DOTALL)
    frames = [bytes.fromhex(json.loads(line)["hex"]) for line in pieces.splitlines()]
    listed = re.findall(r"^\| (\w+) \| ([\d.]+) \| (\d+) \|$", part, re.MULTILINE)
    for spelt in (table, table.replace('crc = "XOR-8"\n', "")):
        found = read(configured(spelt.removeprefix("[[boards]]\n"), tmp_path), [b"".join(frames * 2)])
        values = [(each["sensor"], str(each["value"]), str(each["count"])) for each in found if "value" in each]
        assert values[: len(listed)] == listed
        assert {"sensor": "die", "why": "error_mark"} in found
    wrong = configured(table.removeprefix("[[boards]]\n").replace("size = 9", "size = 10"), tmp_path)
    assert not any("value" in each for each in read(wrong, frames * 2))
