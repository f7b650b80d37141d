"""The node `haystack.pipeline`: a pipeline of Haystack, with its open sockets as ports."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import AfterValidator

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import UNSET, Context, Field, Node, NodeError, NodeParams, Ports
from patchbay.nodes.errors import node_error_in
from patchbay.nodes.haystack.example import PIPELINE
from patchbay.nodes.haystack.open_sockets import (
    ANSWER,
    OpenSockets,
    inputs_of,
    open_sockets,
    outputs_of,
)
from patchbay.nodes.haystack.plan import Drawn, read_plan
from patchbay.nodes.models.asking import ask, one_line, say_if_empty
from patchbay.nodes.values import Message, ModelSpec

if TYPE_CHECKING:
    from haystack import Pipeline


def check_pipeline(text: str) -> str:
    """A pipeline that can be built, for use as a validator. Raises `ValueError` with all faults."""
    read_plan(text)
    return text


class HaystackPipeline(Node):
    """Run a pipeline of Haystack; its open sockets are the ports.

    Paste the file that `Pipeline.dumps()` writes. Only known components are built; types in the
    file are names that are looked up in a table, and nothing of it is imported or executed.
    Generators and embedders of any provider become the models that are wired in. Sockets of one
    name become one port, `inputs` and `outputs` of the file (as in Hayhooks) name ports. What
    document stores hold is wired into "documents". Types are checked more strictly than Haystack
    does: a list that goes where one thing is taken is refused here, and fails there while it runs.
    """

    kind, version = "haystack.pipeline", 1
    title, family, icon = "Haystack pipeline", "Systems", "steps"
    synonyms = ("haystack", "deepset", "hayhooks", "yaml pipeline", "rag pipeline")
    requires = ("haystack",)

    class Params(NodeParams):
        pipeline: Annotated[str, AfterValidator(check_pipeline)] = Field(
            PIPELINE, widget="code", max_length=1_000_000
        )
        """The pipeline in YAML, as Haystack writes it."""

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        return inputs_of(read_plan(params.pipeline))

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        return outputs_of(read_plan(params.pipeline))

    @classmethod
    def summary(cls, params: Params) -> str:
        """Its components."""
        return ", ".join(read_plan(params.pipeline).parts)

    @classmethod
    def repeatable(cls, params: Params, inputs: Ports) -> bool:
        """Whether the same would come out again: where no chat model is asked."""
        return not open_sockets(read_plan(params.pipeline)).models

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> Sequence[str]:
        """What is known to surprise, though it runs."""
        return read_plan(params.pipeline).remarks

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        plan = read_plan(params.pipeline)
        found = open_sockets(plan)
        given = inputs.as_dict()
        spec = given.get("embeddings") if found.embeds else None
        async with contextlib.AsyncExitStack() as stack:
            embeddings = None
            if spec is not None:
                embeddings = await stack.enter_async_context(ctx.use(spec))
            pipeline, stores = await ctx.blocking(_built, plan, found, given, embeddings, ctx,
                                                  asyncio.get_running_loop())  # fmt: skip
            if found.filled:
                await ctx.blocking(_fill, stores, given[found.filled], embeddings)
            results = await _run(pipeline, await ctx.blocking(_data, plan, found, given), ctx)
        return await ctx.blocking(_outputs, self.output_ports(params), found, results)


def _built(
    plan: Drawn,
    found: OpenSockets,
    given: Mapping[str, Any],
    embeddings: Any,
    ctx: Context,
    loop: asyncio.AbstractEventLoop,
) -> Any:
    from patchbay.nodes.haystack.setup import prepare

    prepare()
    from patchbay.nodes.haystack.build import build
    from patchbay.nodes.haystack.generator import PatchbayChatGenerator

    models = {part: given[port] for port, parts in found.models.items() for part in parts}
    streams = found.gives[found.answer][0] if found.answer else ""

    def generator(name: str, said: Mapping[str, Any]) -> PatchbayChatGenerator:
        port = ANSWER if name == streams else None
        return PatchbayChatGenerator(_asks(ctx, models[name], name, port), loop, said)

    return build(plan, generator, embeddings)


def _asks(ctx: Context, model: ModelSpec, name: str, port: str | None) -> Any:
    async def asked(messages: list[Message], call: CallOptions) -> str:
        with ctx.lane(name):
            answer = await ask(ctx, model, messages, call, port=port)
        await say_if_empty(ctx, answer)
        return answer.text

    return asked


def _fill(stores: Any, documents: Sequence[Any], embeddings: Any) -> None:
    from patchbay.nodes.haystack.convert import to_haystack

    stores.fill([to_haystack(document, ("Document",)) for document in documents], embeddings)


def _data(plan: Drawn, found: OpenSockets, given: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the pipeline is given, by component and socket."""
    from patchbay.nodes.haystack.convert import to_haystack

    data: dict[str, dict[str, Any]] = {}
    for name, ends in {**found.needs, **found.may}.items():
        for part, socket in ends:
            if given.get(name) is not None:
                kind = plan.parts[part].taken(socket) or ("any",)
                data.setdefault(part, {})[socket] = to_haystack(given[name], kind)
    return data


async def _run(pipeline: Pipeline, data: dict[str, Any], ctx: Context) -> dict[str, dict[str, Any]]:
    """Run the pipeline on this loop; each component that ends is a step."""
    results: dict[str, dict[str, Any]] = {}
    steps = pipeline.run_async_generator(data, include_outputs_from=set(pipeline.graph.nodes))
    try:
        async with contextlib.aclosing(steps) as done:
            async for piece in done:
                for name, outputs in piece.items():
                    if name in pipeline.graph.nodes and results.get(name) != outputs:
                        ctx.step("note", _shown(outputs), who=name)
                results |= piece
    except NodeError:
        raise
    except Exception as error:  # components may raise anything
        raise _failed(error) from error
    return results


def _failed(error: Exception) -> NodeError:
    from patchbay.nodes.haystack.build import refused

    where = str(getattr(error, "component_name", "") or "the pipeline")
    return node_error_in(error) or refused(where, error)


def _shown(outputs: Mapping[str, Any]) -> str:
    from patchbay.nodes.haystack.convert import plain

    body = {key: plain(value) for key, value in outputs.items()}
    return one_line(json.dumps(body, ensure_ascii=False, default=str), 400)


def _outputs(ports: type[Ports], found: OpenSockets, results: Mapping[str, Any]) -> Ports:
    """What came out, by port; a socket that gave nothing is a branch that was not taken."""
    from patchbay.nodes.haystack.convert import from_haystack

    values: dict[str, Any] = {}
    for name, (part, socket) in found.gives.items():
        if socket not in (results.get(part) or {}):
            continue
        value = from_haystack(results[part][socket], f"{socket} of {part}")
        declared = ports.declared[name].type
        if not declared.accepts(value):
            raise NodeError(
                f"{socket} of {part} gave another value than it says: it was to be {declared}.",
                fix="Correct the output_type in the pipeline.",
                code="haystack/value",
                retry=False,
            )
        values[name] = value
    if found.answer in values:
        values[ANSWER] = values[found.answer][-1].content
    return ports(**{name: values.get(name, UNSET) for name in ports.declared})
