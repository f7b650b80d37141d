"""What a deep agent asks people, and what of its work is in the journal: exactly, by scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import RunCancelled, RunFinished, RunWaiting
from patchbay.flows.runs.history import History
from patchbay.flows.runs.running import Run
from patchbay.nodes.agents.deep import DeepAgent
from tests.flows.runs import harness
from tests.nodes.agents.conftest import environment
from tests.nodes.agents.scripted import ASKED, call
from tests.nodes.agents.told import Told

pytest.importorskip("deepagents")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:crewai")
WRITE = call("write_file", file_path="/a.md", content="one")
ALWAYS = [{"tool": "write_file", "when": "always"}]


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(f"sqlite:///{tmp_path / 'history.sqlite'}")


def task(name: str, about: str = "Write.") -> str:
    return call("task", description=about, subagent_type=name)


def both(*calls: str) -> str:
    return json.dumps([json.loads(one) for one in calls])


def deep(lines: list[str], *poets: tuple[str, list[str]], **params: Any) -> Flow:
    """A deep agent, and role agents by name, each with a script of its own."""
    nodes: dict[str, Any] = {
        "model": ("test.scripted", {"name": "boss", "lines": lines, "native": True}),
        "text": ("test.text", {"text": "Work."}),
        "agent": ("agent.deep", params),
        "files": ("io.output", {"name": "files"}),
        "answer": ("io.output", {"name": "answer"}),
    }
    wires = ["model.model > agent.model", "text.text > agent.prompt",
             "agent.files > files.value", "agent.text > answer.value"]  # fmt: skip
    for name, said in poets:
        nodes[f"m{name}"] = ("test.scripted", {"name": name, "lines": said, "native": True})
        nodes[name] = ("agent.role", {"role": name})
        wires += [f"m{name}.model > {name}.model", f"{name}.agent > agent.agents"]
    return harness.flow(nodes, wires)


def output(end: object) -> Any:
    assert isinstance(end, RunFinished), end
    return end.outputs["files"]


# --- its own tools --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("decision", "files", "read"),
    [
        ({"decision": "approve"}, {"/a.md": "one"}, "/a.md"),
        (
            {"decision": "edit", "arguments": {"file_path": "/b.md", "content": "two"}},
            {"/b.md": "two"},
            "A person had this called with other arguments:",
        ),
        ({"decision": "reject", "message": "Not now."}, {}, "rejected this call. The reason: Not"),
        ({"decision": "respond", "message": "It is full."}, {}, "It is full."),
    ],
)
async def test_the_four_decisions(
    history: History, decision: dict[str, Any], files: dict[str, str], read: str
) -> None:
    told = Told(history, deep([WRITE, "Done."], interrupt_on=ALWAYS))
    assert isinstance(await told.until_end(), RunWaiting)
    (asked,) = history.inbox.open()
    assert asked.title == "May agent use write_file?"
    assert asked.asks["wants"]["arguments"] == {"file_path": "/a.md", "content": "one"}
    assert output(await told.answer(decision)) == files
    assert read in ASKED["boss"][-1][-1][1], "the model reads it"
    assert len(ASKED["boss"]) == 2, "no request was made twice"


@pytest.mark.parametrize(
    ("row", "asks"),
    [
        ({"when": "never"}, False),
        ({"when": "an argument matches", "argument": "file_path", "pattern": "^/a"}, True),
        ({"when": "an argument matches", "argument": "file_path", "pattern": "^/secret"}, False),
        ({"when": "an argument matches", "pattern": "one"}, True),
        ({"tool": "edit_file"}, False),
    ],
)
async def test_when_it_asks(history: History, row: dict[str, Any], asks: bool) -> None:
    flow = deep([WRITE, "Done."], interrupt_on=[{"tool": "write_file", **row}])
    end = await Told(history, flow).until_end()
    assert isinstance(end, RunWaiting if asks else RunFinished)


async def test_a_sub_agent_asks_as_well_and_two_ask_at_once(history: History) -> None:
    flow = deep(
        [both(WRITE, task("ann"), task("ben")), "Done."],
        ("Ann", [call("write_file", file_path="/ann.md", content="a"), "ok"]),
        ("Ben", [call("write_file", file_path="/ben.md", content="b"), "ok"]),
        interrupt_on=ALWAYS,
    )
    told = Told(history, flow)
    assert isinstance(await told.until_end(), RunWaiting)
    asked = {q.asks["wants"]["arguments"]["file_path"]: q for q in history.inbox.open()}
    assert asked.keys() == {"/a.md", "/ann.md", "/ben.md"}
    assert asked["/ann.md"].title == "May Ann use write_file?"
    for path in ("/ben.md", "/a.md"):
        assert isinstance(await told.answer("approve", asked[path].id), RunWaiting)
    end = await told.answer("approve", asked["/ann.md"].id)
    assert output(end) == {"/a.md": "one", "/ann.md": "a", "/ben.md": "b"}
    assert [len(ASKED[name]) for name in ("boss", "Ann", "Ben")] == [2, 2, 2]


async def test_a_task_for_a_sub_agent_is_decided_about(history: History) -> None:
    flow = deep([task("ann"), "Done."], ("Ann", ["ok"]), interrupt_on=[{"tool": "task"}])
    told = Told(history, flow)
    assert isinstance(await told.until_end(), RunWaiting)
    end = await told.answer({"decision": "respond", "message": "Ann is ill."})
    assert isinstance(end, RunFinished)
    assert "Ann is ill." in ASKED["boss"][-1][-1][1]
    assert ASKED.get("Ann", []) == []


async def test_nobody_to_ask_is_said_before_anything_runs() -> None:
    with pytest.raises(FlowError, match="nobody can be asked"):
        Run(deep([WRITE], interrupt_on=ALWAYS), {}, environment())


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ([{"tool": "write"}], "write_file"),
        ([{"tool": "ls", "when": "an argument matches"}], "say with a pattern"),
        ([{"tool": "ls", "when": "an argument matches", "pattern": "("}], "no regular expression"),
        ([{"tool": "ls"}, {"tool": "ls"}], "named twice"),
        ([{"tool": "ls", "who": "me"}], "not permitted"),
    ],
)
def test_rows_that_are_none(rows: list[dict[str, Any]], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        DeepAgent.Params.model_validate({"interrupt_on": rows})


# --- the files in the journal ---------------------------------------------------------------------


async def test_a_run_that_goes_on_has_the_files_it_had(history: History) -> None:
    flow = deep(
        [both(WRITE, task("ann")), call("read_file", file_path="/ann.md"), call("ls", path="/"),
         call("edit_file", file_path="/a.md", old_string="one", new_string="two"), "Done."],
        ("Ann", [call("write_file", file_path="/ann.md", content="a"), "ok"]),
    )  # fmt: skip
    told = Told(history, flow)
    assert isinstance(await told.until_end(until="answer ok"), RunCancelled)
    told.go_on()
    assert output(await told.until_end()) == {"/a.md": "two", "/ann.md": "a"}
    assert len(ASKED["boss"]) == 5, "no request was made twice"
    assert not [event for event in told.events if event.type == "node_warned"]


async def test_a_clash_is_said_after_a_pause_as_well(history: History) -> None:
    flow = deep(
        [both(task("ann"), task("ben")), call("delete", file_path="/no.md"), "Done."],
        ("Ann", [call("write_file", file_path="/x.md", content="a"), "ok"]),
        ("Ben", [call("write_file", file_path="/x.md", content="b"), "ok"]),
        interrupt_on=[{"tool": "delete"}],
    )
    told = Told(history, flow)
    await told.until_end()
    end = await told.answer({"decision": "reject"})
    warned = [event.message for event in told.events if event.type == "node_warned"]
    assert len([text for text in warned if "/x.md without having seen" in text]) == 1
    assert output(end)["/x.md"] in ("a", "b")
