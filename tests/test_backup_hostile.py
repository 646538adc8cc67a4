"""Backup and restore beside somebody who means harm: the service's user, or whoever has made a backup."""

import grp
import io
import os
import pwd
from pathlib import Path

import pytest

from gateway.backup import places
from gateway.backup.archive import BackupError, Contents, Reader, Writer
from gateway.backup.belonging import belonging
from gateway.backup.making import Source, make, unused
from gateway.backup.restoring import moves, put, unnamed
from gateway.commands import restore as command
from gateway.state import Lock, NoState

SERVICE = 65534  # a user who is not root


def written(*files):
    """A backup with these (role, name, bytes) beside its configuration."""
    file = io.BytesIO()
    writer = Writer(file)
    for role, name, data in (("configuration", "gateway.toml", b"[gateway]\n"), *files):
        writer.add(role, name, io.BytesIO(data), len(data))
    writer.finish(Contents("gw", "1", "2026", False, (), tuple(writer.files)))
    return file.getvalue()


def backup(*files):
    """A reader of one."""
    return Reader(io.BytesIO(written(*files)))


@pytest.fixture
def card(tmp_path):
    """(configuration, state) of a card; the state is the service's where root runs this, who gives files away."""
    config, state = tmp_path / "etc/gateway.toml", tmp_path / "state"
    config.parent.mkdir()
    state.mkdir(mode=0o700)
    if os.geteuid() == 0:
        os.chown(state, SERVICE, SERVICE)
    return config, state


def whose(path):
    """Owner, group and mode."""
    found = path.stat()
    return found.st_uid, found.st_gid, found.st_mode


def swap_folders(monkeypatch, victim):
    """Has somebody put a link to `victim` in the place of each folder as soon as it is made."""
    mkdir = Path.mkdir

    def swapped(path, *words, **more):
        mkdir(path, *words, **more)
        path.rmdir()
        path.symlink_to(victim)

    monkeypatch.setattr(Path, "mkdir", swapped)


class Swapped:
    """A backup, with somebody who puts a link to `victim` in the place of each file as soon as it is written."""

    def __init__(self, reader, folder, victim):
        self._reader, self._folder, self._victim = reader, folder, victim

    def copy(self, one, to):
        """Copies as the reader does."""
        checksum = self._reader.copy(one, to)
        for path in self._folder.glob(".restored-*"):
            path.unlink()
            path.symlink_to(self._victim)
        return checksum


def test_a_link_in_place_of_a_file_that_is_restored(card, tmp_path):
    """What a link leads to, that the service's user has put there meanwhile, keeps its owner and mode."""
    config, state = card
    victim = tmp_path / "shadow"
    victim.write_text("root's")
    victim.chmod(0o644)
    before = whose(victim)
    reader = backup(("state", "name", b"x"))
    put(Swapped(reader, state, victim), moves(reader.contents, config, state), config, state)
    assert (whose(victim), victim.read_text()) == (before, "root's")


def test_a_link_in_place_of_a_folder_that_is_made(card, tmp_path, monkeypatch):
    """The same of a folder, and nothing is written through the link."""
    config, state = card
    victim = tmp_path / "root"
    victim.mkdir(mode=0o711)
    before = whose(victim)
    reader = backup(("tls", "tls/ca.crt", b"x"))
    found = moves(reader.contents, config, state)
    swap_folders(monkeypatch, victim)
    with pytest.raises(OSError, match=r"tls"):
        put(reader, found, config, state)
    assert (whose(victim), list(victim.iterdir())) == (before, [])


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone gives a folder away")
def test_a_link_in_place_of_the_state_that_is_made(tmp_path, monkeypatch):
    """The same of the state's own folder, where that is made below one of the service's user."""
    victim = tmp_path / "root"
    victim.mkdir(mode=0o711)
    before = whose(victim)
    swap_folders(monkeypatch, victim)
    monkeypatch.setattr(places, "USER", pwd.getpwuid(SERVICE).pw_name)
    monkeypatch.setattr(places.grp, "getgrnam", lambda _: grp.getgrgid(SERVICE))
    with pytest.raises(OSError, match="state"):
        places.made(tmp_path / "state", 0o700)
    assert whose(victim) == before


@pytest.mark.parametrize(
    "keys",
    [
        ("cert_file", "key_file"),
        ("ca_file", "key_file"),
        ("ca_file", "cert_file"),
        ("ca_file", "cert_file", "key_file"),
    ],
)
@pytest.mark.parametrize("linked", [False, True])
def test_one_file_that_two_keys_name(tmp_path, keys, linked):
    """A file with a key in it is a secret, whatever else names it, also by a link; and it is in a backup once."""
    (tmp_path / "gw.pem").write_text("a certificate and its key")
    mqtt = dict.fromkeys(keys, "gw.pem")
    if linked:
        (tmp_path / "link.pem").symlink_to("gw.pem")
        mqtt[keys[-1]] = "link.pem"
    found, left_out = belonging({"mqtt": mqtt}, tmp_path, secrets=False)
    assert (found, len(left_out)) == ([], len(keys))
    found, _ = belonging({"mqtt": mqtt}, tmp_path, secrets=True)
    assert [(one.role, one.name) for one in found] == [("secret", "gw.pem")]


