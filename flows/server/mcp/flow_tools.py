"""The MCP server of a service: lists flows as tools and runs them, with progress and questions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from mcp import types
from mcp.server.lowlevel import Server as ToolServer
from mcp.server.session import ServerSession
from mcp.shared.exceptions import McpError

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.events import Event, NodeFinished, NodeProgress, RunStarted
from patchbay.flows.server.core.keys import OWNER, Caller
from patchbay.flows.server.core.refusals import RefusedError, of_system
from patchbay.flows.server.core.served_run import ServedRun
from patchbay.flows.server.core.service import FlowService
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.flows.server.core.version import version_of_ours
from patchbay.flows.server.mcp.elicitation import form_of, given_by
from patchbay.flows.server.mcp.tools import (
    by_tool,
    content_of,
    request_for,
    structured,
    tool_of,
)
from patchbay.flows.server.openai.answering import Answering, words_of
from patchbay.flows.traces.trace_parent import TraceParent
from patchbay.flows.wording import did_you_mean

_TELL_EVERY_S = 0.2
_TRIES = 3
"""How often a person is asked, where what they say is no answer."""


def tool_server(service: FlowService) -> ToolServer[Any, Any]:
    """The server. Whose a call is, is asked of the HTTP request that brought it; of stdin and
    stdout it is the owner's."""
    made: ToolServer[Any, Any] = ToolServer(
        "patchbay",
        version=version_of_ours(),
        instructions="Each tool is a flow: it runs to its end and gives its outputs.",
    )

    def caller() -> Caller:
        request = made.request_context.request
        found: Caller | None = OWNER if request is None else request.scope.get("caller")
        return found or OWNER

    def mine() -> dict[str, ServedFlow]:
        """Named among all flows, so that a tool is called the same for every caller."""
        tools, who = by_tool(service.shelf.all()), caller()
        return {name: flow for name, flow in sorted(tools.items()) if who.may(flow.name)}

    @made.list_tools()  # type: ignore[no-untyped-call, untyped-decorator]
    async def listed() -> list[types.Tool]:
        return [tool_of(flow, name) for name, flow in mine().items()]

    # Inputs are checked by the flow, which says what would fit; and by its version of now.
    @made.call_tool(validate_input=False)  # type: ignore[untyped-decorator]
    async def called(name: str, given: dict[str, Any]) -> types.CallToolResult:
        tools = mine()
        if (flow := tools.get(name)) is None:
            return failed(f'There is no tool "{name}". {did_you_mean(name, list(tools), "")}')
        context = made.request_context
        token = context.meta.progressToken if context.meta is not None else None
        call = _Call(service, flow, caller(), context.session, str(context.request_id),
                     _parent(context))  # fmt: skip
        try:
            return await call.result(given, token)
        except RefusedError as error:
            return failed(error.problem.in_words())
        except FlowError as error:
            return failed("\n".join(problem.in_words() for problem in error.problems))
        except OSError as error:
            if (found := of_system(error)) is None:
                raise
            return failed(found.problem.in_words())

    return made


def _parent(context: Any) -> TraceParent | None:
    """The caller's place in a trace: from the call's `_meta`, else from its HTTP request."""
    told = getattr(context.meta, "traceparent", None)
    if not told and context.request is not None:
        told = context.request.headers.get("traceparent")
    return TraceParent.read(told) if isinstance(told, str) else None


def failed(text: str) -> types.CallToolResult:
    """The result of a call that failed."""
    said = types.TextContent(type="text", text=text.strip())
    return types.CallToolResult(content=[said], isError=True)


