"""An item of a loop, or a flow that an agent calls: one record, made when it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.context import ItemTally, SubflowRunner, Tally
from patchbay.flows.runs.events import NO_TOKENS, ModelTokens, Tokens
from patchbay.flows.runs.step_values import item_fingerprint
from patchbay.nodes.context import LANE
from patchbay.nodes.errors import suspended

if TYPE_CHECKING:
    from patchbay.flows.runs.node_steps import NodeSteps


async def item_once(
    outer: Tally,
    steps: NodeSteps,
    run: SubflowRunner,
    inputs: Mapping[str, Any],
    about: tuple[str, str, str, str],
) -> dict[str, Any]:
    """What a sub-flow gives, run once in a recorded run.

    It is a step, but none that is waited for: what must not happen twice inside it are steps of
    its own, and the rest may run again.

    Args:
        outer: the node that runs it.
        steps: those of that node.
        run: runs it.
        inputs: what goes in.
        about: its path, its name, its digest, and its inputs as JSON.
    """
    path, flow, digest, given = about
    label, inside = f"run {flow}", ItemTally()
    journal = steps.journal
    lane = LANE.set((*LANE.get(), path.rpartition("/")[2]))
    try:
        place, mark = steps.next_place(), item_fingerprint(label, digest, given)
        found = steps.find(place, label, mark)
        if found is None:
            journal.enter(path)
            try:
                outputs = await run(inside, flow, inputs, path)
            except BaseException as error:
                if suspended(error):
                    journal.write(path)
                steps.broke(error)
                raise
            finally:
                journal.leave(path)
            kept = steps.keep_item(place, mark, label, [outputs, *_counted(inside)])
            outputs = kept[0]
        else:
            outputs, counts, *flags = steps.given(found)
            inside = ItemTally(_tokens(*counts) if any(counts) else NO_TOKENS, *flags)
        journal.ended(path)
    finally:
        LANE.reset(lane)
        _add(outer, inside)
    return dict(outputs)


def _counted(inside: ItemTally) -> tuple[list[Any], bool, bool]:
    tokens = inside.tokens
    if tokens is NO_TOKENS:
        return [0, 0, None, 0.0, []], inside.repeatable, inside.no_reuse
    models = [[one.model, one.prompt, one.cached, one.completion] for one in tokens.models]
    counts = [tokens.prompt, tokens.completion, tokens.first_token_s, tokens.generating_s, models]
    return counts, inside.repeatable, inside.no_reuse


def _tokens(
    prompt: int, completion: int, first: float | None, generating: float, models: Any = ()
) -> Tokens:
    """Tokens as they were kept; items of earlier versions say nothing of models."""
    each = tuple(ModelTokens(*one) for one in models)
    return Tokens(prompt, completion, first, generating, each)


def _add(outer: Tally, inside: ItemTally) -> None:
    outer.tokens += inside.tokens
    outer.repeatable = outer.repeatable and inside.repeatable
    outer.no_reuse = outer.no_reuse or inside.no_reuse
