"""`patchbay run` on flows that work: answers, formats, inputs, recording, stopping."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from tests.flows.cli.conftest import SAVED, Patchbay
from tests.flows.runs.harness import OUT, flow

Save = Callable[..., Path]

ECHO = flow(
    {"q": ("io.input", {"name": "question", "default": "hello"}), "u": "test.upper", "o": OUT},
    ["q.value > u.text", "u.text > o.value"],
    name="Echo",
)


def test_the_saved_flow_answers_on_the_real_model(patchbay: Patchbay) -> None:
    done = patchbay(
        "run", SAVED / "ask.json", "--input", "question=What is the capital of Denmark?"
    )
    assert done.returncode == 0, done.stderr
    assert "Copenhagen" in done.stdout
    assert "tokens" in done.stderr
    again = patchbay("run", SAVED / "ask.json", "-i", "question=What is the capital of Denmark?")
    assert again.stdout == done.stdout
    assert "0 nodes ran" in again.stderr


def test_only_the_answer_goes_to_standard_output(patchbay: Patchbay, save: Save) -> None:
    done = patchbay("run", save(ECHO))
    assert (done.returncode, done.stdout) == (0, "HELLO\n")
    assert patchbay("run", save(ECHO), "--quiet").stderr == ""


def test_several_outputs_are_named(patchbay: Patchbay, save: Save) -> None:
    two = flow(
        {"a": "test.text", "o": OUT, "p": ("io.output", {"name": "other"})},
        ["a.text > o.value", "a.text > p.value"],
    )
    assert patchbay("run", save(two)).stdout == "out:\nhi\n\nother:\nhi\n\n"


def test_json(patchbay: Patchbay, save: Save) -> None:
    result = json.loads(patchbay("run", save(ECHO), "--json").stdout)
    assert result["status"] == "finished"
    assert result["outputs"] == {"out": "HELLO"}
    assert result["tokens"] == {"prompt": 0, "completion": 0}


def test_events_are_json_lines_in_order(patchbay: Patchbay, save: Save) -> None:
    lines = patchbay("run", save(ECHO), "--events").stdout.splitlines()
    types = [json.loads(line)["type"] for line in lines]
    assert types == [
        "run_started", *["node_started", "node_finished"] * 3, "run_finished",
    ]  # fmt: skip


def test_inputs_from_files(patchbay: Patchbay, save: Save, tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("from a file", encoding="utf-8")
    assert patchbay("run", save(ECHO), "-i", "question=@q.txt").stdout == "FROM A FILE\n"
    notes = flow(
        {"d": ("io.input", {"name": "docs", "kind": "documents"}), "j": "text.join", "o": OUT},
        ["d.value > j.texts", "j.text > o.value"],
    )
    path = save(notes)
    assert patchbay("run", path, "--input", "docs=@q.txt").stdout == "from a file\n"
    (tmp_path / "r.txt").write_text("and another", encoding="utf-8")
    both = patchbay("run", path, "-i", "docs=@q.txt", "-i", "docs=@r.txt").stdout
    assert both == "from a file\n\nand another\n"


def test_set_changes_a_param_for_this_run(patchbay: Patchbay, save: Save) -> None:
    path = save(flow({"a": "test.text", "o": OUT}, ["a.text > o.value"]))
    before = path.read_bytes()
    assert patchbay("run", path, "--set", "a.text=other").stdout == "other\n"
    assert path.read_bytes() == before


def test_only(patchbay: Patchbay) -> None:
    done = patchbay("run", SAVED / "ask.json", "--only", "prompt", "--json")
    outputs = json.loads(done.stdout)["outputs"]
    assert list(outputs) == ["prompt.text"]
    assert "Denmark" in outputs["prompt.text"]


def test_no_cache_runs_every_node(patchbay: Patchbay, save: Save) -> None:
    path = save(ECHO)
    assert "3 nodes ran" in patchbay("run", path).stderr
    assert "0 nodes ran · 3 reused" in patchbay("run", path).stderr
    assert "3 nodes ran" in patchbay("run", path, "--no-cache").stderr


def test_a_reader_that_leaves_early_is_no_error(save: Save, environ: dict[str, str]) -> None:
    command = f"'{sys.executable}' -m flows run '{save(ECHO)}' --events | head -n 1"
    done = subprocess.run(
        command, shell=True, env=environ, capture_output=True, text=True, timeout=240, check=False
    )
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def slow(log: Path) -> Flow:
    first, second = {"log": str(log)}, {"log": str(log), "wait_s": 600}
    return flow(
        {"a": "test.text", "b": ("test.random", first), "c": ("test.random", second), "o": OUT},
        ["a.text > b.text", "b.text > c.text", "c.text > o.value"],
    )


def start(environ: dict[str, str], *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "patchbay.flows", "run", *map(str, arguments)],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for(process: subprocess.Popen[str], node: str) -> list[str]:
    seen = []
    assert process.stdout is not None
    for line in process.stdout:
        seen.append(line)
        event = json.loads(line)
        if event["type"] == "node_started" and event["node"] == node:
            return seen
    raise AssertionError(f"{node} never started: {seen}")


@pytest.mark.skipif(os.name == "nt", reason="signals are different there")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_one_ctrl_c_stops_cleanly(
    environ: dict[str, str], save: Save, tmp_path: Path, number: int, code: int
) -> None:
    process = start(environ, save(slow(tmp_path / "log")), "--events")
    wait_for(process, "c")
    process.send_signal(number)
    out, err = process.communicate(timeout=240)
    assert process.returncode == code
    assert json.loads(out.splitlines()[-1])["type"] == "run_cancelled"
    assert err == ""


def test_a_run_at_work_is_stopped_from_another_process(
    patchbay: Patchbay, environ: dict[str, str], save: Save, tmp_path: Path
) -> None:
    process = start(environ, save(slow(tmp_path / "log")), "--events", "--record")
    run = json.loads(wait_for(process, "c")[0])["run"]
    done = patchbay("runs", "stop", run)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"patchbay run --resume {run}" in done.stdout
    out, err = process.communicate(timeout=240)
    assert json.loads(out.splitlines()[-1])["type"] == "run_cancelled"
    assert (process.returncode, "Traceback" in err) == (130, False)
    assert json.loads(patchbay("runs", "--json").stdout)[0]["status"] == "cancelled"
    again = patchbay("runs", "stop", run)
    assert again.returncode == 1
    assert "nothing to stop" in again.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals are different there")
def test_a_killed_run_goes_on_and_loses_no_finished_node(
    patchbay: Patchbay, environ: dict[str, str], save: Save, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    process = start(environ, save(slow(log)), "--events", "--record")
    run = json.loads(wait_for(process, "c")[0])["run"]
    while '"b"' not in patchbay("runs", run, "--json").stdout:
        pass  # what nobody waits for is on the disk a moment later
    process.kill()
    process.communicate(timeout=240)
    assert log.read_text(encoding="utf-8") == "hi\n", "b ran, c did not"

    listed = json.loads(patchbay("runs", "--json").stdout)
    assert [(r["id"], r["status"]) for r in listed] == [(run, "interrupted")]
    process = start(environ, "--resume", run, "--events")
    seen = [json.loads(line) for line in wait_for(process, "c")]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=240)
    kept = {e["node"]: e["source"] for e in seen if e["type"] == "node_finished"}
    assert kept == {"a": "resumed", "b": "resumed"}
    assert log.read_text(encoding="utf-8") == "hi\n", "b did not run again"
    unknown = patchbay("run", "--resume", "nonsense")
    assert unknown.returncode == 1
    assert run in unknown.stderr


def test_two_runs_of_one_flow_at_once(environ: dict[str, str], save: Save, tmp_path: Path) -> None:
    path = save(ECHO)
    both = [start(environ, path, "--record", "-i", f"question=run {n}") for n in (1, 2)]
    done = [process.communicate(timeout=240) for process in both]
    assert sorted(out for out, _ in done) == ["RUN 1\n", "RUN 2\n"]


def test_runs_lists_and_shows(patchbay: Patchbay, save: Save) -> None:
    assert "No run is recorded" in patchbay("runs").stderr
    patchbay("run", save(ECHO), "--record")
    (run,) = json.loads(patchbay("runs", "--json").stdout)
    assert (run["flow"], run["status"]) == ("Echo", "finished")
    assert "node_finished" in patchbay("runs", run["id"]).stdout


WARNS = flow(
    {
        "t": ("test.text", {"text": "a, b, c"}),
        "s": ("text.split", {"by": "separator", "separator": ",", "limit": 1}),
        "f": ("test.fail", {}, {"on_error": "continue", "retries": 1, "backoff_s": 0}),
        "w": "test.switch",
        "r": "test.upper",
        "o": OUT,
    },
    ["t.text > s.text", "t.text > w.text", "w.right > r.text", "r.text > o.value"],
)
SAID = [
    ("s", "Only the first 1 of 3 items are kept."),
    ("f", "no luck 1 Trying again in 0 s."),
    ("f", "It failed, and the run went on as it was told to: no luck 2"),
    ("", "The run gave no output: every branch that leads to one was skipped."),
]
"""A node's warning, a try that failed, a failure that the run went on after, no output."""


