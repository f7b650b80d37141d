"""An item of a loop, or a flow that an agent calls: one record, made when it has ended."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from patchbay.flows.runs.events import Tokens
from patchbay.nodes.context import in_lane

if TYPE_CHECKING:
    from patchbay.flows.runs.context import Tally
    from patchbay.flows.runs.node_steps import NodeSteps


@dataclass(slots=True)
class _Inside:
    """What one run of a sub-flow adds up to."""

    tokens: Tokens = field(default_factory=Tokens)
    repeatable: bool = True
    no_reuse: bool = False


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
    inside = _Inside()

    async def item(*_: Any) -> dict[str, Any]:
        steps.journal.enter(path)
        try:
            outputs = await run(inside)
        finally:
            steps.journal.leave(path)
        tokens = inside.tokens
        return {
            "outputs": outputs,
            "tokens": [tokens.prompt, tokens.completion, tokens.first_token_s, tokens.generating_s],
            "repeatable": inside.repeatable,
            "no_reuse": inside.no_reuse,
        }

    try:
        with in_lane(path.rpartition("/")[2]):
            given = await steps.once(f"run {flow}", item, (digest, inputs), waits=False)
        steps.journal.ended(path)
    except BaseException:
        _add(outer, inside)
        raise
    _add(outer, _Inside(Tokens(*given["tokens"]), given["repeatable"], given["no_reuse"]))
    return dict(given["outputs"])


def _add(outer: Tally, inside: _Inside) -> None:
    outer.tokens += inside.tokens
    outer.repeatable = outer.repeatable and inside.repeatable
    outer.no_reuse = outer.no_reuse or inside.no_reuse
