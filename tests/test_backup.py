"""`gateway backup` and `gateway restore`: a gateway goes to another card, with what it has not sent yet."""

import json
import shutil
import tarfile
from contextlib import closing

import pytest

from gateway.backup.archive import Contents, Writer
from gateway.control.caller import ask
from gateway.publish.spool.store import Store
from simulators import Board
from tests import commands
from tests.brokers import free_port
from tests.street import ROOT, Judge, configuration, running, until

CANARY = "hunter2-canary"


def gateway(*words, state):
    """(exit code, output, errors) of a command, where the gateway's state lies there."""
    done = commands.gateway(*map(str, words), env={"STATE_DIRECTORY": str(state)})
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def card(tmp_path):
    """Makes a folder for a card."""

    def make(name):
        (tmp_path / name).mkdir()
        return tmp_path / name

    return make


def waiting(folder):
    """Readings in the spool of a folder."""
    with closing(Store(folder / "state", 100_000_000)) as store:
        return store.rows.total()


@pytest.mark.slow
@pytest.mark.usefixtures("closed_files")
def test_a_gateway_moves_to_another_card(card, mosquitto):
    """What waits in the spool of a gateway that runs is in its backup. Restored elsewhere it is sent, with its run and
    its numbers, no number is missing, and the old one, which runs on, sends nothing that could not be told apart.
    """
    old, new = card("old"), card("new")
    with Board(kind="kv", sensors=2, rate=200, name="a") as a:
        text = configuration(free_port(), {"a": a.path})
        with running(old, text) as first:
            until(
                lambda: (old / "state/spool.db-wal").exists() and (old / "state/spool.db-wal").stat().st_size > 50_000,
                "a spool",
                40,
            )
            code, said, error = gateway("backup", old / "gw.tar", "-c", first.file, state=old / "state")
            assert (code, error) == (0, ""), error
            assert said.startswith(f"wrote {old / 'gw.tar'}: gw as of 20") and "a spool of 0." in said
            assert gateway("backup", old / "gw.tar", "-c", first.file, state=old / "state")[0] == 1
            assert ask([old / "state"], {"do": "let_go"})["held"] is False, "also one that failed holds nothing up"
            assert first.process.poll() is None
            assert (old / "gw.tar").stat().st_mode & 0o777 == 0o600
            assert first.stop() == 0
        code, said, _ = gateway("restore", old / "gw.tar", "-c", new / "gateway.toml", state=new / "state")
        assert code == 0 and "The old card must not run any more" in said
        assert (new / "gateway.toml").read_text() == text
        had = waiting(new)
        assert 500 < had <= waiting(old)
        judge = Judge(mosquitto.port)
        here = text.replace(text.split("127.0.0.1:")[1].split('"')[0], str(mosquitto.port))
        with running(new, here) as second:
            until(lambda: "gateway/gw/status" in judge.documents, "it is there")
            assert judge.documents["gateway/gw/status"]["inherited"] == had
            until(lambda: judge.documents["gateway/gw/status"]["spooled"] == 0, "all is sent")
            assert second.stop() == 0
        runs = {row["run"] for row in judge.features if row.get("replayed")}
        (run,) = runs
        replayed = {
            sensor: [row["seq"] for row in judge.of("a", sensor) if row["run"] == run] for sensor in ("T1", "T2")
        }
        assert sum(map(len, replayed.values())) == had
        assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in replayed.values())
        values = {(row["sensor"], row["run"], row["seq"]): row["value"] for row in judge.features}
        with running(old, here) as third:
            until(lambda: judge.documents["gateway/gw/status"].get("state") == "online", "it is there")
            until(lambda: judge.documents["gateway/gw/status"]["inherited"] > 0, "with what it had")
            until(lambda: judge.documents["gateway/gw/status"]["spooled"] == 0, "and sends it too")
            assert third.stop() == 0
        twice = [row for row in judge.features if row["run"] == run]
        assert len(twice) > len({row["seq"] for row in twice}) and len(twice) >= 2 * had
        assert all(values.get((row["sensor"], run, row["seq"]), row["value"]) == row["value"] for row in twice)
        judge.close()