@pytest.mark.parametrize("way", [[], ["--json"], ["--events"]], ids=["people", "json", "events"])
def test_warnings_are_told_to_everybody(patchbay: Patchbay, save: Save, way: list[str]) -> None:
    done = patchbay("run", save(WARNS), "--no-cache", *way)
    assert done.returncode == 0
    for node, text in SAID:
        assert f"warning{node and ' ' + node}: {text}" in done.stderr.splitlines()
    if way == ["--json"]:
        expected = [{**({"node": node} if node else {}), "message": text} for node, text in SAID]
        found = json.loads(done.stdout)["warnings"]
        assert sorted(map(str, found)) == sorted(map(str, expected))
    quiet = patchbay("run", save(WARNS), "--no-cache", "--quiet", *way)
    assert "Only the first" not in quiet.stderr
    if way == ["--json"]:
        assert len(json.loads(quiet.stdout)["warnings"]) == len(SAID)


def test_a_record_that_breaks_off_is_told_to_everybody(patchbay: Patchbay, save: Save) -> None:
    """Damage of the history, and a run's own warning, on a home that cannot hold it."""
    path = save(ECHO)
    patchbay("run", path, "--record")
    home = next(path.parent.glob("home/history.sqlite"))
    home.write_bytes(b"no database " * 1000)
    done = patchbay("run", path, "--record", "--json")
    assert done.returncode == 0
    assert "damaged-1" in done.stderr
    assert json.loads(patchbay("runs", "--json").stdout)[0]["flow"] == "Echo"
    assert "internal" not in done.stderr
