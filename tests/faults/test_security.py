"""Rows F76, F77, F80, F81: names that boards make up, patterns, secrets, and files that others can read."""

import json
import os
import subprocess
import sys
import unicodedata
from pathlib import Path

from tests.faults import tree
from tests.faults.hand import by_hand
from tests.faults.rows import lasting, row
from tests.street import ROOT

NAMES = [
    "a/b", "a%2Fb", "+", "#", "a+b", "$SYS", "$share", "..", "../other/status", "status", "last", "features",
    "%", "%00", " S1", "S1", "s1", "S1 ", "\U0001f321", "e\u0301", "\xe9", "'", '"', "\\", "{}",
    "<script>alert(1)</script>", "x" * 64, "x" * 65, "x" * 70_000, "\u00e4" * 33, "\u00e4" * 32 + "x",
]  # fmt: skip
UNSAYABLE = ["\0", "a\0b", "\x1b[31m", "\r", "\u202ex", "\ufeffx", "\u200b", "\x85"]


@row(
    "F76",
    field="A board names its sensors.",
    happens="Separators, wildcards, `$`, `..`, marks, 70,000 characters, look-alikes; NUL, controls, surrogates.",
    promised="Each name is one safe level of at most 64 bytes, two names never share a topic, the message has the name "
    "as it was; a name that no text holds is refused as `bad_name`, half a character as `bad_frame`. "
    "Nothing is published outside of the prefix.",
    full=30,
)
def test_f76_a_board_names_its_sensors(scene):
    hands = {"odd": 'format = "json"\nmax_line = "100kB"', "a+b/#": 'format = "json"'}
    with by_hand(scene, hands=hands) as (s, boards):
        s.steady()
        odd, other = boards.values()
        with s.fault():
            for name in NAMES:
                odd.says(json.dumps({"sensor": name, "value": 21.5, "count": odd.next}).encode(), **{name: 21.5})
                odd.says(json.dumps({f"{name} temp": 21.5, "count": odd.next}).encode(), **{f"{name} temp": 21.5})
            for name in UNSAYABLE:
                odd.says(json.dumps({"sensor": name, "value": 21.5}).encode())
                odd.says(json.dumps({name: 21.5}).encode())
            odd.says(b'{"sensor":"\\ud800","value":21.5}')
            odd.says(b'{"S9":1.5,"count":%d}' % odd.next, S9=1.5)
            other.says(b'{"S1":1.5,"count":%d}' % other.next, S1=1.5)
            s.prove(lambda: s.until(lambda: odd.heard() and other.heard(), "the last lines", 20), "all is read")
        s.over(bystanders=list(s.boards))
        assert odd.status()["refused"] == {"bad_name": 2 * len(UNSAYABLE), "bad_frame": 1}
        topics = {topic for topic in s.judge.topics if topic.endswith("/features")}
        own = {topic for topic in topics if topic.split("/")[2] == "odd"}
        assert len(own) == 2 * len(NAMES) + 1, "a topic for each name"
        assert any(topic.startswith("gateway/gw/a%2Bb%2F%23/") for topic in topics)
    for topic in s.judge.topics:
        levels = topic.split("/")
        ours = levels[:2] == ["gateway", "gw"] or levels[:3] == ["homeassistant", "device", "gateway-gw"]
        assert ours and len(levels) in (3, 4, 5), topic
        for level in levels:
            assert 0 < len(level.encode()) <= 64 and not level.startswith("$"), topic
            assert not set(level) & set("+#") and all(unicodedata.category(char) != "Cc" for char in level), topic


EXPLOSIVE = (r"(?:a+)+$", r"(?:a*)*b", r"(?:.*a){20}b", r"(?:a|aa)+$")
"""What makes a backtracking matcher work for years on `aaa…!`."""


@row(
    "F77",
    field="The user's pattern explodes.",
    happens="Patterns such as `(a+)+$`, `(a*)*b`, `(.*a){20}` against lines and blocks of 4 kB of `aaa…!`.",
    promised="No line takes longer than its length times the pattern's: the loop is never late, and the next good line "
    "is read. What cannot be matched like that (look-around, back-references) and what is too large, `check` refuses.",
    full=30,
)
def test_f77_an_exploding_pattern(scene, tmp_path):
    good = r"n(?P<count>\d+) S1=(?P<S1>\S+)"
    hands = {
        f"{format}-{at}": f"format = '{format}'\npattern = '{good}|{bad}'\n"
        + "start = 'n|a'\nend = ''\n" * (format == "block")
        for format in ("regex", "block")
        for at, bad in enumerate(EXPLOSIVE)
    }
    with by_hand(scene, hands=hands) as (s, boards):
        s.steady()
        with s.fault():
            for turn in range(int(lasting(60, 10))):
                for name, board in boards.items():
                    end = b"\n" if name.startswith("block") else b""
                    board.write(b"a" * 3900 + b"!\n" + end)
                    board.says(b"n%d S1=%d.5" % (board.next, turn) + end, S1=turn + 0.5)
            s.prove(lambda: s.until(lambda: all(board.heard() for board in boards.values()), "all", 60), "all is read")
        s.over(bystanders=list(s.boards))
    for bad in (r"(?P<S1>\d)(?=x)", r"(?P<S1>\d)\1", r"(?P<S1>(?:a|bc){999})"):
        file = tmp_path / "gateway.toml"
        file.write_text(f"[[boards]]\nname = 'a'\nport = '/dev/a'\nformat = 'regex'\npattern = '{bad}'\n")
        told = subprocess.run(
            [sys.executable, "-m", "gateway", "check", "-c", file], capture_output=True, text=True, cwd=ROOT
        )
        assert told.returncode == 78 and "boards[0].pattern:" in told.stderr + told.stdout


