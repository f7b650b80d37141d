"""Calls of the tools that deepagents brings: counted, shown, decided about and kept as ours."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import ToolMessage

from patchbay.nodes.agents.decisions import Decisions, edited, told_instead
from patchbay.nodes.agents.deep_files import FILE_TOOLS, WRITER, FileSpace
from patchbay.nodes.agents.interrupts import InterruptOn
from patchbay.nodes.agents.worker import Worker
from patchbay.nodes.tools.tool import shortened

MakesCall = Callable[[Any], Awaitable[Any]]


class OwnCalls(AgentMiddleware[Any, Any, Any]):
    """The library's own tools, called by one of the agents.

    In a recorded run each call that touches files is a step: its result, and what it did to the
    files, stand in the journal, so that a run that goes on has the files it had.

    Args:
        worker: the agent.
        name: what it is called by the others.
        space: the files.
        policies: by the name of a tool, when people decide.
    """

    def __init__(
        self, worker: Worker, name: str, space: FileSpace, policies: Mapping[str, InterruptOn]
    ) -> None:
        super().__init__()
        self._worker, self._name, self._space, self._policies = worker, name, space, policies
        # A call that asks waits for the others of its turn: each may ask, or hold one that does.
        worker.decisions = worker.decisions or Decisions(worker.ctx, worker.who, {})
        self._decisions = worker.decisions

    async def awrap_tool_call(self, request: Any, handler: MakesCall) -> Any:
        """One call of a tool."""
        before = WRITER.set(self._name)
        try:
            if request.tool_call["name"] in self._worker.tools:
                return await handler(request)  # the worker counts, asks, shows and keeps it itself
            return await self._decisions.together(partial(self._own, request, handler))
        finally:
            WRITER.reset(before)

    async def _own(self, request: Any, handler: MakesCall) -> Any:
        for meter in (self._worker.meter, self._worker.whole):
            meter.tool_calls += 1
        call = request.tool_call
        decided = await self._decided(request)
        if (told := told_instead(decided)) is not None:
            result: Any = ToolMessage(told, tool_call_id=call["id"], name=call["name"])
            return self._shown(call["name"], result, 0.0)
        if decided["decision"] == "edit":
            request = request.override(tool_call={**call, "args": decided["arguments"]})
        started = time.monotonic()
        result = await self._made(request, handler)
        self._shown(call["name"], result, time.monotonic() - started)
        if decided["decision"] == "edit" and isinstance(result, ToolMessage):
            words = edited(decided["arguments"], str(result.text))
            return result.model_copy(update={"content": words})
        return result

    async def _decided(self, request: Any) -> Mapping[str, Any]:
        if request.tool is None:
            return {"decision": "approve"}
        call = request.tool_call
        policy = self._policies.get(call["name"])
        return await self._decisions.decision(policy, request.tool, call["args"])

    async def _made(self, request: Any, handler: MakesCall) -> Any:
        """What a call gives: of one that touches files, what the journal has of it."""
        call = request.tool_call
        if call["name"] not in FILE_TOOLS or not self._worker.ctx.recorded:
            return await handler(request)

        async def make(_asked: str) -> dict[str, Any]:
            with self._space.noted() as notes:
                result = await handler(request)
            told = {"content": result.content, "status": result.status}
            return {**told, "files": notes.as_json()}

        asked = json.dumps(call["args"], sort_keys=True)
        with self._worker.lane_of(call["name"], asked):
            kept = await self._worker.ctx.once(f"call {call['name']}", make, asked)
        self._space.take(kept["files"])
        return ToolMessage(
            kept["content"], tool_call_id=call["id"], name=call["name"], status=kept["status"]
        )

    def _shown(self, tool: str, result: Any, took: float) -> Any:
        text = shortened(_text_of(result))
        self._worker.ctx.step("tool result", text, who=self._worker.who, tool=tool, seconds=took)
        return result


def _text_of(result: Any) -> str:
    if hasattr(result, "text"):
        return str(result.text)
    update = getattr(result, "update", None) or {}
    messages = update.get("messages") or []
    return str(messages[-1].text) if messages else json.dumps(str(result))
