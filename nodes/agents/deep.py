"""The node `agent.deep`: an agent that plans, works on files, and gives tasks to sub-agents."""

from __future__ import annotations

import difflib
import sys
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, JsonValue, model_validator

from patchbay.nodes.agents.interrupts import InterruptOn, OwnTool, by_tool, check_once
from patchbay.nodes.agents.meter import Limits, Meter, usage_table
from patchbay.nodes.agents.staff import hire
from patchbay.nodes.agents.toolbox import check_names
from patchbay.nodes.agents.worker import BudgetSpent
from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.models.asking import conversation
from patchbay.nodes.models.messages import to_langchain
from patchbay.nodes.models.pictures import check_sees
from patchbay.nodes.questions import ApprovalWanted, Question
from patchbay.nodes.values import AgentSpec, Message, ModelSpec, Table, ToolSpec

if TYPE_CHECKING:
    from patchbay.nodes.agents.deep_files import FileSpace

MOST_FILES = 200
LARGEST = 200_000
"""Bytes of a file that an agent gets to work on; a larger one is left out, and that is said."""


class DeepAgent(Node):
    """Let an agent plan, work on files of its own, and give tasks to sub-agents.

    Runs on `deepagents`. The files belong to the run: agent and sub-agents share them, they are an
    output, and where two write one file without having seen each other's work it is said. Files
    of a folder can be given to it, and what it changed goes back only if you say so.
    """

    kind, version = "agent.deep", 1
    title, family, icon = "Deep agent", "Agents", "layers"
    synonyms = ("deepagents", "langgraph", "planner", "sub-agents", "todo", "files", "autonomous")
    requires = ("deepagents",)
    deterministic = False

    class Params(NodeParams):
        system: str = Field("", max_length=1_000_000, widget="textarea")
        """What the agent is told about itself and its work."""
        planning: bool = Field(True)
        """Whether it has a tool to keep a list of what is to be done."""
        folder: str = Field("", max_length=500, widget="folder")
        """A folder beside the flow whose text files it gets. Empty: it begins without files."""
        save: Literal["no", "ask", "yes"] = Field("no")
        """Whether changed files go back to the folder: not, after a person agrees, or at once."""
        interrupt_on: Annotated[list[InterruptOn], AfterValidator(check_once)] = Field(
            [], max_length=9
        )
        """Its own tools about whose calls a person decides, and when; sub-agents' calls of them,
        too. Empty: nobody is asked."""
        first_tool: OwnTool | None = Field(None)
        """The one of its own tools that it must call before all else: a small model otherwise says
        that it did something and did not. Empty: it chooses."""
        iterations: int = Field(20, ge=1, le=200)
        """Turns with the model; in the last one it gets no tools and must answer."""
        max_tokens: int | None = Field(None, ge=1, le=100_000_000)
        """Tokens, read and written, for it and its sub-agents. Empty: no limit."""
        max_seconds: float | None = Field(None, gt=0, le=86_400)
        """Seconds of thinking and of tools, for all together. Empty: no limit."""
        max_tool_calls: int | None = Field(None, ge=0, le=100_000)
        """Calls of tools, for all together. Empty: no limit."""

        @model_validator(mode="after")
        def _has_the_first_tool(self) -> DeepAgent.Params:
            if self.first_tool == "write_todos" and not self.planning:
                raise ValueError("the first tool write_todos needs planning")
            return self

    class Inputs(Ports):
        model: ModelSpec = port(doc="The model that the agent thinks with.")
        prompt: str | list[Message] = port(doc="What is to be done.")
        tools: list[ToolSpec] = port((), doc="The tools that it may use.")
        agents: list[AgentSpec] = port((), doc="Role agents and crews that it gives tasks to.")
        flows: list[ToolSpec] = port(
            (), doc="Saved flows that it gives tasks to (*Flow as a tool*)."
        )

    class Outputs(Ports):
        text: str = port(doc="The answer.")
        files: JsonValue = port(doc="The files that were written, by path.")
        usage: Table = port(doc="Turns, calls of tools, tokens and seconds of each agent.")

    @classmethod
    def asks(cls, params: Params) -> bool:
        """Before it saves, or uses a tool of its own, where that is wanted."""
        return params.save == "ask" or any(row.when != "never" for row in params.interrupt_on)

    @classmethod
    def summary(cls, params: Params) -> str:
        """The folder, and what becomes of it."""
        saved = {"no": "not saved", "ask": "asks before it saves", "yes": "saved"}[params.save]
        return f"{params.folder} · {saved}" if params.folder else "files of its own"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Do the work, and save what is to be saved."""
        messages = conversation(inputs.prompt)
        check_names([*inputs.tools, *inputs.flows])
        root = _root(params, ctx)
        await _begun(ctx)
        from patchbay.nodes.agents.deep_files import FileSpace

        given, left_out = await ctx.blocking(_texts, root) if root else ({}, [])
        if left_out:
            await ctx.warn(f"The agent does not get {len(left_out)} files: {', '.join(left_out)}.")
        space = FileSpace.of(given)
        limits = Limits(
            tokens=params.max_tokens, seconds=params.max_seconds, tool_calls=params.max_tool_calls
        )
        whole = Meter("all agents", limits)
        async with AsyncExitStack() as stack:
            text, meters = await _worked(inputs, params, ctx, messages, space, whole, stack)
        for clash in space.clashes:
            await ctx.warn(clash)
        files = space.texts()
        if root is not None and params.save != "no":
            await _saved(root, given, files, params.save, ctx)
        written = {path: body for path, body in files.items() if given.get(path) != body}
        return self.Outputs(text=text, files={**written}, usage=usage_table(meters))


async def _worked(
    inputs: Any,
    params: DeepAgent.Params,
    ctx: Context,
    messages: list[Message],
    space: FileSpace,
    whole: Meter,
    stack: AsyncExitStack,
) -> tuple[str, list[Meter]]:
    from patchbay.nodes.agents.deep_loop import Workplace, work
    from patchbay.nodes.agents.deep_team import Team, refused

    check_sees(inputs.model, messages)
    worker = await hire(
        ctx, stack, who="agent", model=inputs.model, tools=inputs.tools, whole=whole,
        iterations=params.iterations,
    )  # fmt: skip
    place = Workplace(space, by_tool(params.interrupt_on), params.planning)
    team = Team(worker, place, ctx, stack)
    await team.employ(inputs.agents, inputs.flows)
    if params.first_tool == "task" and not team.members:
        raise refused("It is to begin with a task for a sub-agent, and has none.")
    worker.first_tool = params.first_tool or ""
    meters = [worker.meter, *team.meters]
    try:
        text, forced = await work(
            worker, to_langchain(messages), place, system=params.system, others=team.members,
            on_piece=partial(ctx.stream, "text"),
        )  # fmt: skip
    except BudgetSpent as spent:
        if not worker.last and not space.versions:
            raise spent.nothing("The agent", "answer") from spent
        await ctx.warn(f"The agent stopped early: {spent.what} are spent. What is done is kept.")
        return worker.last, meters
    if forced:
        await ctx.warn(
            f"The agent came to the limit of {params.iterations} turns and had to answer."
        )
    return text, meters


async def _begun(ctx: Context) -> None:
    """Have the library imported, which takes seconds the first time."""
    if "patchbay.nodes.agents.deep_team" not in sys.modules:
        await ctx.progress("Starting deepagents", 0)
        await ctx.blocking(_import)
        await ctx.progress("Starting deepagents", 1, 1)


def _import() -> None:
    import patchbay.nodes.agents.deep_team  # noqa: F401


# --- the folder -----------------------------------------------------------------------------------


def _root(params: DeepAgent.Params, ctx: Context) -> Path | None:
    if not params.folder.strip():
        return None
    base = (ctx.folder or Path()).resolve()
    root = (base / params.folder).resolve()
    if not root.is_relative_to(base):
        message = f"The folder {params.folder} does not lie beside the flow."
        raise _folder(message, "Name a folder inside that of the flow.")
    if not root.is_dir():
        raise _folder(f"There is no folder {root}.", "Make it, or name another one.")
    return root


def _folder(message: str, fix: str) -> NodeError:
    return NodeError(message, fix=fix, code="agent/folder", retry=False)


def _texts(root: Path) -> tuple[dict[str, str], list[str]]:
    """The text files of a folder by their path in the space, and those that are left out."""
    texts: dict[str, str] = {}
    left: list[str] = []
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root)
        if not path.is_file() or any(part.startswith(".") for part in inside.parts):
            continue
        if len(texts) >= MOST_FILES or path.is_symlink() or path.stat().st_size > LARGEST:
            left.append(inside.as_posix())
            continue
        try:
            texts[f"/{inside.as_posix()}"] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            left.append(inside.as_posix())
    return texts, left


def _wish(changed: int, gone: int) -> str:
    """What is asked for, in words."""

    def files(count: int) -> str:
        return "1 file" if count == 1 else f"{count} files"

    if not changed:
        return f"Delete {files(gone)}"
    return f"Save {files(changed)} and delete {files(gone)}" if gone else f"Save {files(changed)}"


async def _saved(
    root: Path, given: dict[str, str], files: dict[str, str], save: str, ctx: Context
) -> None:
    """Write back what was changed, if it may be."""
    changed = {path: text for path, text in files.items() if given.get(path) != text}
    gone = [path for path in given if path not in files]
    if not changed and not gone:
        return
    for path in changed:
        if not (root / path.lstrip("/")).resolve().is_relative_to(root):
            raise _folder(f"The agent's file {path} lies outside of the folder.", "Run it again.")
    if save == "ask":
        title = f"{_wish(len(changed), len(gone))} in {root.name}?"
        answer = await ctx.ask(Question(title, ApprovalWanted(), _difference(given, files)))
        if not answer.approved:
            why = f": {answer.comment}" if answer.comment else "."
            await ctx.warn(f"Nothing was saved, as {answer.author} decided{why}")
            return
    await ctx.once("save files", _write, str(root), changed, gone)


def _write(root: str, changed: dict[str, str], gone: list[str]) -> int:
    from patchbay.nodes.atomic import write_atomic

    for path, text in changed.items():
        target = Path(root) / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(target, text)
    for path in gone:
        (Path(root) / path.lstrip("/")).unlink(missing_ok=True)
    return len(changed) + len(gone)


def _difference(given: dict[str, str], files: dict[str, str]) -> str:
    lines: list[str] = []
    for path in sorted({*given, *files}):
        before, after = given.get(path, "").splitlines(), files.get(path, "").splitlines()
        lines += difflib.unified_diff(before, after, f"before{path}", f"after{path}", lineterm="")
    return "\n".join(lines)
