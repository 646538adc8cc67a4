"""A port with boards that are asked, and any bytes at any time: nothing raises, and every account balances."""

from hypothesis import given
from hypothesis import strategies as st

from gateway.asks import Ask, Modbus, Register
from gateway.ingest.asking.party import Party
from gateway.ingest.asking.talk import Talk
from gateway.ledger import Account, imbalances
from gateway.model import Board, Chunk, FormatOptions, Port, Sample
from simulators.modbus import Unit, answer

PORT = Port("/dev/x", 9600, settle=0.5)
UNITS = {1: Unit(input={1: 305}), 2: Unit(input={1: 30000})}
BOARDS = (
    *(Board(f"u{unit}", PORT, "modbus", modbus=Modbus(unit, (Register("t", 1, "input"),), 0.2, 0.3)) for unit in UNITS),
    Board("plain", PORT, "plain", ask=Ask((b"C,0\r",), (b"R\r", b"S\r"), 0.0, 0.3)),
    Board("json", PORT, "json", ask=Ask(questions=(b"R\r",), timeout=0.3, end=b"}"), max_line=16),
    Board("kv", PORT, "kv", FormatOptions(columns=("a=b",)), ask=Ask(questions=(b"?",), size=4)),
)
ANSWERS = [b"25.1\r", b'{"T":2}', b"*OK\r", b"\r\n", b"t=4\n", b"\x01", b"R\r"]

said = st.one_of(st.binary(max_size=30), st.sampled_from(ANSWERS), st.just(None))
"""What comes; None: what was asked is answered, if it is a request for registers."""
steps = st.lists(st.tuples(st.floats(0.0, 1.0), said, st.integers(0, 30)), max_size=60)


@given(st.lists(st.sampled_from(BOARDS), min_size=1, unique=True), steps)
def test_any_bytes_at_any_time(boards, steps):
    """Whatever comes whenever: frames and values add up for each board, and what was read is what was said."""
    samples: dict[str, list[Sample]] = {board.name: [] for board in boards}
    talk, now, fed = Talk(PORT), 10.0, 0
    parties = [Party(b, lambda name, new, at: samples[name].extend(new), Account(), lambda: None) for b in boards]
    for party in parties:
        talk.join(party, now)
    talk.opened(now, anew=False)
    question = b""
    for pause, data, what in steps:
        now += pause
        talk.look(Chunk(now, now))
        question = talk.question(now) or question
        if what == 0:
            talk.closed()
            talk.opened(now, anew=pause > 0.5)
        elif what == 1:
            talk.pauses()
            talk.resumes(now)
        elif what == 2 and len(talk.parties) > 1:
            talk.leave(talk.parties[0])
        else:
            data = answer(UNITS, question) if data is None and len(question) == 8 else data or b""
            fed += len(data)
            talk.take(data, Chunk(now, now))
    talk.closed()
    for party in parties:
        assert imbalances(party.account, party.account.readings) == []
        assert party.account.readings == len(samples[party.board.name])
    assert sum(party.account.bytes for party in parties) == fed
    assert {sample.value for sample in samples.get("u1", [])} <= {305.0}
    assert {sample.value for sample in samples.get("u2", [])} <= {30000.0}