class _Call:
    """One call of a tool."""

    def __init__(
        self,
        service: FlowService,
        flow: ServedFlow,
        caller: Caller,
        session: ServerSession,
        request: str,
        parent: TraceParent | None,
    ) -> None:
        self._service, self._flow, self._caller = service, flow, caller
        self._session, self._request, self._parent = session, request, parent
        self._answering = Answering(flow)
        self._nodes, self._done, self._said = 0, 0, ""

    async def result(self, given: dict[str, Any], token: str | int | None) -> types.CallToolResult:
        """Run to the end. A client that cancels the call stops the run."""
        run = self._service.owners.new_id(self._caller)
        asked = request_for(self._flow, given, run)
        asked.parent = self._parent
        live = await self._service.begin(
            self._flow, self._caller, asked, run=run, follow=self._flow.may_ask, hear=self._hear
        )
        telling = asyncio.create_task(self._tell(token)) if token is not None else None
        try:
            await self._settled(live)
            while live.status == "waiting":
                problem = await self._ask(live)
                if problem:
                    return failed(problem)
                await self._settled(live)
        finally:
            if telling is not None:
                telling.cancel()
        if live.status != "finished":
            problem = live.problem.message if live.problem else "The run was stopped."
            where = f"{live.problem.place}: " if live.problem and live.problem.place else ""
            return failed(f"{where}{problem} {live.problem.fix if live.problem else ''}")
        return types.CallToolResult(
            content=content_of(self._answering, live.outputs),
            structuredContent=structured(live.outputs),
            isError=False,
        )

    async def _settled(self, live: ServedRun) -> None:
        try:
            await live.settled()
        except asyncio.CancelledError:
            live.stop()
            raise

    # --- progress -----------------------------------------------------------------------------

    def _hear(self, event: Event) -> None:
        self._answering.hear(event)
        match event:
            case RunStarted():
                self._nodes = event.nodes
            case NodeFinished() if "/" not in event.node:
                self._done += 1
                self._said = f"{event.node} is done"
            case NodeProgress():
                of = f" of {event.total:g}" if event.total else ""
                self._said = f"{event.node}: {event.label} {event.done:g}{of}"

    async def _tell(self, token: str | int) -> None:
        """Say how far the run has come, when there is something new: it only ever rises."""
        told: tuple[int, str] = (0, "")
        at = 0.0
        while True:
            await asyncio.sleep(_TELL_EVERY_S)
            if (self._done, self._said) == told:
                continue
            at = max(at + 0.001, float(self._done))
            told = (self._done, self._said)
            with contextlib.suppress(Exception):  # the run does not depend on who listens
                await self._session.send_progress_notification(
                    token, at, float(self._nodes), self._said, related_request_id=self._request
                )

    # --- people -------------------------------------------------------------------------------

    async def _ask(self, live: ServedRun) -> str:
        """Have the client ask its person. What keeps it from being answered, in words; else ""."""
        questions = await self._service.questions(live.id)
        if not questions:
            return await self._answered_meanwhile(live)
        asks = questions[0]
        words = words_of(asks)
        can = types.ClientCapabilities(elicitation=types.ElicitationCapability())
        left = f"{words}\n\nThe run {live.id} waits for the answer: patchbay answer {live.id}"
        if not self._session.check_client_capability(can):
            return left
        form: Callable[..., Any] = self._session.elicit_form
        why = ""
        for _ in range(_TRIES):
            try:
                answer = await form(why + words, form_of(asks), related_request_id=self._request)
            except McpError:  # the client takes such questions, but not this one
                return left
            if answer.action != "accept":
                return left
            try:
                await self._give(live, asks, answer.content or {})
                return ""
            except ValueError as error:  # a field that is to be JSON is none
                why = f"{error}\n\n"
            except FlowError as error:
                problem = error.problems[0]
                if problem.code == "question/answered":
                    return await self._answered_meanwhile(live)
                if problem.code != "question/wrong-answer":
                    raise
                why = f"{problem.message}\n\n"
        return why + left

    async def _give(self, live: ServedRun, asks: dict[str, Any], content: dict[str, Any]) -> None:
        given = given_by(asks, content)
        given = {name: value for name, value in given.items() if value != "" or name == "value"}
        await self._service.answer(
            live.id, self._caller, {**given, "question": asks["question"]}, self._hear
        )

    async def _answered_meanwhile(self, live: ServedRun) -> str:
        """Somebody was faster: the run goes on here in a moment, or in another process, which is
        said."""
        for _ in range(20):
            if live.status != "waiting":
                return ""
            await asyncio.sleep(0.1)
        return (
            f"Somebody has answered meanwhile, and another program goes on with the run {live.id}."
            f" What it gives: patchbay runs {live.id}"
        )
