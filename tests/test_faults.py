"""Faults as values: since when, how often, and one sentence."""

from gateway.telling.faults import Fault, Faults


def test_a_fault_comes_changes_and_goes():
    """It keeps its start while its sentence changes, is counted each time it comes, and each change is told once."""
    clock, changes = iter([10.0, 20.0]), []
    faults = Faults(lambda: next(clock), lambda: changes.append(1))
    faults.tell("link", None)
    assert (faults.present, changes) == ({}, [])
    faults.tell("link", "it is gone")
    faults.tell("link", "it is gone")
    assert (faults.present, len(changes)) == ({"link": Fault(10.0, "it is gone")}, 1)
    faults.tell("link", "somebody holds it")
    assert (faults.present, len(changes)) == ({"link": Fault(10.0, "somebody holds it")}, 2)
    faults.tell("link", None)
    faults.tell("link", None)
    assert (faults.present, faults.totals, len(changes)) == ({}, {"link": 1}, 3)
    faults.tell("link", "it is gone")
    assert (faults.present["link"].since, faults.totals["link"]) == (20.0, 2)
