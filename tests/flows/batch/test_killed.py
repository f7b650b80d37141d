"""A batch that is killed at random, or whose disk is full, has every row once in the end."""

from __future__ import annotations

import errno
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch import spool as spool_file
from patchbay.flows.batch.spool import Spool
from patchbay.flows.batch.tables import write_output
from patchbay.flows.problems import FlowError
from tests.flows.batch.kit import json_table, lines_of, over, shouting
from tests.paths import ROOT

KILLS = int(os.environ.get("PATCHBAY_KILLS", "4"))
COUNT = 600


def written_at(path: Path) -> int:
    """When a file was written, in ns since 1970; 0 where it is not: a batch takes it away."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("form", ["jsonl", "parquet"])
def test_every_row_is_there_once_after_kills(tmp_path: Path, form: str) -> None:
    given = [{"n": n, "review": f"r{n}"} for n in range(COUNT)]
    rows = json_table(tmp_path / "rows.jsonl", given)
    out = tmp_path / f"out.{form}"
    command = [sys.executable, "-m", "tests.flows.batch.killed", str(rows), str(out)]
    dice = random.Random(f"{form} {KILLS}")
    kept = Path(f"{out}.batch", "state.json")
    for _ in range(KILLS):
        process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        before = written_at(kept)
        while process.poll() is None and written_at(kept) <= before:
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 0.2))
        process.kill()
        process.wait()
    if not out.exists():
        subprocess.run(command, cwd=ROOT, check=True)
    if form == "parquet":
        import pyarrow.parquet

        found = pyarrow.parquet.read_table(out).to_pylist()
    else:
        found = lines_of(out)
    assert found == [{"n": n, "label": f"R{n}"} for n in range(COUNT)]


MOMENTS = ("fsync", "state", "end")


@pytest.mark.parametrize("moment", MOMENTS)
async def test_a_full_disk_stops_it_and_nothing_is_lost(
    tmp_path: Path, moment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system refuses once, at the second commit or at the very end."""
    rows = json_table(tmp_path / "rows.jsonl", [{"review": f"r{n}"} for n in range(300)])
    out = tmp_path / "out.jsonl"
    calls = 0

    def full(real: Any, at: int) -> Any:
        def refuses(*given: Any, **more: Any) -> Any:
            nonlocal calls
            calls += 1
            if calls == at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(out))
            return real(*given, **more)

        return refuses

    with monkeypatch.context() as patch:
        match moment:
            case "fsync":
                patch.setattr(spool_file.os, "fsync", full(os.fsync, 4))
            case "state":
                patch.setattr(spool_file, "write_atomic", full(spool_file.write_atomic, 3))
            case _:
                patch.setattr("patchbay.flows.batch.api.write_output", full(write_output, 1))
        patch.setattr("patchbay.flows.batch.work.COMMIT_S", 0.01)
        with pytest.raises(OSError, match="No space left"):
            await over(shouting(wait_s=0.001), rows, out, slots=4)
    result = await over(shouting(wait_s=0.001), rows, out, slots=4, resume=True)
    assert result.rows == 300
    assert [row["label"] for row in lines_of(out)] == [f"R{n}" for n in range(300)]


class TestSpool:
    """What is kept, and what is cut off."""

    def test_what_was_not_committed_is_cut_off(self, tmp_path: Path) -> None:
        first = Spool(str(tmp_path / "o"))
        first.begin({})
        first.put(0, b"zero\n")
        first.put(2, b"two\n")
        first.commit()
        first.put(1, b"one\n")
        first.put(3, b"three\n", failed=True)
        first.close()
        again = Spool(str(tmp_path / "o"))
        again.go_on()
        assert [again.has(n) for n in range(4)] == [True, False, True, False]
        again.put(1, b"one again\n")
        again.commit()
        again.close()
        assert again.rows_file.read_bytes() == b"zero\ntwo\none again\n"
        assert again.failed_file.read_bytes() == b""
        assert (again.done.below, again.done.beyond) == (3, [])

    def test_one_that_has_lost_rows_says_so(self, tmp_path: Path) -> None:
        first = Spool(str(tmp_path / "o"))
        first.begin({})
        first.put(0, b"zero\n")
        first.commit()
        first.close()
        first.rows_file.write_bytes(b"ze")
        again = Spool(str(tmp_path / "o"))
        try:
            with pytest.raises(FlowError, match="shorter than it was: 2 of 5"):
                again.go_on()
        finally:
            again.close()

    async def test_one_killed_after_its_last_step_is_ended(self, tmp_path: Path) -> None:
        """The output is there, and nobody has said so yet."""
        rows = json_table(tmp_path / "rows.jsonl", [{"review": "a"}])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Spool, "remove", Spool.close)
            await over(shouting(), rows, tmp_path / "o.jsonl")
        result = await over(shouting(), rows, tmp_path / "o.jsonl", resume=True)
        assert (result.rows, lines_of(result.output)) == (1, [{"review": "a", "label": "A"}])
        assert not (tmp_path / "o.jsonl.batch").exists()
