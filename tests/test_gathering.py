"""The loop's wait: patient descriptors are looked at together, and all others at once."""

import asyncio
import os
import socket
from selectors import EVENT_READ, EVENT_WRITE

import pytest

from gateway import gathering
from gateway.gathering import Gathering, Loop, be_patient
from gateway.publish.packets import Ack
from gateway.publish.window import Flight, Window
from gateway.publish.wire import Ears, Wire

LONG = 60.0  # s


@pytest.fixture
def pipes():
    """Two pipes: (read, write) of each."""
    made = [os.pipe(), os.pipe()]
    yield made
    for fd in (fd for pipe in made for fd in pipe):
        os.close(fd)


@pytest.fixture
def selector():
    """One that is closed at the end."""
    made = Gathering()
    yield made
    made.close()


def ready(selector, timeout=0.0):
    """Whose data is there."""
    return {key.data for key, _ in selector.select(timeout)}


def both_registered(selector, pipes):
    """The first pipe's reader is patient, the second's is not."""
    (patient, _), (prompt, _) = pipes
    selector.register(patient, EVENT_READ, "patient")
    selector.register(prompt, EVENT_READ, "prompt")
    selector.be_patient(patient, True)


@pytest.mark.parametrize("patient", [False, True])
def test_a_socket_is_known_by_itself_and_by_its_descriptor(selector, patient):
    """asyncio asks by either, and registers or forgets nothing of which it finds no entry."""
    one, other = socket.socketpair()
    with one, other:
        key = selector.register(one, EVENT_READ, "socket")
        selector.be_patient(one.fileno(), patient)
        assert selector.get_map()[one].fd == selector.get_map()[one.fileno()].fd == key.fd
        assert other not in selector.get_map() and len(selector.get_map()) == 1
        selector.unregister(one)
        assert one not in selector.get_map()


def test_after_a_pause_all_are_heard_at_once(selector, pipes):
    """What comes first waits for nobody, whoever says it."""
    both_registered(selector, pipes)
    for _, write in pipes:
        os.write(write, b"x")
    assert ready(selector, LONG) == {"patient", "prompt"}


def test_patient_ones_rest_after_they_had_something(selector, pipes, monkeypatch):
    """While they rest only the others are heard, and a wait ends in its time."""
    monkeypatch.setattr(gathering, "APART", LONG)
    both_registered(selector, pipes)
    (_, to_patient), (_, to_prompt) = pipes
    os.write(to_patient, b"x")
    assert ready(selector, LONG) == {"patient"}
    assert ready(selector) == set()
    assert ready(selector, 0.01) == set()
    os.write(to_prompt, b"x")
    assert ready(selector) == ready(selector, LONG) == {"prompt"}


def test_what_rested_is_heard_when_the_rest_is_over(selector, pipes):
    """Nothing else has to happen for that, and nothing is lost."""
    both_registered(selector, pipes)
    os.write(pipes[0][1], b"x")
    assert ready(selector, LONG) == {"patient"}
    assert ready(selector, LONG) == {"patient"}  # nobody has read it


def test_prompt_ones_alone_never_rest(selector, pipes, monkeypatch):
    """An answer of ours that comes behind another is heard at once."""
    monkeypatch.setattr(gathering, "APART", LONG)
    both_registered(selector, pipes)
    os.write(pipes[1][1], b"x")
    assert ready(selector, LONG) == {"prompt"}
    os.write(pipes[0][1], b"x")
    assert ready(selector, LONG) == {"patient", "prompt"}


def test_patience_ends_with_the_registration(selector, pipes, monkeypatch):
    """A number that is given back may be another's next time: nobody is patient from the start."""
    monkeypatch.setattr(gathering, "APART", LONG)
    both_registered(selector, pipes)
    os.write(pipes[0][1], b"x")
    assert ready(selector, LONG) == {"patient"}
    selector.unregister(pipes[0][0])
    selector.register(pipes[0][0], EVENT_READ, "anew")
    assert ready(selector) == {"anew"}


def test_patience_can_be_taken_back(selector, pipes, monkeypatch):
    """Somebody waits for it now: it is heard although the others rest."""
    monkeypatch.setattr(gathering, "APART", LONG)
    both_registered(selector, pipes)
    os.write(pipes[0][1], b"x")
    assert ready(selector, LONG) == {"patient"}
    selector.be_patient(pipes[0][0], False)
    assert ready(selector) == {"patient"}


def test_it_is_a_selector(selector):
    """Registrations, their changes and their ends are what asyncio expects of any selector."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        selector.register(ours, EVENT_READ, "a")
        selector.be_patient(ours.fileno(), True)
        assert selector.get_key(ours).data == "a"
        assert selector.modify(ours, EVENT_READ | EVENT_WRITE, "b").data == "b"
        assert [(key.data, events) for key, events in selector.select(LONG)] == [("b", EVENT_WRITE)]
        assert {key.data for key in selector.get_map().values()} == {"b"}
        assert selector.unregister(ours).data == "b"
        assert not selector.get_map()
        with pytest.raises(KeyError):
            selector.get_key(ours)
        with pytest.raises(KeyError):
            selector.unregister(ours)
        selector.be_patient(ours.fileno(), True)  # nobody reads it: nothing to say
        assert not selector.get_map()


def test_the_loop_reads_patient_ones(pipes):
    """A reader of the loop becomes patient, hears all the same, and can be removed."""
    loop = Loop()
    try:

        async def heard():
            read, write = pipes[0]
            came = loop.create_future()
            loop.add_reader(read, lambda: came.done() or came.set_result(os.read(read, 9)))
            be_patient(read)
            os.write(write, b"21.5\n")
            try:
                return await came
            finally:
                loop.remove_reader(read)

        assert loop.run_until_complete(heard()) == b"21.5\n"
        assert pipes[0][0] not in loop.gathering.get_map()
    finally:
        loop.close()


@pytest.mark.asyncio
async def test_another_loop_has_no_use_for_it(pipes):
    """The rooms run on any loop."""
    be_patient(pipes[0][0])


def test_a_broker_is_patient_until_somebody_waits_for_it(monkeypatch):
    """Acknowledgements may come late while there is room for messages, and are heard at once when there is none."""
    monkeypatch.setattr(gathering, "APART", LONG)
    loop = Loop()
    ours, theirs = socket.socketpair()
    heard = []
    wire = Wire(ours, Ears(heard.extend, lambda: None, lambda: None, lambda why: None))

    async def rounds():
        """The loop looks twice."""
        for _ in range(2):
            await asyncio.sleep(0)

    async def life():
        wire.attach(loop)
        wire.be_patient(True)
        theirs.send(b"\x40\x02\x00\x01")
        await rounds()
        assert heard == [Ack(1, 0)]  # after a pause
        theirs.send(b"\x40\x02\x00\x02")
        await rounds()
        assert heard == [Ack(1, 0)]
        wire.be_patient(False)
        await rounds()
        assert heard == [Ack(1, 0), Ack(2, 0)]
        wire.abort()

    with theirs:
        loop.run_until_complete(life())
        loop.close()


def test_nobody_waits_for_a_broker_while_half_of_its_window_is_free():
    """What is under way decides whether acknowledgements are in a hurry, whatever the broker takes at once."""
    for limit, under_way in ((1, 1), (2, 1), (20, 10), (100, 50)):
        window = Window(limit)
        for _ in range(under_way):
            assert window.roomy
            window.add(Flight(None, "t"))
        assert not window.roomy
