"""The file of a backup: what is put in comes out, and nothing else than a whole backup of ours is read."""

import hashlib
import io
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.backup.archive import BackupError, Contents, Kept, Reader, Writer
from gateway.backup.restoring import moves

FILES = [("spool", "spool.db", b"x" * 700), ("configuration", "gateway.toml", b"[gateway]\n"), ("state", "name", b"")]


def contents(files, **more):
    given = {"gateway": "gw", "version": "1", "made": "2026", "secrets": False, "left_out": (), "files": tuple(files)}
    return Contents(**given | more)


def made(files=FILES, listed=None):
    """The bytes of a backup. listed: what its list says of the files, if that is something else."""
    file = io.BytesIO()
    writer = Writer(file)
    for role, name, data in files:
        writer.add(role, name, io.BytesIO(data), len(data))
    writer.finish(contents(writer.files if listed is None else listed))
    return file.getvalue()


def read(data):
    return Reader(io.BytesIO(data))


def refused(data):
    """The sentence with which it is refused."""
    with pytest.raises(BackupError) as error:
        read(data)
    return str(error.value)


def tar(*members):
    """A tar by the library, of (TarInfo, data)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as one:
        for member, data in members:
            member.size = len(data)
            one.addfile(member, io.BytesIO(data))
    return file.getvalue()


def test_what_is_put_in_comes_out():
    """Each file, byte for byte; and any tar lists it."""
    data = made()
    reader = read(data)
    for (role, name, text), one in zip(FILES, reader.contents.files, strict=True):
        to = io.BytesIO()
        reader.copy(one, to)
        assert (one.role, one.name, to.getvalue()) == (role, name, text)
    with tarfile.open(fileobj=io.BytesIO(data)) as library:
        names = library.getnames()
    assert names == ["0000-spool", "0001-configuration", "0002-state", "list.json", "list.sha256"]


def test_a_file_that_becomes_shorter():
    """It is told, and is no backup."""
    with pytest.raises(BackupError, match=r"spool\.db became shorter while it was copied; try again"):
        Writer(io.BytesIO()).add("spool", "spool.db", io.BytesIO(b"x"), 2)


def test_one_wrong_bit_anywhere():
    """It is found by a checksum, wherever it counts; or it is where nothing stands."""
    data = made()
    whole = read(data).contents
    for at in range(0, len(data) - 1024, 7):
        wrong = bytearray(data)
        wrong[at] ^= 4
        try:
            found = read(bytes(wrong))
        except BackupError:
            continue
        assert found.contents == whole and not data[at], f"a wrong bit at {at} was not seen"


def test_one_that_ends_early():
    """However much is missing."""
    data = made()
    for end in range(0, len(data) - 1024, 13):
        assert refused(data[:end])


def test_what_is_no_backup():
    """Another tar; links, devices, folders, long and sparse names; names twice; another order: each is refused."""
    plain = tarfile.TarInfo("0000-spool")
    assert refused(b"") and refused(b"x" * 5000) and refused(bytes(5000))
    assert "no list of what is in it" in refused(tar((plain, b"x")))
    for kind in (
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.DIRTYPE,
        tarfile.FIFOTYPE,
        b"S",
        b"L",
        b"7",
    ):
        other = tarfile.TarInfo("0000-spool")
        other.type, other.linkname = kind, "/etc/passwd"
        assert refused(tar((other, b"")) + made())
    for name in ("../x", "/etc/passwd", "gateway.toml", "0000-spool" + "x" * 200, "0000-ä"):
        assert refused(tar((tarfile.TarInfo(name), b"x")))
    assert "damaged, or no backup" in refused(tar((plain, b"x"), (plain, b"x")))
    members = [(tarfile.TarInfo(name), b"x") for name in ("list.json", "list.sha256", "0000-spool")]
    assert refused(tar(*members))


def test_a_size_that_is_a_lie():
    """A member that says to have terabytes, or none, is not read beyond the file."""
    data = made()
    for size in (b"77777777777\0", b"-0000000001\0", b"\x80" + b"\xff" * 11, b"00000000000\0"):
        head = bytearray(data[:512])
        head[124:136] = size
        head[148:156] = b" " * 8
        head[148:156] = f"{sum(head):06o}\0 ".encode()
        assert refused(bytes(head) + data[512:])


@pytest.mark.parametrize(
    "change",
    [
        {"backup": 2},
        {"backup": None},
        {"files": {}},
        {"files": [1]},
        {"files": None},
        {"gateway": 7},
        {"secrets": "no"},
        {"left_out": None},
        {"made": "x" * 2000},
    ],
)
def test_a_list_that_says_something_else(change):
    """It is refused in a sentence, with its checksum in order; what a newer version has made is called so."""
    data = made()
    listed = json.loads(data[data.index(b'{"backup"') :].partition(b"\0")[0]) | change
    text = json.dumps(listed).encode()
    file = io.BytesIO()
    writer = Writer(file)
    for role, name, some in FILES:
        writer.add(role, name, io.BytesIO(some), len(some))
    with tarfile.open(fileobj=io.BytesIO(), mode="w"):
        for name, part in (("list.json", text), ("list.sha256", hashlib.sha256(text).hexdigest().encode())):
            one = tarfile.TarInfo(name)
            one.size = len(part)
            file.write(one.tobuf(tarfile.USTAR_FORMAT) + part + bytes(-len(part) % 512))
    sentence = refused(file.getvalue() + bytes(1024))
    assert ("a newer version" in sentence) == (change == {"backup": 2})


@given(st.binary(max_size=3000))
def test_any_bytes(data):
    """Are no backup, and that is all that comes of them."""
    assert refused(data)


@given(st.lists(st.tuples(st.integers(0, 5000), st.binary(min_size=1, max_size=20)), min_size=1, max_size=5))
def test_any_damage(changes):
    """Is refused, or does not matter."""
    data = made()
    wrong = bytearray(data)
    for at, some in changes:
        wrong[at : at + len(some)] = some
    try:
        found = read(bytes(wrong))
    except BackupError:
        return
    assert found.contents == read(data).contents


@pytest.mark.parametrize(
    ("role", "name"),
    [
        ("preset", "../x.toml"),
        ("preset", "presets.d/../../x.toml"),
        ("preset", "/etc/x.toml"),
        ("preset", "presets.d/a/x.toml"),
        ("preset", "presets.d/x.py"),
        ("feature", "../x.py"),
        ("feature", "x.toml"),
        ("feature", "a/" * 9 + "x.py"),
        ("feature", "a\0.py"),
        ("feature", "\ud800.py"),
        ("feature", ".."),
        ("feature", "a//x.py"),
        ("secret", "presets.d/x"),
        ("secret", "x.py"),
        ("secret", "gateway.toml"),
        ("tls", "../ca.crt"),
        ("tls", ".ssh/authorized_keys"),
        ("secret", "tls/.git/config"),
        ("preset", "presets.d/.x.toml"),
        ("feature", ".config/x.py"),
        ("state", "lock"),
        ("state", "../name"),
        ("state", "control"),
        ("spool", "spool.db-shm"),
        ("spool", "/spool.db"),
    ],
)
def test_what_has_no_place(tmp_path, role, name):
    """A file goes to its folder and to nowhere else, whatever it is called."""
    listed = [Kept("configuration", "gateway.toml", 0, ""), Kept(role, name, 0, "")]
    with pytest.raises(BackupError, match="it is no backup of a gateway"):
        moves(contents(listed), tmp_path / "gateway.toml", tmp_path / "state")


def test_what_does_not_go_together(tmp_path):
    """Two configurations, or none; a log without its spool; two for one place; a huge file that is no spool."""
    one = Kept("configuration", "gateway.toml", 0, "")
    for listed in (
        [],
        [one, Kept("configuration", "x", 0, "")],
        [one, Kept("spool", "spool.db-wal", 0, "")],
        [one, Kept("tls", "x", 0, ""), Kept("secret", "x", 0, "")],
        [one, Kept("feature", "x.py", 2_000_000, "")],
    ):
        with pytest.raises(BackupError):
            moves(contents(listed), tmp_path / "gateway.toml", tmp_path / "state")
