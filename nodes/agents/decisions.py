"""What people decide about calls of tools, before they are made: the policy of each tool, asked.

The four decisions are those of LangChain's human-in-the-loop middleware: approve, edit the
arguments, reject with a reason that the model reads, respond in the tool's place.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from patchbay.nodes.contract import Context
from patchbay.nodes.errors import Suspended
from patchbay.nodes.tools.ask_first import AskFirstTool

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

SIBLINGS_S = 0.05
"""How long a call that must wait for a person waits for others of its turn to begin, in seconds."""
REJECTED = "A person rejected this call."


class Decisions:
    """Asks people about the calls of one role.

    Args:
        ctx: the run.
        who: the role.
        policies: by the name of a tool, when people are asked.
    """

    def __init__(self, ctx: Context, who: str, policies: Mapping[str, AskFirstTool]) -> None:
        self._ctx, self._who, self._policies = ctx, who, policies
        self._counts: Counter[str] = Counter()
        self._at_work = 0
        self._idle = asyncio.Event()
        self._questions: dict[str, None] = {}

    async def decided(
        self,
        tool: BaseTool | None,
        arguments: Mapping[str, Any],
        call: Callable[[Mapping[str, Any]], Awaitable[str]],
    ) -> str:
        """What a call gives, after people have decided about it, where they are to.

        Args:
            tool: what is called.
            arguments: with what.
            call: makes the call.

        Raises:
            Suspended: nobody has decided yet; calls of the same turn have been made, or ask too.
        """
        if not self._policies:
            return await call(arguments)
        self._begin()
        try:
            given = await self._decided(tool, arguments, call)
        except Suspended as waits:
            self._questions.update(dict.fromkeys(waits.questions))
            self._end()
            await self._siblings()
            raise Suspended(tuple(self._questions)) from None
        except BaseException:
            self._end()
            raise
        self._end()
        return given

    def _begin(self) -> None:
        self._at_work += 1
        self._idle.clear()

    def _end(self) -> None:
        self._at_work -= 1
        if not self._at_work:
            self._idle.set()

    async def _siblings(self) -> None:
        """Let the other calls of the turn come to their end, or to their questions."""
        await asyncio.sleep(SIBLINGS_S)
        await self._idle.wait()

    async def _decided(
        self,
        tool: BaseTool | None,
        arguments: Mapping[str, Any],
        call: Callable[[Mapping[str, Any]], Awaitable[str]],
    ) -> str:
        policy = self._policies.get(tool.name) if tool is not None else None
        if tool is None or policy is None or not policy.asks(arguments):
            return await call(arguments)
        plain = json.loads(json.dumps(dict(arguments), default=_plain))
        with self._ctx.lane(self._lane(tool.name, plain)):
            answer = await self._ctx.ask(policy.put(self._who, tool.name, plain, _schema(tool)))
        decision = answer.value["decision"]
        if decision == "respond":
            return str(answer.value["message"])
        if decision == "reject":
            why = answer.value.get("message") or answer.comment
            return f"{REJECTED} The reason: {why}" if why else REJECTED
        if decision == "edit":
            return await call(answer.value["arguments"])
        return await call(arguments)

    def _lane(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """The same whenever the node begins anew, in whatever order the calls of a turn come."""
        text = json.dumps(arguments, sort_keys=True)
        mark = f"{self._who}/{tool}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
        self._counts[mark] += 1
        return mark if self._counts[mark] == 1 else f"{mark}-{self._counts[mark]}"


def _plain(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump is not None else str(value)


def _schema(tool: BaseTool) -> dict[str, Any]:
    from langchain_core.utils.function_calling import convert_to_openai_tool

    parameters: dict[str, Any] = convert_to_openai_tool(tool)["function"].get("parameters", {})
    return parameters
