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
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from patchbay.nodes.contract import Context
from patchbay.nodes.errors import Suspended
from patchbay.nodes.tools.ask_first import CallPolicy, asks_about, question_before

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

SIBLINGS_S = 0.05
"""How long a call that must wait for a person waits for others of its turn to begin, in seconds."""
REJECTED = "A person rejected this call."
EDITED = "A person had this called with other arguments:"
APPROVED: Mapping[str, Any] = {"decision": "approve"}
T = TypeVar("T")


class Decisions:
    """Asks people about the calls of one role.

    Args:
        ctx: the run.
        who: the role.
        policies: by the name of a tool, when people are asked.
    """

    def __init__(self, ctx: Context, who: str, policies: Mapping[str, CallPolicy]) -> None:
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
        return await self.together(partial(self._decided, tool, arguments, call))

    async def together(self, work: Callable[[], Awaitable[T]]) -> T:
        """What a piece of a turn gives, such as a call. Those that ask wait for the others.

        Raises:
            Suspended: it waits for a person, and the others of its turn have ended, or wait too.
        """
        self._begin()
        try:
            given = await work()
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

    async def decision(
        self, policy: CallPolicy | None, tool: BaseTool, arguments: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """What a person decides about a call: an approval where nobody is to be asked.

        Raises:
            Suspended: nobody has decided yet.
        """
        if policy is None or not asks_about(policy, arguments):
            return APPROVED
        plain = json.loads(json.dumps(dict(arguments), default=plain_argument))
        asked = question_before(policy, self._who, tool.name, plain, schema_of(tool))
        with self._ctx.lane(self._lane(tool.name, plain)):
            answer = await self._ctx.ask(asked)
        decided: dict[str, Any] = answer.value
        if decided["decision"] == "reject" and not decided.get("message"):
            return {"decision": "reject", "message": answer.comment}
        return decided

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
        if tool is None or policy is None:
            return await call(arguments)
        decided = await self.decision(policy, tool, arguments)
        if (told := told_instead(decided)) is not None:
            return told
        if decided["decision"] == "edit":
            return edited(decided["arguments"], await call(decided["arguments"]))
        return await call(arguments)

    def _lane(self, tool: str, arguments: Mapping[str, Any]) -> str:
        """The same whenever the node begins anew, in whatever order the calls of a turn come."""
        text = json.dumps(arguments, sort_keys=True)
        mark = f"{self._who}/{tool}-{hashlib.sha256(text.encode()).hexdigest()[:6]}"
        self._counts[mark] += 1
        return mark if self._counts[mark] == 1 else f"{mark}-{self._counts[mark]}"


def told_instead(decided: Mapping[str, Any]) -> str | None:
    """What the model reads in place of the tool's result; None where the tool is called."""
    match decided["decision"]:
        case "respond":
            return str(decided["message"])
        case "reject":
            why = decided["message"]
            return f"{REJECTED} The reason: {why}" if why else REJECTED
    return None


def edited(arguments: Mapping[str, Any], result: str) -> str:
    """What the model reads of a call that a person changed: it would take its own for made."""
    return f"{EDITED} {json.dumps(arguments, ensure_ascii=False)}\n{result}"


def plain_argument(value: Any) -> Any:
    """An argument that is no JSON any more, since a tool's schema has made something of it."""
    dump = getattr(value, "model_dump", None)
    return dump(mode="json") if dump is not None else str(value)


def schema_of(tool: BaseTool) -> dict[str, Any]:
    """The JSON Schema of a tool's arguments."""
    from langchain_core.utils.function_calling import convert_to_openai_tool

    parameters: dict[str, Any] = convert_to_openai_tool(tool)["function"].get("parameters", {})
    return parameters
