"""How many cores a process may use: its affinity, and each quota around it."""

import os

import pytest

from gateway.compute.cores import cores

HERE = len(os.sched_getaffinity(0))


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with 16 cores. Takes quotas by folder, and the line of /proc/self/cgroup; gives what `cores` says."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(16)))

    def build(quotas: dict[str, str], own: str = "0::/system.slice/gateway.service\n") -> int:
        for folder, quota in quotas.items():
            (tmp_path / "cgroup" / folder).mkdir(parents=True, exist_ok=True)
            (tmp_path / "cgroup" / folder / "cpu.max").write_text(quota)
        (tmp_path / "own").write_text(own)
        return cores(tmp_path / "cgroup", tmp_path / "own")

    return build


@pytest.mark.parametrize(
    ("quota", "due"),
    [
        ("max 100000", 16),
        ("200000 100000", 2),
        ("150000 100000", 1),
        ("50000 100000", 1),
        ("1000 100000", 1),
        ("3200000 100000", 16),
        ("", 16),
        ("max", 16),
        ("x 100000", 16),
        ("100000 0", 16),
    ],
)
def test_the_quota_of_its_own_group(machine, quota, due):
    """Whole cores, at least one, at most those of the machine; what cannot be read is no quota."""
    assert machine({"system.slice/gateway.service": quota}) == due


def test_the_tightest_of_nested_groups(machine):
    """A group around it may be tighter than its own."""
    quotas = {"": "800000 100000", "system.slice": "300000 100000", "system.slice/gateway.service": "max 100000"}
    assert machine(quotas) == 3


def test_groups_beside_and_above_do_not_count(machine, tmp_path):
    """Only the groups that hold this process, and only below the mount point."""
    (tmp_path / "cpu.max").write_text("100000 100000")
    assert machine({"user.slice": "100000 100000"}) == 16


@pytest.mark.parametrize(
    "own", ["", "0::/\n", "1:cpu:/docker/abc\n0::/\n", "1:cpu:/docker/abc\n", "0::/../x\n", "\xff"]
)
def test_other_lines_of_cgroup(machine, own):
    """In a container the path is /; cgroup v1 alone tells nothing."""
    assert machine({"": "max 100000"}, own) == 16


def test_affinity_counts(monkeypatch, tmp_path):
    """taskset to two cores means two, and no /proc means no quota."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {3, 5})
    assert cores(tmp_path, tmp_path / "missing") == 2


def test_this_machine():
    """On the machine that runs this, the answer is possible."""
    assert 1 <= cores() <= HERE
