"""Who has a TCP port, and whether it can be had."""

import os
import socket
import sys
from pathlib import Path

import pytest

from gateway.listening import claimed, holder, listeners, written

TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000   104        0 1001 1 0 100 0 0 10 0
   1: 00000000:075C 00000000:0000 0A 00000000:00000000 00:00000000 00000000   105        0 1002 1 0 100 0 0 10 0
   2: 0200007F:075B 00000000:0000 0A 00000000:00000000 00:00000000 00000000   106        0 1003 1 0 100 0 0 10 0
   3: 0100007F:075D 0100007F:C001 01 00000000:00000000 00:00000000 00000000   107        0 1004 1 0 100 0 0 10 0
   4: 00000000000000000000000000000000:075E 00000000000000000000000000000000:0000 0A 0:0 0:0 0 108 0 1005 1 0 100
   5: 0000000000000000FFFF00000100007F:075F 00000000000000000000000000000000:0000 0A 0:0 0:0 0 109 0 1006 1 0 100
"""


@pytest.mark.skipif(sys.byteorder == "big", reason="the table is a little-endian machine's")
@pytest.mark.parametrize(
    "address, port, found",
    [
        ("127.0.0.1", 1883, {"1001": 104}),
        ("127.0.0.2", 1883, {"1003": 106}),
        ("0.0.0.0", 1883, {"1001": 104, "1003": 106}),
        ("127.0.0.1", 1884, {"1002": 105}),
        ("127.0.0.1", 1885, {}),
        ("127.0.0.1", 1886, {"1005": 108}),
        ("::1", 1886, {"1005": 108}),
        ("127.0.0.1", 1887, {"1006": 109}),
        ("127.0.0.1", 1, {}),
    ],
)
def test_who_listens_is_read_from_the_kernels_table(address, port, found):
    """Only what listens counts, on the address itself or on all of them, in either version of IP."""
    assert listeners(TABLE, address, port) == found


def test_a_holder_that_is_out_of_sight_is_said_to_be():
    """When no process shows the port, the sentence does not guess, and says how to see more."""
    assert holder("127.0.0.1", 1) == "a program that cannot be seen from here (`sudo ss -tlnp` shows it)"


@pytest.mark.parametrize(
    "bound, asked", [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("127.0.0.1", "0.0.0.0")]
)
def test_a_taken_port_is_said_with_its_holder(bound, asked):
    """One sentence names the option, the address, the program and process id that hold it, and the way out."""
    with socket.create_server((bound, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(OSError) as failed:
            claimed(asked, port, "web.listen")
    program = Path("/proc/self/comm").read_text().strip()
    assert str(failed.value) == (
        f"web.listen: {asked}:{port} is taken by {program} (pid {os.getpid()}); end that, or set another port"
    )


def test_a_free_port_is_had_again_and_again():
    """Looking does not take the port; 0 stands for a free one, and a name for its address."""
    address, port = claimed("localhost", 0, "mqtt.listen")
    assert address == "127.0.0.1" and port > 0
    assert claimed(address, port, "mqtt.listen") == claimed(address, port, "mqtt.listen") == (address, port)
    socket.create_server((address, port)).close()


def test_a_port_that_was_served_until_now_is_free():
    """What is left of old connections in the kernel does not keep a broker from coming back."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = server.getsockname()
        with socket.create_connection(address) as client, server.accept()[0] as accepted:
            accepted.close()
            assert client.recv(1) == b""
    assert claimed(*address, "mqtt.listen") == address


@pytest.mark.parametrize(
    "host, port, sentence",
    [
        (
            "nowhere.invalid", 1883,
            "mqtt.listen: there is no host nowhere.invalid; set an address, such as 127.0.0.1:1883",
        ),
        (
            "nowhere.invalid", 8080,
            "mqtt.listen: there is no host nowhere.invalid; set an address, such as 127.0.0.1:8080",
        ),
        ("192.0.2.1", 1883, "mqtt.listen: this machine cannot listen on 192.0.2.1:1883 (Cannot assign requested "),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_one_sentence(host, port, sentence):
    """A host that is not there and an address of another machine are refused with what to do."""
    with pytest.raises(OSError) as failed:
        claimed(host, port, "mqtt.listen")
    assert str(failed.value).startswith(sentence)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may listen anywhere")
def test_a_port_for_root_only_is_one_sentence():
    """Who may not have the port learns from which one on he may."""
    with pytest.raises(OSError, match=r"this user may not listen on 127.0.0.1:80; set a port from 1024 up"):
        claimed("127.0.0.1", 80, "mqtt.listen")


def test_an_address_is_written_as_it_is_configured():
    """IPv6 has brackets."""
    assert (written("127.0.0.1", 1), written("::1", 1)) == ("127.0.0.1:1", "[::1]:1")
