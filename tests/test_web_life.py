"""The life of the web process: started, killed, moved, taken away, and ended with its gateway. Real children."""

import asyncio
import os
import signal
import socket

from gateway.feed import host as hosts

from .waiting import until
from .webs import ask, served


async def test_it_is_started_again_when_it_is_killed(tmp_path):
    """A killed web process is a fault with a sentence, and another one comes by itself."""
    others = children()
    async with served(tmp_path) as (host, made):
        [pid] = children() - others
        os.kill(pid, signal.SIGKILL)
        await until(lambda: made.told[-1] is not None or len(made.events) > 1)
        assert "the web process was killed (SIGKILL)" in made.told
        await until(lambda: host.address is not None and [name for name, _ in made.events][-1] == "web.recovered", 30)
        assert made.told[-1] is None
        assert [name for name, _ in made.events] == ["web.started", "web.lost", "web.recovered"]
        assert {fields["listen"].rpartition(":")[0] for _, fields in made.events} == {"127.0.0.1"}, "a text each"
        assert (await ask(host.address[1], "/healthz")).status == 200
    assert children() == others


async def test_one_that_stands_still_is_ended(tmp_path, monkeypatch):
    """A web process that gives no sign of life is killed, which is told, and another one takes its place."""
    monkeypatch.setattr(hosts, "PING", 0.1)
    monkeypatch.setattr(hosts, "SILENT", 2.0)
    others = children()
    async with served(tmp_path) as (host, made):
        [pid] = children() - others
        os.kill(pid, signal.SIGSTOP)
        await until(lambda: "the web process was not heard of for 2 s" in made.told, 20)
        await until(lambda: host.address is not None and children() - others and pid not in children(), 30)
        assert (await ask(host.address[1], "/healthz")).status == 200


async def test_a_port_that_is_taken_is_told_with_who_has_it(tmp_path):
    """The fault names the program that listens there; once it lets go the page comes by itself."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with served(tmp_path, listen=["127.0.0.1", port]) as (host, made):
            await until(lambda: made.told[-1] is not None, 30)
            assert f"web.listen: 127.0.0.1:{port} is taken by" in made.told[-1]
            assert f"(pid {os.getpid()})" in made.told[-1]
            taken.close()
            await until(lambda: host.address == ("127.0.0.1", port), 60)
            assert made.told[-1] is None


async def test_other_settings_have_another_process(tmp_path):
    """A reload moves it to another port, and takes it away; what was collected for it is given back."""
    others = children()
    async with served(tmp_path) as (host, made):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        settings = {"listen": ["127.0.0.1", port], "token_file": None, "token_is": "", "names": [], "path": "/x"}
        host.renew(settings)
        await until(lambda: host.address == ("127.0.0.1", port), 30)
        assert (await ask(port, "/healthz")).status == 200
        host.renew(None)
        await until(lambda: children() == others)
        await until(lambda: made.on[-1] is False)
        assert "web.lost" not in [name for name, _ in made.events]


async def test_it_ends_with_the_gateway(tmp_path):
    """When the gateway's end of the socket pair closes, however that comes, the process ends, and frees its port."""
    others = children()
    async with served(tmp_path) as (host, _):
        port = host.address[1]
    assert children() == others
    with socket.create_server(("127.0.0.1", port)):
        pass


def children():
    """The web processes below this one."""
    found = set()
    for name in os.listdir("/proc"):
        if name.isdecimal():
            try:
                with open(f"/proc/{name}/stat") as file:
                    text = file.read()
                with open(f"/proc/{name}/cmdline") as file:
                    command = file.read()
            except OSError:
                continue
            parent, state = int(text.rpartition(")")[2].split()[1]), text.rpartition(")")[2].split()[0]
            if parent == os.getpid() and "gateway.web" in command and state != "Z":
                found.add(int(name))
    return found


async def test_what_cannot_be_told_is_a_fault(tmp_path):
    """Where what the page is to be told cannot be made, a fault says why; when it can be again, the page is there."""
    async with served(tmp_path) as (host, made):
        seen, made.look = made.look, None
        _, writer = await asyncio.open_connection(*host.address)
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await until(lambda: made.told[-1] is not None, 30)
        assert "cannot be made: AttributeError" in made.told[-1]
        writer.close()
        made.look = seen
        await until(lambda: host.address is not None and made.told[-1] is None, 30)
        assert (await ask(host.address[1], "/metrics")).status == 200
