"""A job of Slurm runs what was sent, however long it waited and whatever was edited meanwhile.

The jobs are the lines of the scripts that `--print` shows, run here.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import SENT
from tests.flows.batch.kit import json_table, lines_of
from tests.flows.cli.conftest import Patchbay
from tests.flows.runs.harness import flow

Save = Callable[..., Path]
Done = subprocess.CompletedProcess[str]
BATCH = ("batch", "case.json", "--rows", "a.jsonl", "-o", "out.jsonl", "--nodes", "2")


def saying(text: str) -> Flow:
    """Puts a text before what it is asked."""
    return flow(
        {
            "i": ("io.input", {"name": "review"}),
            "t": ("prompt.template", {"template": text + " {review}"}),
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > t.review", "t.text > o.value"],
    )


def outer() -> Flow:
    """Runs `inner.json` for each of some items."""
    return flow(
        {
            "i": ("io.input", {"name": "review", "kind": "json"}),
            "e": ("logic.for_each", {"flow": "inner", "input": "review", "output": "label"}),
            "o": ("io.output", {"name": "label"}),
        },
        ["i.value > e.items", "e.results > o.value"],
    )


def reading() -> Flow:
    """Gives documents of a folder, and what it is asked."""
    return flow(
        {
            "i": ("io.input", {"name": "review"}),
            "d": ("retrieval.load", {"path": "notes"}),
            "o": ("io.output", {"name": "label"}),
            "p": ("io.output", {"name": "all"}),
        },
        ["i.value > o.value", "d.documents > p.value"],
    )


@pytest.fixture
def jobs(patchbay: Patchbay) -> Callable[..., list[Callable[[], Done]]]:
    """Send a command: what its jobs do when they start, one after the other."""

    def send(*words: str) -> list[Callable[[], Done]]:
        printed = patchbay(*words, "--on", "slurm", "--print")
        assert printed.returncode == 0, printed.stderr
        sent = re.search(f"export {SENT}=(.*)", printed.stdout)
        line = re.search(r"^\S+ -m patchbay\.flows (.*)$", printed.stdout, re.M)
        assert sent
        assert line
        (file,) = shlex.split(sent[1])
        work = line[1].replace('"${SLURM_ARRAY_TASK_ID}/', '"{n}/').replace(
            '"${SLURM_ARRAY_TASK_ID}"', "{n}"
        )  # fmt: skip
        parts = range(2) if words[0] == "batch" else range(1)
        told = [shlex.split(re.split(r" (?:> |\|\| )", work)[0].replace("{n}", str(n)))
                for n in parts]  # fmt: skip
        return [lambda told=one: patchbay(*told, **{SENT: file}) for one in told]  # type: ignore[misc]

    return send


def edited(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    later = time.time() + 60  # another moment, also where a file system counts in seconds
    os.utime(path, (later, later))


@pytest.mark.parametrize("when", ["before any", "between two", "gone"])
def test_parts_run_the_flow_that_was_sent(
    patchbay: Patchbay, save: Save, tmp_path: Path, jobs: Any, when: str
) -> None:
    path = save(saying("Good"))
    json_table(tmp_path / "a.jsonl", [{"review": n} for n in "abc"])
    first, second = jobs(*BATCH)
    if when == "between two":
        assert first().returncode == 0
    if when == "gone":
        path.unlink()
    else:
        save(saying("Bad"))
    if when != "between two":
        assert first().returncode == 0
    done = second()
    assert done.returncode == 0, done.stderr
    assert patchbay("batch", "--collect", "out.jsonl.slurm", "-o", "out.jsonl").returncode == 0
    assert [row["label"] for row in lines_of(tmp_path / "out.jsonl")] == [
        "Good a", "Good b", "Good c",
    ]  # fmt: skip


def test_flows_that_it_runs_are_sent_as_well(save: Save, tmp_path: Path, jobs: Any) -> None:
    save(outer())
    inner = save(saying("Good"), "inner.json")
    json_table(tmp_path / "a.jsonl", [{"review": ["a"]}, {"review": ["b"]}])
    first, second = jobs(*BATCH)
    save(saying("Bad"), "inner.json")
    assert first().returncode == 0
    inner.unlink()
    assert second().returncode == 0
    said = [lines_of(tmp_path / f"out.jsonl.slurm/part-{n}.jsonl")[0]["label"] for n in (0, 1)]
    assert said == [["Good a"], ["Good b"]]


def _rows(folder: Path) -> None:
    edited(folder / "a.jsonl", '{"review": "x"}\n{"review": "b"}\n')


def _file(folder: Path) -> None:
    edited(folder / "notes/one.txt", "TWO")


def _new_file(folder: Path) -> None:
    edited(folder / "notes/two.txt", "two")


def _gone(folder: Path) -> None:
    (folder / "a.jsonl").unlink()


@pytest.mark.parametrize(
    ("edit", "named"),
    [(_rows, "a.jsonl"), (_gone, "a.jsonl"), (_file, 'what "d" reads'),
     (_new_file, 'what "d" reads')],
)  # fmt: skip
def test_a_file_that_was_edited_is_named_before_a_part_begins(
    save: Save, tmp_path: Path, jobs: Any, edit: Callable[[Path], None], named: str
) -> None:
    save(reading())
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/one.txt").write_text("one", encoding="utf-8")
    json_table(tmp_path / "a.jsonl", [{"review": "a"}, {"review": "b"}])
    first, second = jobs(*BATCH)
    assert first().returncode == 0
    held = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    edit(tmp_path)
    for job in (second, first):
        done = job()
        assert done.returncode == 1
        assert "[slurm/changed]" in done.stderr
        assert named in done.stderr
    assert not list((tmp_path / "out.jsonl.slurm").glob("part-1*"))
    for path, said in held.items():  # as it was: it goes on
        path.write_bytes(said)
    (tmp_path / "notes/two.txt").unlink(missing_ok=True)
    assert second().returncode == 0


def test_a_file_of_the_same_content_has_not_changed(save: Save, tmp_path: Path, jobs: Any) -> None:
    save(saying("Good"))
    json_table(tmp_path / "a.jsonl", [{"review": "a"}, {"review": "b"}])
    first, _ = jobs(*BATCH)
    edited(tmp_path / "a.jsonl", (tmp_path / "a.jsonl").read_text(encoding="utf-8"))
    assert first().returncode == 0


def test_an_input_that_is_read_from_a_file(save: Save, tmp_path: Path, jobs: Any) -> None:
    save(saying("Good"))
    (tmp_path / "text.txt").write_text("a", encoding="utf-8")
    (job,) = jobs("run", "case.json", "--input", "review=@text.txt", "--json")
    save(saying("Bad"))
    assert json.loads(job().stdout)["outputs"] == {"label": "Good a"}
    edited(tmp_path / "text.txt", "b")
    done = job()
    assert (done.returncode, done.stdout) == (1, "")
    assert f"{tmp_path}/text.txt" in done.stderr


def test_an_experiment_runs_what_was_sent(save: Save, tmp_path: Path, jobs: Any) -> None:
    path = save(saying("Good"))
    (tmp_path / "cases.csv").write_text("review,expected\na,Good a\n", encoding="utf-8")
    save(judge(1), "judge.json")
    axis = ("--vary", "t.template=Bad {review},Good {review}")
    (job,) = jobs(
        "experiment", "case.json", "--cases", "cases.csv", *axis, "--check", "exact",
        "--check", "flow:judge.json", "--report", "csv", "--use-best",
    )  # fmt: skip
    save(judge(0), "judge.json")
    nodes = saying("Edited").model_copy(update={"name": "Edited since"})
    save(nodes)
    done = job()
    assert done.returncode == 0, done.stderr
    assert re.search(r"Good.*1\.0.*1\.0", done.stdout), done.stdout
    best = json.loads(path.read_text(encoding="utf-8"))
    assert best["name"] == "Edited since"  # what was edited is not written over
    assert "Good {review}" in path.read_text(encoding="utf-8")
    edited(tmp_path / "cases.csv", "review,expected\na,Bad a\n")
    done = job()
    assert (done.returncode, done.stdout) == (1, "")
    assert "cases.csv" in done.stderr


def judge(score: int) -> Flow:
    """Gives the same score to every answer."""
    return flow(
        {
            "a": ("io.input", {"name": "answer"}),
            "t": ("prompt.template", {"template": f"{score} {{answer}}"}),
            "o": ("io.output", {"name": "score"}),
        },
        ["a.value > t.answer", "t.text > o.value"],
    )


def test_sent_again_as_another_batch_it_is_refused_before_it_waits(
    patchbay: Patchbay, save: Save, tmp_path: Path, jobs: Any
) -> None:
    save(saying("Good"))
    json_table(tmp_path / "a.jsonl", [{"review": "a"}, {"review": "b"}])
    jobs(*BATCH)
    path = save(saying("Better"))
    first, _ = jobs(*BATCH)  # nothing had begun
    assert first().returncode == 0
    drawn = json.loads(path.read_text(encoding="utf-8")) | {"layout": {"t": {"x": 1, "y": 2}}}
    path.write_text(json.dumps(drawn), encoding="utf-8")
    jobs(*BATCH)  # moved on the canvas
    save(saying("Best"))
    again = patchbay(*BATCH, "--on", "slurm", "--print")
    assert again.returncode == 1
    assert "case.json" in again.stderr
    assert "Remove the folder" in again.stderr
    assert lines_of(tmp_path / "out.jsonl.slurm/part-0.jsonl")[0]["label"] == "Better a"


def test_what_was_sent_and_is_not_seen_is_said(
    patchbay: Patchbay, save: Save, tmp_path: Path
) -> None:
    """A container without the folder would run the flow as it is now."""
    save(saying("Good"))
    done = patchbay("run", "case.json", "-i", "review=a", **{SENT: str(tmp_path / "none.json")})
    assert (done.returncode, done.stdout) == (1, "")
    assert "[slurm/sent]" in done.stderr