CANARY = "canary-5ecret"


@row(
    "F80",
    field="Secrets leak.",
    happens="A password in its file, changed under way to one that is refused, the broker restarted; one in a URL, and "
    "at other keys, where it does not belong.",
    promised="It is nowhere: log, documents, messages, what `check` says, command lines, environments, state.",
    full=60,
)
def test_f80_secrets(scene, tmp_path):
    secret, passwords = tmp_path / "secret", tmp_path / "passwords"
    secret.write_text(CANARY)
    secret.chmod(0o600)
    for user in ("gw", "judge"):
        new = [] if passwords.exists() else ["-c"]
        subprocess.run(["mosquitto_passwd", "-b", *new, str(passwords), user, CANARY], check=True, capture_output=True)
    passwords.chmod(0o600)
    broker = ["persistence true", "allow_anonymous true", f"password_file {passwords}"]
    s = scene(broker=broker, mqtt=f'username = "gw"\npassword_file = "{secret}"', timers={"refused": 0.5})
    s.steady()
    with s.fault():
        secret.write_text(f"wrong-{CANARY}")
        s.broker.stop()
        s.broker.start()
        refused = lambda: "password" in (s.gateway.log.read_text())  # noqa: E731
        s.prove(lambda: s.until(refused, "the refusal is told", 20), "the broker refuses the password")
        secret.write_text(CANARY)
    s.back(within=30)
    environments = [
        Path(f"/proc/{pid}/{name}").read_bytes() for pid in tree.family(s.pid) for name in ("cmdline", "environ")
    ]
    s.over(faults=["broker"])
    assert environments and not any(CANARY.encode() in text for text in environments)
    kept = [path for path in s.folder.rglob("*") if path.is_file() and path not in (secret, passwords)]
    assert kept and not [path for path in kept if CANARY.encode() in path.read_bytes()]


@row("F80", full=5)
def test_f80_secrets_in_the_wrong_place(tmp_path):
    """`check` says what is wrong and does not repeat what may be a password."""
    url = f"mqtt://gw:{CANARY}@broker:1883"
    wrong = {"url": url, "prefix": url, "listen": url, "password": CANARY, "username": f"\x01{url}"}
    keys = [f"[mqtt]\n{key} = {json.dumps(value)}" for key, value in wrong.items()]
    keys += [f'[gateway]\nid = "{url}"', f'[features]\nuse = ["{url}"]', f'[mqtt]\nurl = "mqtts://gw:{CANARY}@broker"']
    for key in keys:
        code, said = check(tmp_path, f'{key}\n[[boards]]\nname = "b"\nport = "/dev/x"\n')
        assert code == 78 and key.split("\n")[1].split(" = ")[0] in said, said
        assert CANARY not in said, said


def check(folder: Path, text: str, *options: str, **environment: str) -> tuple[int, str]:
    """Exit code of `gateway check`, and all that it says."""
    file = folder / "gateway.toml"
    file.write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "-c", str(file), *options],
        cwd=ROOT, capture_output=True, text=True, env={**os.environ, **environment}, timeout=30,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


@row(
    "F81",
    field="Files that others can read or write.",
    happens="A password file that all may read, and one that all may write; umask 000; a link planted in state_dir.",
    promised="`check` warns of the first and refuses the second, each with the command that mends it. state_dir is"
    " 0700, all in it 0600; the link is not followed.",
    full=5,
)
def test_f81_a_password_file_for_all(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(CANARY)
    text = '[mqtt]\nusername = "u"\npassword_file = "secret"\n[[boards]]\nname = "b"\nport = "/dev/x"\n'
    for mode, code, told in (
        (0o600, 0, ""),
        (0o644, 0, "can be read by everyone; `chmod 600`"),
        (0o666, 78, "written by everyone"),
    ):
        secret.chmod(mode)
        found, said = check(tmp_path, text)
        assert found == code and told in said and CANARY not in said
        assert told or "everyone" not in said
