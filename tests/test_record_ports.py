"""A recording does nothing to a port but read it, and goes on when the port goes, or is another's too."""

import fcntl
import os
import re
import socket
import subprocess

import pytest

from gateway.ingest.capture.lines import Mark
from simulators import Board
from simulators.answering import Answering
from tests.recorders import END, recording

from .street import configuration, running, until


@pytest.mark.slow
def test_a_port_is_never_written_to(tmp_path):
    """Named by its path nothing is sent to it, not even where the configuration has its board asked."""
    config = tmp_path / "gateway.toml"
    with Answering(lambda question: b"1.0\r") as board:
        config.write_text(f'[[boards]]\nname = "b"\nport = "{board.path}"\nask = {{ question = "R\\r" }}\n')
        with recording(tmp_path, board.path, "-c", config) as recorder:
            until(recorder.marks, "the port is open")
            board.say(b"1.0\r")
            until(lambda: recorder.data() == b"1.0\r", "it is in the file")
            board.say(b"2.0\r", after=1.0)
            until(lambda: recorder.data() == b"1.0\r2.0\r", "so is what came a second later")
            assert recorder.end()[0] == 0
        assert board.questions == []


def test_nothing_is_written_to_the_port(tmp_path):
    """The board hears nothing, not even where the configuration allows a pulse on DTR against a silence."""
    config = tmp_path / "gateway.toml"
    with Board() as board:
        config.write_text(
            f'[[boards]]\nname = "b"\nport = "{board.path}"\nsilent = "100ms"\non_silence = ["reopen", "dtr"]\n'
        )
        with recording(tmp_path, "b", "-c", config) as recorder:
            until(lambda: (Mark.RENEWED, "") in recorder.marks(), "it was opened anew in its silence")
            board.write(b"21.5\n")
            until(lambda: recorder.data() == b"21.5\n", "it is in the file")
            assert recorder.end()[0] == 0
        assert board.read() == b""


@pytest.mark.slow
def test_a_port_that_vanishes_is_waited_for(tmp_path):
    """Unplugged, and back under another number: the file says when it went, why, and when it was there again."""
    with Board("plain", rate=50) as board, recording(tmp_path, path := board.path) as recorder:
        until(lambda: len(recorder.data()) > 200, "it speaks")
        board.unplug()
        until(lambda: len(recorder.marks()) == 2, "the loss is in the file")
        board.plug()
        until(lambda: len(recorder.marks()) == 3 and recorder.heard()[-1].data, "it speaks again")
        code, out = recorder.end()
    assert (code, "the port was lost 1 time;" in out) == (0, True)
    (first, _), (second, why), (third, _), last = recorder.marks()
    assert [first, second, third] == [Mark.OPENED, Mark.LOST, Mark.OPENED]
    assert f"{path} was lost" in why and last == (Mark.LOST, END)
    assert f"{path} was lost" in recorder.said.read_text()


@pytest.mark.slow
def test_a_port_that_is_held(tmp_path):
    """Its holder is named; it is recorded once that lets go, and without that there is no file, and code 1."""
    with Board() as board:
        fd = os.open(board.path, os.O_RDWR | os.O_NOCTTY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        with recording(tmp_path, board.path, "--for", "2s") as recorder:
            assert recorder.process.wait(10) == 1
        assert re.search(rf"is in use by .* \(pid {os.getpid()}\): stop it", recorder.said.read_text().splitlines()[-1])
        assert not recorder.file.exists()
        with recording(tmp_path, board.path, file="d.jsonl") as recorder:
            until(lambda: f"(pid {os.getpid()})" in recorder.said.read_text(), "the holder is named")
            os.close(fd)
            until(recorder.marks, "the port is open")
            assert recorder.end()[0] == 0


@pytest.mark.slow
def test_a_port_that_a_gateway_holds(tmp_path, mosquitto):
    """The gateway that has it is named, by its process; its board is asked by it alone."""
    with Answering(lambda question: b"1.0\r") as board:
        text = configuration(mosquitto.port, {"b": board.path}, each='format = "plain"\nask = { question = "R\\r" }')
        with running(tmp_path, text) as gateway:
            board.wait_asked(1)
            with recording(tmp_path, "b", "-c", gateway.file) as recorder:
                who = f"is in use by gateway (pid {gateway.process.pid}): `gateway release BOARD` has it lent"
                until(lambda: "is in use" in recorder.said.read_text(), "the gateway is named")
                assert who in recorder.said.read_text()
                assert recorder.end()[0] == 1
            assert not recorder.file.exists()
            assert gateway.stop() == 0


@pytest.mark.slow
def test_another_program_on_the_port_is_in_the_file(tmp_path):
    """A program that takes part of the bytes makes lines doubtful: the capture says from when on, and who it is."""
    with Board() as board, recording(tmp_path, board.path) as recorder:
        until(recorder.marks, "the port is open")
        other = subprocess.Popen(["sleep", "60"], stdin=os.open(board.path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK))
        try:
            until(lambda: len(recorder.marks()) == 2, "the sharer is in the file", 20)
        finally:
            other.kill()
            other.wait()
        until(lambda: len(recorder.marks()) == 3, "so is that it has gone", 20)
        assert recorder.end()[0] == 0
    (_, _), (shared, who), (alone, _), _ = recorder.marks()
    assert (shared, alone) == (Mark.SHARED, Mark.ALONE)
    assert f"(pid {other.pid})" in who


def test_a_socket_is_recorded(tmp_path):
    """A serial server's bytes come the same way."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        with recording(tmp_path, f"socket://127.0.0.1:{server.getsockname()[1]}") as recorder:
            peer, _ = server.accept()
            with peer:
                peer.sendall(b"x" * 200_000)
                until(lambda: len(recorder.data()) == 200_000, "all is in the file")
                assert recorder.end()[0] == 0
