"""No board waits behind another that says much more than it does."""

from gateway.publish.lane import Piece
from gateway.publish.lanes import Lanes
from tests.made import features


def test_a_board_of_many_sensors_takes_no_more_turns_than_one_of_few():
    """2,000 readings of a busy board wait in 250 lanes; the one of a quiet board is among the first to go."""
    lanes = Lanes(10_000, lambda board, readings: None)
    for sensor in range(250):
        lanes.put(Piece(features(range(1, 9), board="busy", sensor=f"S{sensor}"), 0, 8))
    lanes.put(Piece(features([1], board="quiet"), 0, 1))
    before = 0
    while (piece := lanes.next(100, 0.0)).features.board == "busy":
        before += len(piece)
    assert before <= 100
