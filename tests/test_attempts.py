"""Starts that end while the spool is opened: only those of one boot, and of the last minute, are the file's fault."""

from gateway.publish.spool import attempts
from gateway.publish.spool.attempts import NAME, OFTEN, Attempts


def test_the_third_start_that_did_not_come_to_its_end(tmp_path):
    """Two that ended while they opened it are enough; one that came to its end wipes the slate."""
    assert [Attempts(tmp_path).begins() for _ in range(OFTEN + 1)] == [False] * OFTEN + [True]
    Attempts(tmp_path).over()
    assert not (tmp_path / NAME).exists()
    assert not Attempts(tmp_path).begins()


def test_starts_of_other_boots_do_not_count(tmp_path, monkeypatch):
    """Power that comes and goes ends starts at about the same uptime: the spool stays."""
    for boot in ("one", "two", "three", "four"):
        monkeypatch.setattr(attempts, "boot_id", lambda boot=boot: boot)
        assert not Attempts(tmp_path).begins()


def test_rubbish_in_the_note(tmp_path):
    """Whatever stands there, it is no reason to give a spool up."""
    for text in ("", "x", "boot nan inf", "\x00" * 50):
        (tmp_path / NAME).write_text(text)
        assert not Attempts(tmp_path).begins()
