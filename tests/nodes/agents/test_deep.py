"""The deep agent: its files, its sub-agents, what it may spend, and what it saves."""

from __future__ import annotations

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.agents.deep import DeepAgent
from patchbay.nodes.agents.deep_files import WRITER, FileSpace
from patchbay.nodes.agents.specs import RoleAgent
from patchbay.nodes.contract import NodeError
from patchbay.nodes.questions import Question, Reply
from patchbay.nodes.testing import RecordingContext, run_node
from tests.needs import needs
from tests.nodes.agents.scripted import HELD, ScriptedModel, answer, call

pytestmark = needs("deepagents")


def both(*calls: str) -> str:
    """A line that calls several tools in one turn."""
    return json.dumps([json.loads(one) for one in calls])


def says(name: str, *lines: str, native: bool = True) -> ScriptedModel:
    return ScriptedModel(name=name, lines=lines, native=native)


def poet(name: str, *lines: str) -> RoleAgent:
    return RoleAgent(role=name, goal=f"{name} writes", backstory="", model=says(name, *lines))


def task(name: str, about: str = "Write.") -> str:
    return call("task", description=about, subagent_type=name)


def write(path: str, content: str) -> str:
    return call("write_file", file_path=path, content=content)


def deep(
    model: ScriptedModel, *agents: RoleAgent, ctx: Any = None, params: Any = None, **inputs: Any
) -> dict[str, Any]:
    given = {"model": model, "prompt": "Work.", "agents": list(agents), **inputs}
    return run_node(DeepAgent, params or {}, given, ctx or RecordingContext())


def test_two_sub_agents_in_one_turn_do_not_undo_each_other() -> None:
    """With the library's own files the later one hands back its copy, and the rest is lost."""
    ctx = RecordingContext()
    done = deep(
        says("boss", both(write("/plan.md", "p"), task("ann"), task("ben")), "Done."),
        poet("Ann", write("/ann.md", "a"), "ok"),
        poet("Ben", write("/ben.md", "b"), "ok"),
        ctx=ctx,
    )
    assert done["files"] == {"/ann.md": "a", "/ben.md": "b", "/plan.md": "p"}
    assert done["text"] == "Done."
    assert ctx.warnings == []


def test_a_clash_on_one_path_is_said() -> None:
    ctx = RecordingContext()
    deep(
        says("boss", both(task("ann"), task("ben")), "Done."),
        poet("Ann", write("/one.md", "a"), "ok"),
        poet("Ben", write("/one.md", "b"), "ok"),
        ctx=ctx,
    )
    (said,) = ctx.warnings
    assert "/one.md without having seen what" in said


def test_who_has_read_a_file_may_write_it() -> None:
    space = FileSpace()
    for who, looks in (("a", False), ("b", True), ("a", True)):
        token = WRITER.set(who)
        if looks:
            space.look("/x")
        space.write("/x", {"content": who})
        WRITER.reset(token)
    assert space.clashes == []
    token = WRITER.set("b")
    space.write("/x", None)
    WRITER.reset(token)
    assert len(space.clashes) == 1
    assert space.files == {}


def test_a_sub_agent_edits_what_another_wrote() -> None:
    edit = call("edit_file", file_path="/x.md", old_string="one", new_string="two")
    done = deep(
        says("boss", write("/x.md", "one fine day"), task("ann"), "Done."),
        poet("Ann", edit, "ok"),
    )
    assert done["files"] == {"/x.md": "two fine day"}


def test_a_model_without_tool_calls_works_too_and_steps_are_shown() -> None:
    ctx = RecordingContext()
    model = says("boss", write("/x.md", "y"), answer("Done."), native=False)
    assert deep(model, ctx=ctx)["files"] == {"/x.md": "y"}
    assert [(what, who) for what, _, who in ctx.steps] == [
        ("tool call", "agent"), ("tool result", "agent"), ("answer", "agent"),
    ]  # fmt: skip


@pytest.mark.parametrize("native", [True, False])
def test_it_begins_with_the_tool_that_it_is_told(native: bool) -> None:
    """Before that nothing else is offered; an answer that claims to have written is none."""
    model = says("boss", write("/x.md", "y"), "Done." if native else answer("Done."), native=native)
    done = deep(model, params={"first_tool": "write_file"})
    assert done["files"] == {"/x.md": "y"}
    if not native:
        first, later = HELD["boss"]
        assert [one["properties"]["tool"]["const"] for one in first["anyOf"]] == ["write_file"]
        assert {"answer"} in [set(one["properties"]) for one in later["anyOf"]]


