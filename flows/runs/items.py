"""An item of a loop, or a flow that an agent calls: one record, made when it has ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.context import ItemTally, Tally
from patchbay.flows.runs.events import NO_TOKENS, ModelTokens, Tokens
from patchbay.flows.runs.step_values import written_wires
from patchbay.nodes.context import LANE
from patchbay.nodes.errors import suspended

if TYPE_CHECKING:
    from patchbay.flows.runs.node_steps import NodeSteps


async def item_once(
    outer: Tally,
    steps: NodeSteps,
    run: Callable[[Tally], Awaitable[dict[str, Any]]],
    about: tuple[str, str, str, str],
) -> dict[str, Any]:
    """What a sub-flow gives, run once in a recorded run.

    It is a step, but none that is waited for: what must not happen twice inside it are steps of
    its own, and the rest may run again.

    Args:
        outer: the node that runs it.
        steps: those of that node.
        run: runs it.
        about: its path, its name, its digest, and its inputs as JSON.
    """
    path, flow, digest, inputs = about
    inside = ItemTally()

    async def item(*_: Any) -> list[Any]:
        steps.journal.enter(path)
        try:
            outputs = await run(inside)
        except BaseException as error:
            if suspended(error):
                steps.journal.write(path)
            raise
        finally:
            steps.journal.leave(path)
        tokens = inside.tokens
        models = [[one.model, one.prompt, one.cached, one.completion] for one in tokens.models]
        counts = [
            tokens.prompt, tokens.completion, tokens.first_token_s, tokens.generating_s, models
        ]  # fmt: skip
        return [outputs, counts, inside.repeatable, inside.no_reuse]

    lane = LANE.set((*LANE.get(), path.rpartition("/")[2]))
    try:
        given = await steps.once(
            f"run {flow}", item, (digest, inputs), waits=False, store=written_wires
        )
        steps.journal.ended(path)
    except BaseException:
        _add(outer, inside)
        raise
    finally:
        LANE.reset(lane)
    outputs, counts, *flags = given
    _add(outer, ItemTally(_tokens(*counts) if any(counts) else NO_TOKENS, *flags))
    return dict(outputs)


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
