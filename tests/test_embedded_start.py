"""How the broker of our own starts: its port, its password, what it is told, and what keeps it from starting."""

import asyncio
import importlib.util
import os
import socket
import sys

import pytest

from gateway.listening import holder
from gateway.publish import embedded
from gateway.publish.broker import Refused
from gateway.publish.client import connect
from gateway.publish.embedded import AT_ONCE, CONNECTIONS, LOG, PACKET, start
from tests.faults.tree import alive
from tests.own_broker import LOOPBACK, ODD, children, proc, running, where
from tests.waiting import until


@pytest.mark.parametrize("login", [("nobody", ODD[1]), (ODD[0], "wrong"), (None, None)])
async def test_a_password_lets_in_only_who_has_it(login):
    """Whatever characters user and password are made of, they are compared as they are; anybody else is refused."""
    async with running(*ODD) as broker:
        (await connect(where(broker, "a", username=ODD[0], password=ODD[1]))).close()
        with pytest.raises(Refused):
            await connect(where(broker, "b", username=login[0], password=login[1]))


async def test_the_password_is_nowhere_to_be_read(tmp_path, monkeypatch):
    """It is in no argument and no variable of the child, and nothing of the configuration stays on the disk."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    async with running("user", "correct horse") as broker:
        for name in ("cmdline", "environ"):
            text = proc(broker.pid, name)
            assert text and b"correct horse" not in text
        assert f"TMPDIR={tmp_path}".encode() in proc(broker.pid, "environ")
        assert list(tmp_path.iterdir()) == []


async def test_a_taken_port_is_refused_with_the_option_and_the_holder():
    """Who has taken the port is named, before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"mqtt.listen: 127.0.0.1:{other.getsockname()[1]} is taken by .* [(]pid {os.getpid()}[)]; "
        with pytest.raises(OSError, match=taken):
            await start(other.getsockname())


async def test_another_gateways_broker_is_called_so():
    """The child has a name of its own, by which a person and another gateway know it."""
    async with running() as broker:
        assert holder(broker.host, broker.port) == f"gateway-broker (pid {broker.pid})"


async def test_no_open_door_to_the_network():
    """An address that other machines reach is refused without a user and a password."""
    with pytest.raises(
        OSError, match=r"mqtt.listen: other machines reach 0.0.0.0; set mqtt.username and mqtt.password_file"
    ):
        await start(("0.0.0.0", 0))
    with pytest.raises(OSError, match="other machines reach"):
        await start(("0.0.0.0", 0), "user", "")


async def test_without_the_library_the_sentence_says_what_to_install(monkeypatch):
    """The library is an extra; who has left it out learns how to get it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OSError, match="not installed; pip install"):
        await start(LOOPBACK)


async def test_a_child_that_cannot_run_is_one_sentence(monkeypatch):
    """When the child ends before it listens, the sentence tells what it said."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(OSError, match="no embedded broker: the embedded broker ended with code 1"):
        await start(LOOPBACK)


async def test_a_start_that_is_cancelled_leaves_no_child():
    """Whoever gives up while the child starts leaves nothing behind."""
    before = children()
    starting = asyncio.create_task(start(LOOPBACK))
    await until(lambda: children() - before)
    seen = children() - before
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    await until(lambda: not any(alive(pid) for pid in seen))


def test_the_limits_are_what_is_written_to_the_broker():
    """The configuration carries the limits that this module states."""
    text = embedded.configuration("127.0.0.1", 1883, None)
    for line in (
        'listen = "127.0.0.1:1883"',
        f"max_connections = {CONNECTIONS}",
        f"max_outgoing_packet_count = {AT_ONCE}",
        f"max_segment_size = {LOG[0]}",
        f"max_payload_size = {PACKET}",
    ):
        assert line in text
    assert "auth" not in text