def test_sub_agents_are_offered_by_their_names() -> None:
    model = says("boss", task("ann"), answer("Done."), native=False)
    deep(model, poet("Ann", "ok"), poet("Ben", "ok"), params={"first_tool": "task"})
    (first,) = HELD["boss"][0]["anyOf"]
    assert first["properties"]["input"]["properties"]["subagent_type"]["enum"] == ["ann", "ben"]


def test_who_has_no_sub_agent_cannot_begin_with_a_task() -> None:
    with pytest.raises(NodeError, match="has none"):
        deep(says("boss", "Done."), params={"first_tool": "task"})
    with pytest.raises(ValueError, match="needs planning"):
        DeepAgent.Params(first_tool="write_todos", planning=False)


def test_planning_is_on_or_off() -> None:
    plan = call("write_todos", todos=[{"content": "a", "status": "pending"}])
    ctx = RecordingContext()
    deep(says("boss", plan, "Done."), ctx=ctx, params={"planning": True})
    assert ctx.steps[1][0] == "tool result"
    ctx = RecordingContext()
    deep(says("boss", plan, "Done."), ctx=ctx, params={"planning": False})
    assert any("write_todos" in text for _, text, _ in ctx.steps)


def test_budgets_hold_for_all_together() -> None:
    ctx = RecordingContext()
    done = deep(
        says("boss", task("ann"), "Done."),
        poet("Ann", write("/a.md", "a"), write("/b.md", "b"), "ok"),
        ctx=ctx,
        params={"max_tokens": 40},
    )
    assert "/a.md" in done["files"]
    assert any("40 tokens of all agents are spent" in text for text in ctx.warnings)
    with pytest.raises(NodeError) as error:
        deep(says("boss", call("ls", path="/")), params={"max_tokens": 1})
    assert error.value.code == "agent/budget"


def test_two_sub_agents_of_one_name_are_refused() -> None:
    with pytest.raises(NodeError) as error:
        deep(says("boss", "x"), poet("Ann", "x"), poet("ann", "x"))
    assert error.value.code == "agent/sub-agent"


# --- a folder -----------------------------------------------------------------------------------


@dataclass
class Asked(RecordingContext):
    """A context in which a person answers."""

    approves: bool = True
    questions: list[Question] = field(default_factory=list)

    async def ask(self, question: Question) -> Reply:
        self.questions.append(question)
        return Reply(self.approves, "ada", 0.0)


def in_folder(tmp_path: Path, approves: bool, **params: Any) -> tuple[Asked, Path]:
    folder = tmp_path / "notes"
    folder.mkdir()
    (folder / "a.md").write_text("one\n")
    (folder / "picture.bin").write_bytes(b"\xff\xfe\x00")
    ctx = Asked(folder=tmp_path, approves=approves)
    edit = call("edit_file", file_path="/a.md", old_string="one", new_string="two")
    model = says("boss", edit, write("/deep/b.md", "new"), "Done.")
    deep(model, ctx=ctx, params={"folder": "notes", **params})
    return ctx, folder


def test_it_asks_before_it_saves_and_shows_the_difference(tmp_path: Path) -> None:
    ctx, folder = in_folder(tmp_path, True, save="ask")
    (question,) = ctx.questions
    assert "-one\n+two" in question.value
    assert "+new" in question.value
    assert (folder / "a.md").read_text() == "two\n"
    assert (folder / "deep" / "b.md").read_text() == "new"
    assert any("picture.bin" in text for text in ctx.warnings), "what it does not get is said"
    assert DeepAgent.asks(DeepAgent.Params(save="ask"))


def test_what_a_person_refuses_is_not_saved(tmp_path: Path) -> None:
    ctx, folder = in_folder(tmp_path, False, save="ask")
    assert (folder / "a.md").read_text() == "one\n"
    assert not (folder / "deep").exists()
    assert any("Nothing was saved, as ada decided" in text for text in ctx.warnings)


def test_by_itself_it_saves_nothing(tmp_path: Path) -> None:
    ctx, folder = in_folder(tmp_path, True)
    assert (folder / "a.md").read_text() == "one\n"
    assert ctx.questions == []


@pytest.mark.parametrize("folder", ["none", "../elsewhere", "/etc"])
def test_a_folder_that_is_not_beside_the_flow_is_refused(tmp_path: Path, folder: str) -> None:
    with pytest.raises(NodeError) as error:
        deep(says("boss", "x"), ctx=Asked(folder=tmp_path), params={"folder": folder})
    assert error.value.code == "agent/folder"


def test_a_path_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes").mkdir()
    model = says("boss", write("/../../out.md", "x"), "Done.")
    with contextlib.suppress(NodeError):  # or the library refuses the path, and tells the model
        deep(model, ctx=Asked(folder=tmp_path), params={"folder": "notes", "save": "yes"})
    assert not (tmp_path.parent / "out.md").exists()
    assert not (tmp_path / "out.md").exists()
