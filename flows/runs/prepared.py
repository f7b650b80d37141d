"""A flow that is checked and planned once, for as many runs as there are of it.

A batch runs it over its rows. A server that answers at once, without a stream or a record, may hold
one for each version of a file and `await prepared.run(inputs)` for every call: what it raises is
what `Run` would have said, and `hear` gets the same events where somebody wants them. Runs that are
recorded, wait for people, or are turns of a conversation need a `Run` (which takes the same
`Prepared`). *For each* and *Loop* go the same way, inside the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any

from patchbay.flows.document.model import Flow
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.engine import Execution
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import NO_TOKENS, Event, Tokens
from patchbay.flows.runs.failures import RunError, SchedulerError, StepError, explain
from patchbay.flows.runs.inputs import accept
from patchbay.flows.runs.running import LoadedFlow, settled
from patchbay.flows.runs.subflows import Prepared, prepare
from patchbay.nodes.context import PIECEWISE


@dataclass(frozen=True, slots=True)
class PreparedResult:
    """What one run gave: its outputs by name, the tokens of all models, and the paths of nodes that
    failed and were told to continue."""

    outputs: dict[str, Any]
    tokens: Tokens
    failed: tuple[str, ...] = ()
    repeatable: bool = True
    """Whether it gives the same next time."""
    no_reuse: bool = False
    """Whether it must not be used again."""
    seconds: float = 0.0
    """How long it took where it ran, where that was elsewhere."""


class PreparedFlow:
    """A flow, ready to be run. Runs may overlap; they share nothing but the environment.

    Args:
        flow: what to run.
        env: everything from outside; the defaults unless given. Its sinks are not told.
        only: ids of nodes; just these and what they need are run.
        prepared: the flow as `prepare` made it, where that is known.
        from_person: whether a text may name a file to read: it may not when it comes from afar.

    Raises:
        FlowError: the flow has errors, or asks a person and nobody can be asked.
    """

    def __init__(
        self,
        flow: LoadedFlow | Flow,
        env: Environment | None = None,
        *,
        only: Collection[str] = (),
        prepared: Prepared | None = None,
        from_person: bool = True,
    ) -> None:
        loaded = flow if isinstance(flow, LoadedFlow) else LoadedFlow(flow)
        env = env or default_environment()
        if loaded.flow.variables and prepared is None:
            loaded = replace(loaded, flow=settled(loaded.flow, env.variables, strict=False))
        self.flow = loaded.flow
        self.env = replace(
            env,
            folder=env.folder or loaded.folder,
            sinks=(),
            place=env.place or str(loaded.path or loaded.flow.name),
        )
        self.path = loaded.path
        """Its file, where it has one."""
        self.prepared = prepared or prepare(
            loaded.flow, env.catalog, self.env.folder, tuple(only), env.variables
        )
        if env.asker is None:
            self.prepared.refuse_to_ask()
        self._from_person = from_person
        self.env.secrets.know(self.prepared.secrets)

    def accept(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The values for the wires.

        Raises:
            FlowError: every input that is unknown, missing or does not fit.
        """
        ready = self.prepared
        return accept(ready.resolved, inputs, ready.plan.steps, from_person=self._from_person)

    async def run(
        self,
        inputs: Mapping[str, Any],
        hear: Callable[[Event], None] | None = None,
        spent: Callable[[Tokens], None] | None = None,
    ) -> PreparedResult:
        """Run it once. Cancelling the task stops it.

        Args:
            inputs: values of the flow inputs, by name.
            hear: is told of the events of the nodes, without any secret in them.
            spent: is told the tokens that were used, if any, however it ends.

        Raises:
            FlowError: the inputs do not fit.
            RunError: a node failed; `problem` says which and why.
        """
        return await self.run_accepted(self.accept(inputs), hear, spent)

    async def run_accepted(
        self,
        given: Mapping[str, Any],
        hear: Callable[[Event], None] | None = None,
        spent: Callable[[Tokens], None] | None = None,
        *,
        quiet: bool = False,
    ) -> PreparedResult:
        """Likewise, with what `accept` gave. With `quiet` only what is out of the ordinary is told,
        such as warnings; not that nodes begin and end."""
        before = PIECEWISE.set(hear is not None)
        try:
            return await self._run(given, hear, spent, quiet)
        finally:
            PIECEWISE.reset(before)

    async def _run(
        self,
        given: Mapping[str, Any],
        hear: Callable[[Event], None] | None,
        spent: Callable[[Tokens], None] | None,
        quiet: bool,
    ) -> PreparedResult:
        ready, env = self.prepared, self.env
        emit = None
        if hear is not None:
            listener, redact = hear, env.secrets.redact_event

            def emit(event: Event) -> None:
                listener(redact(event))

        execution = Execution(ready.plan, env, given, emit, ready.subflows, quiet=quiet)
        try:
            outputs = await execution.run()
        except StepError as error:
            raise RunError(error.problem) from error
        except SchedulerError as error:
            raise RunError(explain(error, "", env.secrets)) from error
        finally:
            if spent is not None and execution.tokens is not NO_TOKENS:
                spent(execution.tokens)
        return PreparedResult(
            outputs,
            execution.tokens,
            tuple(execution.failed),
            execution.repeatable,
            execution.no_reuse,
        )

    def settle(self) -> None:
        """Have what the cache holds on the disk: after some runs, and at the end."""
        if self.env.cache is not None:
            self.env.cache.flush()