@pytest.mark.parametrize("name", ["name", "rates", "spool.db", "spool.db-wal"])
def test_a_link_in_place_of_what_the_gateway_remembers(card, tmp_path, name):
    """No file is in a backup to which a link in the state's folder leads; that is told, and no backup is left."""
    config, state = card
    config.write_text("")
    (tmp_path / "shadow").write_text("root:hunter2")
    (state / name).symlink_to(tmp_path / "shadow")
    with pytest.raises(BackupError, match=rf"{state / name} cannot be copied: Too many levels of symbolic links"):
        make(Source(config, {}, state), tmp_path / "gw.tar", "gw", "2026", secrets=True)
    assert not (tmp_path / "gw.tar").exists()


def test_a_gateway_that_is_started_during_a_restore(card, tmp_path, monkeypatch):
    """It is kept out as long as files are put in place, also where none has ever run, and may start afterwards."""
    config, state = card
    (tmp_path / "gw.tar").write_bytes(written(("state", "name", b"x")))

    def started(*words):
        with pytest.raises(NoState, match="in use by another gateway"):
            Lock(state).claim()
        return put(*words)

    monkeypatch.setattr(command, "put", started)
    assert command.restore(str(tmp_path / "gw.tar"), str(config), str(state), force=False, as_json=True) == 0
    lock = Lock(state)
    lock.claim()
    assert (state / "lock").stat().st_uid == state.stat().st_uid
    lock.let_go()


def test_a_gateway_that_was_started_before_the_lock(card):
    """One that starts where none has run, before a restore keeps it out, is not written under."""
    _, state = card
    with unused(state) as keep_out:
        lock = Lock(state)
        lock.claim()
        with pytest.raises(BackupError, match="in use by another gateway"):
            keep_out()
    lock.let_go()


def test_a_link_in_place_of_the_lock(card, tmp_path):
    """It is not followed: no file is made where it leads."""
    _, state = card
    with unused(state) as keep_out:
        (state / "lock").symlink_to(tmp_path / "victim")
        with pytest.raises(BackupError, match="cannot be used: too many levels"):
            keep_out()
    assert not (tmp_path / "victim").exists()


@pytest.mark.parametrize("role", ["tls", "secret"])
def test_a_file_that_the_configuration_does_not_name(card, tmp_path, capsys, role):
    """A backup that somebody else has made lays no program of its own beside the configuration; nothing is written."""
    config, state = card
    (tmp_path / "gw.tar").write_bytes(written((role, "bin/ls", b"x")))
    assert command.restore(str(tmp_path / "gw.tar"), str(config), str(state), force=True, as_json=False) == 1
    assert "it has a file 'bin/ls' that its configuration does not name" in capsys.readouterr().err
    assert not [*config.parent.iterdir(), *state.iterdir()]


def test_what_is_put_in_comes_back(tmp_path):
    """However the configuration says where its files lie, a restore takes them all, and to where it says; what is
    hidden is not in a backup, since no restore would take it.
    """
    folder = tmp_path / "real"
    for name in ("certs", "presets.d", ".certs"):
        (folder / name).mkdir(parents=True)
    (folder / "tls").symlink_to("certs")
    (tmp_path / "etc").symlink_to("real")
    for name in ("certs/gw.pem", "ca.pem", ".certs/ca.pem", "presets.d/.x.toml", "presets.d/x.toml", "a.py", ".b.py"):
        (folder / name).write_text("x")
    for ca, beside in [
        ("ca.pem", "etc"),
        ("./certs/../ca.pem", "etc"),
        (f"{folder}/ca.pem", "etc"),
        ("../etc/ca.pem", "real"),
    ]:
        data = {"mqtt": {"ca_file": ca, "key_file": "tls/gw.pem"}, "features": {"custom": ["a:f"]}}
        found, left_out = belonging(data, tmp_path / beside, secrets=True)
        assert [one.name for one in found] == ["presets.d/x.toml", "a.py", "tls/gw.pem", "ca.pem"]
        assert left_out == ["presets.d/.x.toml"]
        contents = backup(*((one.role, one.name, b"x") for one in found)).contents
        assert len(moves(contents, tmp_path / "new/gateway.toml", tmp_path)) == 5 and not unnamed(contents, data)
    _, left_out = belonging({"mqtt": {"ca_file": ".certs/ca.pem"}}, folder, secrets=True)
    assert left_out == ["presets.d/.x.toml", "mqtt.ca_file = .certs/ca.pem"]
