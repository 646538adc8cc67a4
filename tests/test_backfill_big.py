"""The command that measures a backfill goes on working."""

import pytest

from . import backfill_big


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_small_one(tmp_path, capsys, monkeypatch):
    """Its captures have as many readings as were asked for, all of them come out, and a kill changes nothing."""
    pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")
    arguments = ["--readings", "16000", "--boards", "2", "--lines", "3", "--folder", str(tmp_path), "--no-live"]
    monkeypatch.setattr("sys.argv", ["backfill_big", *arguments])
    assert backfill_big.main() == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0].startswith("16,000 readings in ")
    assert told[-1].endswith("the same files: True")
