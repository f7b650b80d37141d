"""`patchbay batch` as a person runs it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from tests.flows.batch.kit import json_table, lines_of, shouting, table
from tests.flows.cli.conftest import Patchbay
from tests.flows.runs.harness import flow

Save = Callable[..., Path]


def test_a_table_in_a_table_out(patchbay: Patchbay, save: Save, tmp_path: Path) -> None:
    save(shouting())
    table(tmp_path / "a.csv", 30)
    words = ("batch", "case.json", "--rows", "a.csv", "--map", "review=text", "-o", "out.parquet")
    done = patchbay(*words, "--keep", "id")
    assert (done.returncode, done.stdout) == (0, "")
    assert "30 rows into out.parquet" in done.stderr
    import pyarrow.parquet

    found = pyarrow.parquet.read_table(tmp_path / "out.parquet").to_pylist()
    assert found[7] == {"id": "7", "label": 'REVIEW, NO "7"'}
    again = patchbay(*words)
    assert again.returncode == 1
    assert "error [batch/there] out.parquet is there already." in again.stderr


def test_a_param_of_a_node_that_is_not_there_is_no_setting(
    patchbay: Patchbay, save: Save, tmp_path: Path
) -> None:
    save(shouting())
    table(tmp_path / "a.csv", 3)
    words = ("batch", "case.json", "--rows", "a.csv", "--map", "review=text", "-o", "o.jsonl")
    for setting, said in (("nobody.text=x", '"nobody" that is not there'), ("text=x", "no param")):
        done = patchbay(*words, "--set", setting)
        assert done.returncode == 1
        assert said in done.stderr
    assert not (tmp_path / "o.jsonl").exists()


def test_failures_stand_apart_and_the_exit_says_so(
    patchbay: Patchbay, save: Save, tmp_path: Path
) -> None:
    save(shouting())
    json_table(tmp_path / "a.jsonl", [{"review": "a"}, {"other": 1}])
    done = patchbay("batch", "case.json", "--rows", "a.jsonl", "-o", "o.jsonl", "--json", "-q")
    assert done.returncode == 1
    assert json.loads(done.stdout)["failed"] == 1
    assert lines_of(tmp_path / "o.failed.jsonl")[0]["code"] == "batch/no-column"


def test_a_part_tells_rows_that_failed_from_all_else(
    patchbay: Patchbay, save: Save, tmp_path: Path
) -> None:
    save(shouting())
    json_table(tmp_path / "a.jsonl", [{"review": "a"}, {"other": 1}])
    words = ("batch", "case.json", "--rows", "a.jsonl", "--go-on", "-q", "-o", "part-0.jsonl")
    assert patchbay(*words).returncode == 3
    assert patchbay(*words).returncode == 3  # it has ended, and is what was asked for
    assert patchbay("batch", "--collect", ".", "-q", "-o", "all.jsonl").returncode == 3
    json_table(tmp_path / "a.jsonl", [{"review": "b"}, {"other": 1}])
    changed = patchbay(*words)
    assert changed.returncode == 1
    assert "batch/changed" in changed.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("case.json", "--rows", "a.csv", "-o", "o.csv", "--on", "slurm", "--unordered"),
            "are put together in order",
        ),
        (
            ("case.json", "--rows", "postgresql://a:s3@h/d#t", "-o", "o.csv", "--on", "slurm"),
            "batch/password",
        ),
        (
            ("case.json", "--rows", "a.csv", "-o", "sqlite:///o.db#t", "--on", "slurm"),
            "into a file, not into a database",
        ),
        (("case.json",), "No output was named"),
        (("case.json", "-o", "o.csv"), "A flow and rows are needed"),
        (("case.json", "--rows", "a.csv", "--map", "x", "-o", "o.csv"), "is not input=column"),
        (
            ("case.json", "--rows", "a.csv", "--map", "a=id", "--map", "a=text", "-o", "o.csv"),
            '"a" is mapped twice: to "id" and "text"',
        ),
        (
            ("case.json", "--rows", "a.csv", "--map", "review=id", "-i", "review=x", "-o", "o"),
            '"review" is given twice',
        ),
        (
            ("case.json", "--rows", "a.csv", "-o", "o.csv", "--on", "slurm", "--workers", "2"),
            "--workers is for Ray",
        ),
        (
            ("case.json", "--rows", "a.csv", "--map", "review=txt", "-o", "o.csv"),
            'Did you mean "text"',
        ),
    ],
)
def test_what_does_not_fit(
    patchbay: Patchbay, save: Save, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    save(shouting())
    table(tmp_path / "a.csv")
    done = patchbay("batch", *words)
    assert done.returncode == 1
    assert said in done.stderr


@pytest.mark.parametrize(
    "more",
    [
        ("case.json",),
        ("--rows", "a.csv"),
        ("--on", "slurm", "--print"),
        ("--keep", "id"),
        ("--set", "u.wait_s=1"),
        ("--max-tokens", "10"),
        ("--part", "1/2"),
    ],
)
def test_what_a_replay_does_not_hear_is_refused(
    patchbay: Patchbay, save: Save, tmp_path: Path, more: tuple[str, ...]
) -> None:
    """`--on slurm --print` ran it."""
    save(shouting())
    table(tmp_path / "a.csv", 3)
    words = ("--rows", "a.csv", "--map", "review=text", "-o", "o.jsonl", "-q")
    assert patchbay("batch", "case.json", *words).returncode == 0
    done = patchbay("batch", "--replay", "o.manifest.json", "-o", "p.jsonl", *more)
    assert done.returncode == 1
    assert "has no meaning here" in done.stderr
    assert not list(tmp_path.glob("p.*"))
    parts = patchbay("batch", "--collect", ".", "-o", "p.jsonl", *more)
    assert "has no meaning here" in parts.stderr


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (("--rows", "-"), "have no standard input"),
        (("--rows", "gone.csv"), "gone.csv cannot be read"),
        (("--rows", "a.jsonl", "--map", "reviews=review"), 'Did you mean "review"'),
        (("--rows", "a.csv", "--map", "review=txt"), 'Did you mean "text"'),
        (("--rows", "a.jsonl", "-o", "o.docx"), "of no form to write"),
        (("--rows", "a.jsonl", "-o", "no/o.csv"), "There is no folder no"),
    ],
)
def test_what_jobs_would_refuse_is_refused_before_they_wait_in_a_queue(
    patchbay: Patchbay, save: Save, tmp_path: Path, more: tuple[str, ...], said: str
) -> None:
    save(shouting())
    json_table(tmp_path / "a.jsonl", [{"review": "a"}])
    table(tmp_path / "a.csv")
    words = ("batch", "case.json", "-o", "o.jsonl", "--on", "slurm", "--print", *more)
    done = patchbay(*words)
    assert (done.returncode, done.stdout) == (1, "")
    assert said in done.stderr
    assert not list(tmp_path.glob("*o.*"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "gone.json"), "gone.json"),
        (("run", "case.json"), 'The input "review" has no value'),
        (("run", "case.json", "--input", "reviews=a"), 'no input "reviews"'),
        (("run", "case.json", "--input", "review=@-"), "has no standard input"),
        (("run", "broken.json", "--input", "review=a"), "not connected|has no wire|Wire"),
        (("experiment", "case.json", "--cases", "gone.csv"), "gone.csv"),
        (("experiment", "case.json", "--cases", "c.csv", "--vary", "no.such=1"), "no"),
        (("batch", "broken.json", "--rows", "c.csv", "-o", "o.csv"), "has no wire|Wire"),
    ],
)
def test_what_one_job_would_refuse_is_refused_before_it_waits(
    patchbay: Patchbay, save: Save, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    save(shouting())
    broken = shouting()
    save_flow(broken.model_copy(update={"edges": broken.edges[1:]}), tmp_path / "broken.json")
    (tmp_path / "c.csv").write_text("review,expected\na,A\n", encoding="utf-8")
    done = patchbay(*words, "--on", "slurm", "--print")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.search(said, done.stderr), done.stderr
    good = ("run", "case.json", "--input", "review=a", "--on", "slurm", "--print")
    assert "#SBATCH" in patchbay(*good).stdout


@pytest.mark.parametrize("container", ["", "img.sif"])
def test_what_only_this_python_lacks_does_not_count_for_a_container(
    patchbay: Patchbay, save: Save, tmp_path: Path, container: str
) -> None:
    kind = flow({"i": ("io.input", {"name": "review"}), "u": "theirs.kind",
                 "o": ("io.output", {"name": "label"})},
                ["i.value > u.text", "i.value > o.value"])  # fmt: skip
    save_flow(kind, tmp_path / "theirs.json")
    (tmp_path / "c.csv").write_text("review,expected\na,A\n", encoding="utf-8")
    for words in (
        ("run", "theirs.json", "--input", "review=a"),
        ("batch", "theirs.json", "--rows", "c.csv", "-o", "o.csv"),
    ):
        more = ("--container", container) if container else ()
        done = patchbay(*words, "--on", "slurm", "--print", *more)
        assert (done.returncode == 0) == bool(container), done.stderr


@pytest.mark.parametrize(
    ("option", "where"),
    [
        (("--print",), "in this process"),
        (("--nodes", "4"), "in this process"),
        (("--time", "2:00:00"), "in this process"),
        (("--container", "img.sif"), "in this process"),
        (("--profile", "ai-lab"), "in this process"),
        (("--workers", "2"), "in this process"),
        (("--gpus", "1"), "in this process"),
        (("--print", "--on", "ray"), "on Ray"),
        (("--nodes", "4", "--on", "ray://nobody:1"), "on Ray"),
    ],
)
def test_what_is_said_of_another_place_is_not_passed_over(
    patchbay: Patchbay, save: Save, tmp_path: Path, option: tuple[str, ...], where: str
) -> None:
    """Above all `--print`, without `--on slurm`: it ran the batch."""
    save(shouting())
    table(tmp_path / "a.csv")
    (tmp_path / "cases.csv").write_text("review,expected\na,b\n", encoding="utf-8")
    rows = ("--rows", "a.csv", "--map", "review=text", "-o", "o.csv")
    for words in (
        ("batch", "case.json", *rows),
        ("run", "case.json", "--input", "review=a"),
        ("experiment", "case.json", "--cases", "cases.csv"),
    ):
        done = patchbay(*words, *option)
        assert (done.returncode, done.stdout) == (1, "")
        assert f"error [usage] {option[0]} is for" in done.stderr
        assert f"and this runs {where}." in done.stderr
    assert not list(tmp_path.glob("o.*"))


def test_a_server_says_so_too(patchbay: Patchbay, save: Save) -> None:
    save(shouting())
    done = patchbay("serve", "case.json", "--port", "0", "--gpus", "1")
    assert done.returncode == 1
    assert "--gpus is for Ray and Slurm, and this runs in this process." in done.stderr


def test_slurm_gives_whole_gpus(patchbay: Patchbay, save: Save, tmp_path: Path) -> None:
    save(shouting())
    words = ("run", "case.json", "--input", "review=a", "--on", "slurm", "--print")
    half = patchbay(*words, "--gpus", "0.5")
    assert (half.returncode, half.stdout) == (1, "")
    assert "Slurm gives whole GPUs." in half.stderr
    whole = patchbay(*words, "--gpus", "2")
    assert "#SBATCH --gres=gpu:2" in whole.stdout.splitlines()


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGINT to send")
def test_ctrl_c_keeps_what_is_done(
    environ: dict[str, str], save: Callable[[Flow, str], Path], tmp_path: Path
) -> None:
    save(shouting(wait_s=0.1), "case.json")
    json_table(tmp_path / "a.jsonl", [{"review": f"r{n}"} for n in range(300)])
    words = ["batch", "case.json", "--rows", "a.jsonl", "-o", "o.jsonl", "--at-once", "2"]
    command = [sys.executable, "-m", "patchbay.flows", *words]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environ, stderr=subprocess.PIPE, text=True
    )
    state = tmp_path / "o.jsonl.batch" / "state.json"
    while process.poll() is None and not state.exists():
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=240)
    assert process.returncode == 130
    assert "go on with --resume" in said
    again = [*command[:-1], "100", "--resume"]  # now many at once, so that it ends soon
    subprocess.run(again, cwd=tmp_path, env=environ, check=True)
    assert [row["label"] for row in lines_of(tmp_path / "o.jsonl")] == [f"R{n}" for n in range(300)]