@pytest.mark.slow
@pytest.mark.usefixtures("closed_files")
def test_a_spool_that_is_written_meanwhile(card):
    """Whenever the copy is taken it holds together: each sensor's numbers from 1 on, none missing."""
    old = card("old")
    with Board(kind="kv", sensors=4, rate=800, name="a") as a:
        with running(old, configuration(free_port(), {"a": a.path}, extra='[spool]\nmax_bytes = "4MB"')) as one:
            until(lambda: (old / "state/control").exists(), "it can be asked", 40)
            before = 0
            for number in range(8):
                new = card(f"new{number}")
                code, _, error = gateway("backup", new / "gw.tar", "-c", one.file, state=old / "state")
                assert code == 0, error
                assert gateway("restore", new / "gw.tar", "-c", new / "gateway.toml", state=new / "state")[0] == 0
                assert waiting(new) >= before, "what is in a copy is in the next"
                before = waiting(new)
                assert not list((new / "state").glob("*damaged*"))
            assert one.stop() == 0


def test_what_belongs_to_it(card):
    """Presets, custom features and their modules, certificates; the password and the key only when they are asked for;
    of what lies elsewhere it is said that it is not in it.
    """
    old, new = card("old"), card("new")
    (old / "presets.d").mkdir()
    shutil.copy(ROOT / "gateway/presets/max6675.toml", old / "presets.d/mine.toml")
    (old / "presets.d/link.toml").symlink_to("/etc/passwd")
    for name in ("mine.py", "other.py", "notes.txt"):
        (old / name).write_text("def f(times, values, new):\n    return values[-new:]\n")
    (old / "tls").mkdir()
    for name in ("password", "tls/ca.crt", "tls/gw.key"):
        (old / name).write_text(CANARY if name != "tls/ca.crt" else "a certificate")
        (old / name).chmod(0o600)
    text = (
        '[mqtt]\nurl = "mqtts://h"\nusername = "u"\npassword_file = "password"\nca_file = "tls/ca.crt"\n'
        f'cert_file = "{old.parent / "elsewhere.crt"}"\nkey_file = "tls/gw.key"\n[features]\ncustom = ["mine:f"]\n'
        '[[boards]]\nname = "a"\nport = "/dev/ttyX0"\npreset = "mine"\n'
    )
    (old / "gateway.toml").write_text(text)
    state = old / "state"
    code, said, _ = gateway("backup", old / "gw.tar", "-c", old / "gateway.toml", "--json", state=state)
    document = json.loads(said)
    assert (code, document["secrets"]) == (0, False)
    assert {(one["role"], one["name"]) for one in document["files"]} == {
        ("configuration", "gateway.toml"), ("preset", "presets.d/mine.toml"), ("feature", "mine.py"),
        ("feature", "other.py"), ("tls", "tls/ca.crt"),
    }  # fmt: skip
    assert [one.partition(" = ")[0] for one in document["left_out"]] == [
        "mqtt.password_file", "mqtt.key_file", "mqtt.cert_file"
    ]  # fmt: skip
    assert CANARY.encode() not in (old / "gw.tar").read_bytes()
    code, said, _ = gateway("backup", old / "all.tar", "-c", old / "gateway.toml", "--with-secrets", state=state)
    assert code == 0 and "It holds secrets" in said and "not in it: mqtt.cert_file" in said
    code, said, _ = gateway("restore", old / "all.tar", "-c", new / "etc/gateway.toml", state=new / "state")
    assert code == 0 and "to be seen to: mqtt.cert_file" in said
    made = {str(path.relative_to(new)): path.stat().st_mode & 0o777 for path in new.rglob("*") if path.is_file()}
    assert set(made) == {
        "etc/gateway.toml", "etc/presets.d/mine.toml", "etc/mine.py", "etc/other.py", "etc/tls/ca.crt",
        "etc/tls/gw.key", "etc/password", "state/lock",
    }  # fmt: skip
    assert made["etc/password"] == made["etc/tls/gw.key"] == 0o600
    assert all(not mode & 0o022 for mode in made.values())
    assert (new / "etc/password").read_text() == CANARY


