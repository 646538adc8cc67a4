"""What lies in the place of the spool's file is no file: it is set aside untouched, and readings are kept."""

import os
import socket
import stat

import pytest

from gateway.publish.spool.leftovers import Leftovers
from gateway.publish.spool.store import FILE
from tests.keepers import LANES, Street

pytestmark = pytest.mark.usefixtures("closed_files")


def _directory(place):
    place.mkdir()
    (place / "precious").write_text("precious")


def _empty_directory(place):
    place.mkdir()


def _link(place):
    place.with_name("victim").write_text("precious")
    place.symlink_to(place.with_name("victim"))


def _fifo(place):
    os.mkfifo(place)


def _socket(place):
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(place))


@pytest.mark.parametrize("put", [_directory, _empty_directory, _link, _fifo, _socket])
async def test_it_is_set_aside(tmp_path, put, monkeypatch):
    """From the first moment on the spool takes readings; nothing of what lay there is changed or deleted."""
    monkeypatch.chdir(tmp_path)  # a socket's path may not be long
    put((tmp_path / FILE).relative_to(tmp_path))
    kind = stat.S_IFMT((tmp_path / FILE).lstat().st_mode)
    s = Street(tmp_path)
    try:
        await s.spool.open()
        (aside,) = tmp_path.glob("*.damaged.db")
        assert stat.S_IFMT(aside.lstat().st_mode) == kind
        assert [fields["file"] for name, fields in s.events if name == "spool.damaged"] == [str(aside)]
        s.come(LANES[0], 10)
        s.now += 1.1
        await s.look()
        assert (s.spool.held("a"), s.spool.trouble) == (10, None)
    finally:
        await s.close()
    if put is _directory:
        assert (aside / "precious").read_text() == "precious"
        leftovers = Leftovers(tmp_path)
        assert (leftovers.size, leftovers.drop_oldest()) == (0, False), "nor does it count, or go, with old spools"
    if put is _link:
        assert (tmp_path / "victim").read_text() == "precious"
