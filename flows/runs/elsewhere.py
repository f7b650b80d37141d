"""Runs of other flows that may be made elsewhere: what a cluster offers to the engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from patchbay.flows.runs.context import Tally
    from patchbay.flows.runs.events import Event, Tokens
    from patchbay.flows.runs.prepared import PreparedResult
    from patchbay.flows.runs.running import LoadedFlow
    from patchbay.flows.runs.subflows import Prepared, Subflow


class Elsewhere(Protocol):
    """Other processes, on this machine or others, that run flows.

    `slots` runs may be at work there at once; more wait.
    """

    slots: int

    async def run(
        self,
        flow: LoadedFlow,
        digest: str,
        inputs: Mapping[str, Any],
        *,
        from_person: bool = False,
        person: str = "",
        alone: bool = False,
        hear: Callable[[Event], None] | None = None,
        spent: Callable[[Tokens], None] | None = None,
    ) -> PreparedResult:
        """Run a flow there. Cancelling stops it. A process that dies gives it to another one.

        Args:
            flow: the flow; what it names lies where all processes see it.
            digest: what tells it apart from others, the flows that it runs included.
            inputs: values of its inputs.
            from_person: whether a text among them may name a file.
            person: whom it is for; see `Environment.person`.
            alone: whether somebody waits for just this one: it does not go together with others.
            hear: is told of what the nodes did when the run has ended, without streamed pieces.
            spent: is told the tokens that were used, if any, however it ends.

        Raises:
            FlowError: the inputs do not fit.
            RunError: a node failed; or processes died on it again and again.
        """

    async def get_ready(self, prepared: Prepared, digest: str) -> None:
        """Open there what a flow needs and what is not open yet. What is known costs nothing.

        Args:
            prepared: the flow, checked and planned.
            digest: as for `run`.

        Raises:
            FlowError: there is no room for one of its models, or it cannot be opened.
        """


async def run_item(
    far: Elsewhere,
    ctx: Tally,
    flow: str,
    sub: Subflow,
    digest: str,
    inputs: Mapping[str, Any],
    person: str,
) -> dict[str, Any]:
    """An item of a loop, run elsewhere; what it took counts for the node that runs it.

    Raises:
        NodeError: its inputs do not fit, or a node of it failed.
    """
    from patchbay.flows.problems import FlowError
    from patchbay.flows.runs.failures import RunError
    from patchbay.flows.runs.running import LoadedFlow
    from patchbay.flows.runs.subflows import as_node_error, item_failed

    def spent(tokens: Tokens) -> None:
        ctx.tokens += tokens

    loaded = LoadedFlow(sub.resolved.flow, sub.folder, sub.path)
    try:
        result = await far.run(loaded, digest, inputs, person=person, spent=spent)
    except RunError as error:
        raise item_failed(flow, error.problem) from error
    except FlowError as error:
        raise as_node_error(error) from error
    ctx.repeatable = ctx.repeatable and result.repeatable
    ctx.no_reuse = ctx.no_reuse or result.no_reuse
    return result.outputs