def test_nothing_that_is_there_is_lost(card):
    """A restore refuses where something else is; with --force that is set aside, and said. The same once more changes
    nothing. A backup is never over a file.
    """
    old, new = card("old"), card("new")
    (old / "gateway.toml").write_text('[[boards]]\nname = "a"\nport = "/dev/ttyX0"\n')
    words = ("-c", old / "gateway.toml")
    assert gateway("backup", old / "gw.tar", *words, state=old / "state")[0] == 0
    assert gateway("backup", old / "gw.tar", *words, state=old / "state") == (
        1, "", f"gateway: {old / 'gw.tar'} is there already; give another name\n"
    )  # fmt: skip
    (new / "gateway.toml").write_text("mine")
    there = ("restore", old / "gw.tar", "-c", new / "gateway.toml")
    assert gateway(*there, state=new / "state") == (
        1, "", f"gateway: {new / 'gateway.toml'} is there already; --force sets aside what is there\n"
    )  # fmt: skip
    assert (new / "gateway.toml").read_text() == "mine"
    code, said, _ = gateway(*there, "--force", state=new / "state")
    (aside,) = new.glob("gateway.toml.before-*")
    assert code == 0 and f"set aside: {aside}" in said and aside.read_text() == "mine"
    assert gateway(*there, state=new / "state")[0] == 0
    assert (new / "gateway.toml").read_text() == (old / "gateway.toml").read_text()


def test_another_machine_has_another_name(card):
    """Of a configuration that leaves the id to the host name that is said, since all topics have it."""
    old, new = card("old"), card("new")
    (old / "gateway.toml").write_text('[[boards]]\nname = "a"\nport = "/dev/ttyX0"\n')
    with (old / "gw.tar").open("xb") as file:
        writer = Writer(file)
        with (old / "gateway.toml").open("rb") as one:
            writer.add("configuration", "gateway.toml", one, (old / "gateway.toml").stat().st_size)
        writer.finish(Contents("greenhouse", "1", "2026", False, (), tuple(writer.files)))
    code, said, _ = gateway("restore", old / "gw.tar", "-c", new / "gateway.toml", state=new / "state")
    assert code == 0 and 'set id = "greenhouse" under [gateway] to keep its topics' in said


@pytest.mark.slow
def test_where_it_may_not_go(card):
    """Not under a gateway that runs, nor where a backup's configuration says without its user saying so; what is no
    backup, or is damaged, changes nothing.
    """
    old, new = card("old"), card("new")
    elsewhere = old.parent / "elsewhere"
    (old / "gateway.toml").write_text(
        f'[gateway]\nstate_dir = "{elsewhere}"\n[[boards]]\nname = "a"\nport = "/dev/ttyX0"\n'
    )
    assert gateway("backup", old / "gw.tar", "-c", old / "gateway.toml", state=old / "state")[0] == 0
    there = ("restore", old / "gw.tar", "-c", new / "gateway.toml")
    code, _, error = gateway(*there, state=new / "state")
    assert code == 1 and f"state_dir = {elsewhere}; if that is right on this machine, give --state" in error
    assert not list(new.iterdir()) and not elsewhere.exists()
    assert gateway(*there, "--state", new / "other", state=new / "state")[0] == 1
    assert gateway(*there, "--state", elsewhere, state=new / "state")[0] == 0
    shutil.rmtree(elsewhere)
    with running(new, configuration(free_port(), {"a": "/dev/ttyX0"})) as one:
        until((new / "state/control").exists, "it runs")
        (old / "gateway.toml").write_text(configuration(free_port(), {"b": "/dev/ttyX0"}))
        assert gateway("backup", old / "two.tar", "-c", old / "gateway.toml", state=old / "state")[0] == 0
        words = ("restore", old / "two.tar", "-c", new / "gateway.toml", "--force")
        code, _, error = gateway(*words, state=new / "state")
        assert code == 1 and f"in use by another gateway (pid {one.process.pid}): stop that first" in error
        assert "b" not in one.file.read_text().split("name")[1][:8]
        assert one.stop() == 0
    for data in (b"no backup", (old / "two.tar").read_bytes()[:-1500]):
        (old / "bad.tar").write_bytes(data)
        code, _, error = gateway("restore", old / "bad.tar", "-c", old / "x/gateway.toml", state=old / "state")
        assert code == 1 and error.startswith(f"gateway: {old / 'bad.tar'}: it ") and error.count("\n") == 1
        assert not (old / "x").exists()
    code, _, error = gateway("backup", old / "x.tar", *("-c", old / "gateway.toml"), state=old / "gateway.toml")
    assert (code, error) == (1, f"gateway: {old / 'gateway.toml'} cannot be used: not a directory\n")
    assert not (old / "x.tar").exists()
    code, _, error = gateway("restore", old / "none.tar", "-c", old / "x/gateway.toml", state=old / "state")
    assert (code, error) == (1, f"gateway: {old / 'none.tar'}: no such file or directory\n")
    with tarfile.open(old / "two.tar") as plain:
        assert plain.getnames()[0] == "0000-configuration"
