"""Two gateways of one name: both say so, and what one leaves behind is taken back as docs/fleet.md says."""

import re
import shlex
import subprocess

import pytest

from simulators import Board

from .street import ROOT, configuration, running, until


def boards(broker):
    """Of which boards of the gateway something is retained."""
    return {topic.split("/")[2] for topic in broker.retained("gateway/gw/+/#") if topic.count("/") > 2}


@pytest.mark.slow
def test_two_of_one_name(tmp_path, mosquitto):
    """Both log that they throw each other out; the boards of the one that goes stay until the page's command."""
    page = (ROOT / "docs" / "fleet.md").read_text()
    (line,) = re.findall(r"^mosquitto_sub --remove-retained .*$", page, re.MULTILINE)
    with Board(kind="kv", sensors=1, rate=5) as one, Board(kind="kv", sensors=1, rate=5) as two:
        folders = [tmp_path / "one", tmp_path / "two"]
        for folder in folders:
            folder.mkdir()
        with running(folders[0], configuration(mosquitto.port, {"ours": one.path})) as first:
            with running(folders[1], configuration(mosquitto.port, {"theirs": two.path})) as second:
                for each in (first, second):
                    until(
                        lambda of=each: [1 for said in of.events() if said["event"] == "broker.taken_over"], "told", 60
                    )
            assert boards(mosquitto) == {"ours", "theirs"}
            words = shlex.split(line.replace("greenhouse-1/BOARD", "gw/theirs"))
            subprocess.run([*words, "-p", str(mosquitto.port)], stdout=subprocess.DEVNULL)
            assert boards(mosquitto) == {"ours"}
