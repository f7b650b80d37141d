"""The node `logic.for_each`: another flow, once per item."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Literal

from pydantic import JsonValue, model_validator

from patchbay.nodes.contract import (
    Context,
    Field,
    Node,
    NodeError,
    NodeParams,
    Ports,
    SubflowUse,
    port,
)
from patchbay.nodes.errors import Suspended
from patchbay.nodes.logic.plain import as_json
from patchbay.nodes.names import FlowName, Name
from patchbay.nodes.values import Document, Promptable, type_in_words


class ForEach(Node):
    """Run another saved flow once for every item of a list, several at a time.

    The results come back in the order of the items. Items are the entries of a JSON list or
    documents. Each call of the other flow gets the item as one of its inputs; what all calls share
    comes in through extra inputs.
    """

    kind, version = "logic.for_each", 1
    title, family, icon = "For each", "Logic", "loop"
    front = ("flow", "concurrency")
    synonyms = ("loop", "map", "iterate", "iteration", "batch", "list", "parallel")

    class Params(NodeParams):
        flow: FlowName = Field("", widget="flow")
        """The flow to run: the name of a flow file beside this one."""
        input: Name = Field("item")
        """The input of that flow that gets the item."""
        output: Name = Field("result")
        """The output of that flow that is collected."""
        extra: list[Name] = Field([])
        """Further inputs of that flow; each becomes an input here and goes to every call."""
        concurrency: int = Field(4, ge=1, le=100)
        """How many calls may run at once; on a cluster, as many as its workers take."""
        on_item_error: Literal["fail", "keep going"] = Field("fail")
        """`fail` ends at the first failed item; `keep going` gives null for it and warns."""

        @model_validator(mode="after")
        def _names_differ(self) -> ForEach.Params:
            names = ["items", self.input, *self.extra]
            if len(set(names[1:])) < len(names) - 1 or "items" in self.extra:
                raise ValueError("the input and the extra inputs need different names, not `items`")
            return self

    class Inputs(Ports):
        items: JsonValue | list[Document] = port(doc="A JSON list, or documents.")

    class Outputs(Ports):
        results: JsonValue = port(doc="What each call gave, in the order of the items.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        ports: dict[str, Any] = {
            "items": (JsonValue | list[Document], port(doc="A JSON list, or documents."))
        }
        for name in params.extra:
            ports[name] = (Promptable, port(doc=f'Goes to the input "{name}" of every call.'))
        return Ports.of(ports)

    @classmethod
    def subflows(cls, params: Params) -> tuple[SubflowUse, ...]:
        return (SubflowUse(params.flow, (params.input, *params.extra), (params.output,)),)

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"{params.flow or 'no flow chosen'}, {params.concurrency} at once"

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        values = inputs.as_dict()
        items = _listed(values.pop("items"))

        async def call(index: int) -> JsonValue:
            given = {params.input: _item(items[index]), **values}
            outputs = await ctx.run_flow(params.flow, given, label=str(index))
            return _collected(outputs, params)

        return self.Outputs(results=await _collect(call, len(items), params, ctx))


async def _collect(
    call: Callable[[int], Awaitable[JsonValue]], total: int, params: ForEach.Params, ctx: Context
) -> list[JsonValue]:
    """Call for every index, at most `concurrency` at once; results in order.

    An item that asks a person does not keep the others waiting: they are called, and may ask too.
    """
    results: list[JsonValue] = [None] * total
    waiting = iter(range(total))
    questions: list[str] = []
    finished: list[int] = []

    def so_far() -> Ports:
        return ForEach.Outputs(results=results[: max(finished, default=-1) + 1])

    async def work() -> None:
        for index in waiting:
            try:
                results[index] = await call(index)
            except Suspended as asked:
                questions.extend(asked.questions)
                continue
            except Exception as error:
                failure = _item_failed(index, total, error)
                if params.on_item_error == "fail":
                    raise failure from error
                await ctx.warn(f"{failure.message} Its result is null.")
            finished.append(index)
            ctx.so_far(so_far)
            await ctx.progress("items", len(finished), total)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(ctx.side_by_side(params.concurrency), total)):
                group.create_task(work())
    except* NodeError as failures:
        raise failures.exceptions[0] from None
    if questions:
        raise Suspended(tuple(questions))
    return results


def _listed(items: Any) -> list[Any]:
    if isinstance(items, list):
        return items
    raise NodeError(
        f'"items" takes a list, but got {type_in_words(items)}.',
        fix="Put a node in between that makes a list, such as Split text.",
        port="items",
        code="for-each/not-a-list",
        retry=False,
    )


def _item(item: Any) -> Any:
    """One item as a value that may travel on a wire."""
    return [item] if isinstance(item, Document) else item


def _collected(outputs: dict[str, Any], params: ForEach.Params) -> JsonValue:
    if params.output in outputs:
        return as_json(outputs[params.output], f'The output "{params.output}"')
    given = ", ".join(f'"{name}"' for name in outputs) or "none"
    raise NodeError(
        f'The flow "{params.flow}" gave no output "{params.output}" (given: {given}).',
        fix="Choose another output, or make sure that every branch of that flow reaches it.",
        code="flow/no-output",
        retry=False,
    )


def _item_failed(index: int, total: int, error: Exception) -> NodeError:
    if isinstance(error, NodeError):
        message, fix, code, retry = error.message, error.fix, error.code, error.retry
    else:
        message, fix, code, retry = str(error) or type(error).__name__, "", "node/failed", True
    place = f"Item {index + 1} of {total} failed: "
    return NodeError(place + message, fix=fix, code=code, retry=retry)
