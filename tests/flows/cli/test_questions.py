"""Questions on the command line: exit 75, the inbox, answers of every kind, the terminal."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.cli.changed import changed_lines
from patchbay.flows.cli.given import Given, field_value, fields, read
from patchbay.flows.problems import FlowError
from patchbay.nodes.questions import (
    ApprovalWanted,
    ChoiceWanted,
    DecisionWanted,
    EditWanted,
    FormWanted,
    Question,
)
from tests.flows.cli.conftest import Patchbay
from tests.flows.runs.harness import OUT, flow

Save = Callable[..., Path]

MAIL = flow(
    {
        "draft": ("test.text", {"text": "Dear Ada"}),
        "approve": ("people.approve", {"question": "Send it?", "whom": "the editor"}),
        "team": ("people.choose", {"question": "Who?", "options": ["a", "b"]}),
        "sent": ("io.output", {"name": "sent"}),
        "kept": ("io.output", {"name": "kept"}),
        "who": ("io.output", {"name": "who"}),
    },
    [
        "draft.text > approve.value", "approve.approved > sent.value",
        "approve.rejected > kept.value", "team.choice > who.value",
    ],
    name="Mail",
)  # fmt: skip


def test_a_run_waits_and_is_answered_from_other_processes(
    patchbay: Patchbay, save: Save, tmp_path: Path
) -> None:
    waits = patchbay("run", save(MAIL), "--record")
    assert waits.returncode == 75, waits.stderr
    assert "? Send it? (for the editor)" in waits.stderr
    assert "| Dear Ada" in waits.stderr
    inbox = json.loads(patchbay("inbox", "--json").stdout)
    assert {(row["flow"], row["question"]) for row in inbox} == {
        ("Mail", "team"), ("Mail", "approve"),
    }  # fmt: skip
    run = inbox[0]["run"]
    assert f"patchbay answer {run} --question approve --approve" in waits.stderr
    wrong = patchbay("answer", run, "--question", "team", "--choose", "c")
    assert '"c" is none of the choices. They are: "a", "b".' in wrong.stderr
    assert "still open" in wrong.stderr
    one = patchbay("answer", run, "--question", "team", "--choose", "B", "--as", "Grace")
    assert one.returncode == 75, one.stderr
    last = patchbay("answer", run, "--reject", "too long", "--json")
    assert last.returncode == 0, last.stderr
    assert json.loads(last.stdout)["outputs"] == {"kept": "Dear Ada", "who": "b"}
    again = patchbay("answer", run, "--question", "team", "--choose", "a")
    assert again.returncode == 1
    assert "[question/answered]" in again.stderr
    assert "by Grace on" in again.stderr
    events = patchbay("runs", run).stdout
    assert "node_answered" in events
    assert "run_waiting" in events


def test_a_run_that_waits_is_stopped(patchbay: Patchbay, save: Save) -> None:
    assert patchbay("run", save(MAIL), "--record").returncode == 75
    run = json.loads(patchbay("inbox", "--json").stdout)[0]["run"]
    done = patchbay("runs", "stop", run)
    assert done.returncode == 0, done.stderr
    assert f"patchbay run --resume {run}" in done.stdout
    assert json.loads(patchbay("inbox", "--json").stdout) == []
    late = patchbay("answer", run, "--question", "team", "--choose", "a")
    assert late.returncode == 1
    assert "[question/ended]" in late.stderr
    assert "has been stopped" in late.stderr
    assert "patchbay runs stop RUN" in patchbay("runs", "stop").stderr


def test_a_deadline_is_taken_by_the_inbox(patchbay: Patchbay, save: Save, tmp_path: Path) -> None:
    late: dict[str, Any] = {"question": "Now?", "within_hours": 1, "when_late": "reject"}
    case = flow(
        {"t": "test.text", "a": ("people.approve", late), "o": OUT},
        ["t.text > a.value", "a.rejected > o.value"],
    )
    assert patchbay("run", save(case), "--record").returncode == 75
    with contextlib.closing(sqlite3.connect(tmp_path / "home" / "history.sqlite")) as db, db:
        db.execute("update questions set until = until - 3600")  # an hour later
    due = patchbay("inbox", "--due")
    assert due.returncode == 0, due.stderr
    assert 'nobody answered "Now?" in time; its default was taken' in due.stderr
    assert due.stdout == "hi\n"


def test_a_run_that_nobody_records_is_refused(patchbay: Patchbay, save: Save) -> None:
    done = patchbay("run", save(MAIL))
    assert done.returncode == 1
    assert "error [question/nobody] approve: It asks a person" in done.stderr
    assert "--record" in done.stderr


def test_at_a_terminal_it_is_asked_there(
    environ: dict[str, str], save: Save, tmp_path: Path
) -> None:
    mine, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "patchbay.flows", "run", str(save(MAIL)), "--no-cache", "--quiet"],
        stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, env=environ, cwd=tmp_path, text=True,
    )  # fmt: skip
    os.close(theirs)
    said = ""
    answers = {"yes or no?": "perhaps\n", "Answer yes or no": "no, later\n", "choice?": "a\n"}
    while process.poll() is None:
        try:
            said += os.read(mine, 4096).decode()
        except OSError:
            break
        for prompt, answer in list(answers.items()):
            if prompt in said:
                os.write(mine, answers.pop(prompt).encode())
                assert answer
    out, _ = process.communicate(timeout=240)
    os.close(mine)
    assert process.returncode == 0, said
    assert out == "kept:\nDear Ada\n\nwho:\na\n\n"


# --- how an answer is typed: in process ----------------------------------------------------------

FORM = FormWanted(
    {
        "type": "object",
        "properties": {
            "n": {"type": "integer"},
            "ok": {"type": "boolean"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "note": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": ["n", "ok", "tags"],
    }
)
DECISION = DecisionWanted("search", {"q": "x"})


def of(wants: object) -> Question:
    return Question("Q?", wants)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "wants", "value"),
    [
        (Given(approve=True), ApprovalWanted(), (True, "")),
        (Given(reject=""), ApprovalWanted(), (False, "")),
        (Given(reject="no"), ApprovalWanted(), (False, "no")),
        (Given(choose="a"), ChoiceWanted(("a",)), ("a", "")),
        (Given(value="text"), EditWanted(), ("text", "")),
        (Given(value="null"), EditWanted("json"), (None, "")),
        (Given(value='[{"a": 1}]'), EditWanted("table"), ([{"a": 1}], "")),
        (Given(approve=True), DECISION, ({"decision": "approve"}, "")),
        (Given(reject="why"), DECISION, ({"decision": "reject", "message": "why"}, "")),
        (Given(respond="r"), DECISION, ({"decision": "respond", "message": "r"}, "")),
        (
            Given(value='{"q": "y"}'),
            DECISION,
            ({"decision": "edit", "arguments": {"q": "y"}}, ""),
        ),
        (
            Given(form=("n=3", "ok=yes", "tags=x", "tags=y")),
            FORM,
            ({"n": 3, "ok": True, "tags": ["x", "y"], "note": None}, ""),
        ),
    ],
)
def test_answers_are_read(given: Given, wants: object, value: object) -> None:
    assert read(given, of(wants)) == value


@pytest.mark.parametrize(
    ("given", "wants", "words"),
    [
        (Given(value="{"), EditWanted("json"), "not JSON: .* line 1, column 2"),
        (Given(value="NaN"), EditWanted("json"), "NaN is no JSON"),
        (Given(respond="x"), ApprovalWanted(), "call of a tool"),
        (Given(form=("n=3",)), ApprovalWanted(), "--form is for a form"),
        (Given(form=("n=3",)), EditWanted("json"), "--form is for a form"),
        (Given(approve=True), EditWanted("json"), "--approve is for a yes or no"),
        (Given(reject="n"), ChoiceWanted(("n",)), "--reject is for a yes or no"),
        (Given(choose="B"), EditWanted("text"), "--choose is for a choice"),
        (Given(choose="B"), DECISION, "--choose is for a choice"),
        (Given(form=("n",)), FORM, "is not name=value"),
        (Given(form=("m=1",)), FORM, "There is no field 'm'. There are: n, ok, tags, note."),
        (Given(form=("n=one",)), FORM, '"n" takes a whole number'),
        (Given(form=("ok=perhaps",)), FORM, '"ok" takes yes or no'),
    ],
)
def test_answers_that_cannot_be_read(given: Given, wants: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read(given, of(wants))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Given(), "There is no answer"),
        (Given(approve=True, choose="a"), "--approve and --choose are different answers"),
        (Given(value="@/nowhere/x.txt"), "No such file or directory"),
    ],
)
def test_options_that_do_not_go_together(given: Given, words: str) -> None:
    with pytest.raises(FlowError, match=words):
        read(given, of(EditWanted()))


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.bin"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FlowError, match="not UTF-8") as caught:
        read(Given(value=f"@{path}"), of(EditWanted()))
    assert "still open" in caught.value.problems[0].fix
    path.write_text("edited\n", encoding="utf-8")
    assert read(Given(value=f"@{path}"), of(EditWanted())) == ("edited\n", "")


def test_fields_by_type() -> None:
    assert field_value("x", "2.5", {"type": "number"}) == 2.5
    assert field_value("x", '["a"]', {"type": "array", "items": {"type": "string"}}) == ["a"]
    assert field_value("x", "", {"anyOf": [{"type": "integer"}, {"type": "null"}]}) is None
    assert fields([], of(FORM)) == {"note": None}


@pytest.mark.parametrize(
    ("question", "value", "lines"),
    [
        (Question("?", EditWanted(), "a\nb\nc"), "a\nx\nc", [" a", "-b", "+x", " c"]),
        (Question("?", EditWanted(), "a"), "a", []),
        (Question("?", EditWanted(), "--- a"), "--- b", ["---- a", "+--- b"]),
        (Question("?", EditWanted("json"), {"a": 1}), {"a": 2}, ["-  \"a\": 1", "+  \"a\": 2"]),
        (Question("?", DecisionWanted("t", {"q": "x"})),
         {"decision": "edit", "arguments": {"q": "y"}},
         ["-  \"q\": \"x\"", "+  \"q\": \"y\""]),
        (Question("?", DecisionWanted("t", {"q": "x"})), {"decision": "approve"}, []),
        (Question("?", ApprovalWanted(), "a"), True, []),
    ],
)  # fmt: skip
def test_an_edit_is_shown_as_a_difference(
    question: Question, value: object, lines: list[str]
) -> None:
    shown = changed_lines(question, value)
    assert [line for line in shown if line[:1] in "+-" or not lines or lines[0][:1] == " "] == lines


def test_a_long_difference_is_cut() -> None:
    shown = changed_lines(Question("?", EditWanted(), "a\n" * 100), "b\n" * 100)
    assert (len(shown), shown[-1]) == (41, "… 160 more lines")


def test_the_files_of_a_run_are_written_into_a_folder(
    patchbay: Patchbay, save: Save, tmp_path: Path
) -> None:
    files = {"/a.md": "one", "/deep/b.md": "two"}
    given = ("io.input", {"name": "files", "kind": "json", "default": files})
    wrote = flow({"in": given, "o": OUT}, ["in.value > o.value"])
    assert patchbay("run", save(wrote), "--record").returncode == 0
    run = json.loads(patchbay("runs", "--json").stdout)[0]["id"]
    done = patchbay("runs", run, "--files", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["/a.md  3 B", "/deep/b.md  3 B"]
    assert (tmp_path / "out" / "deep" / "b.md").read_text() == "two"
    again = patchbay("runs", run, "--files", tmp_path / "out")
    assert (again.returncode, "files/there" in again.stderr) == (1, True), again.stderr
    of_none = patchbay("runs", "--files", tmp_path / "out")
    assert (of_none.returncode, "Of which run?" in of_none.stderr) == (1, True), of_none.stderr


def test_of_two_processes_that_answer_at_once_one_is_heard(
    patchbay: Patchbay, environ: dict[str, str], save: Save
) -> None:
    patchbay("run", save(MAIL), "--record")
    run = json.loads(patchbay("inbox", "--json").stdout)[0]["run"]
    words = [sys.executable, "-m", "patchbay.flows", "answer", run, "--question", "team"]
    both = [
        subprocess.Popen(
            [*words, "--choose", choice, "--as", choice],
            env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for choice in ("a", "b")
    ]  # fmt: skip
    said = [process.communicate(timeout=240)[1] for process in both]
    codes = [process.returncode for process in both]
    assert sorted(codes) == [1, 75], said
    heard, refused = "ab"[codes.index(75)], said[codes.index(1)]
    assert "[question/answered]" in refused
    assert f"by {heard} on" in refused
    end = patchbay("answer", run, "--approve", "--json")
    assert json.loads(end.stdout)["outputs"]["who"] == heard
