"""The pictures of docs/web.md can be taken anew at any time, and show what is there."""

import re
import struct

import pytest

from ..street import ROOT
from .pictures import FOLDER, LARGEST, PICTURES, scene, take


def test_each_picture_is_shown_once():
    """The page on the page has all pictures that are made, with words for those who see none, and no others."""
    shown = re.findall(r"!\[([^]]+)\]\(pictures/([\w-]+)\.png\)", (ROOT / "docs" / "web.md").read_text())
    assert sorted(name for _, name in shown) == sorted(PICTURES)
    assert all(len(words) > 20 for words, _ in shown)
    assert {file.stem for file in FOLDER.glob("*.png")} >= set(PICTURES)
    assert max((FOLDER / f"{name}.png").stat().st_size for name in PICTURES) < LARGEST


@pytest.mark.slow
@pytest.mark.outside
@pytest.mark.xdist_group("browser")
def test_pictures_can_be_taken(browser, tmp_path):
    """They come out as large as those in the documents, in pixels and about so in bytes."""
    fake = scene()
    try:
        for file in take(browser, fake, tmp_path):
            data, kept = file.read_bytes(), (FOLDER / file.name).read_bytes()
            assert struct.unpack(">II", data[16:24]) == struct.unpack(">II", kept[16:24])
            assert 0.7 < len(data) / len(kept) < 1.4
    finally:
        fake.stop()
