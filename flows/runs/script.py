"""What exported scripts import where plain library calls do not say the same: one node at a time.

from patchbay.flows.runs.script import node

model = node("model.gguf", {"weights": "smollm2-135m-instruct"})
answer = node("model.ask", {"max_tokens": 60}, {"model": model.model, "prompt": "Hello"})
print(answer.text)
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.checks.resolve import resolve, resolve_node
from patchbay.flows.document.model import Flow, NodeInstance
from patchbay.flows.runs.context import StepContext, Tally
from patchbay.flows.runs.defaults import default_environment, default_pool
from patchbay.flows.runs.engine import Execution
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.inputs import accept
from patchbay.flows.runs.subflows import Subflows
from patchbay.nodes.contract import InputField
from patchbay.nodes.data import encode

if TYPE_CHECKING:
    from patchbay.flows.runs.asking import Asker

_asker: Asker | None = None


def asking(asker: Asker) -> None:
    """Say who answers when a node asks a person: of exported scripts the terminal."""
    global _asker
    _asker = asker


class NodeOutputs:
    """What a node gave. An output that it left unset is None."""

    def __init__(self, values: Mapping[str, Any] | None = None) -> None:
        self._values = dict(values or {})

    def __getattr__(self, name: str) -> Any:
        return None if name.startswith("__") else self._values.get(name)

    def __getitem__(self, name: str) -> Any:
        return self._values.get(name)


SKIPPED = NodeOutputs()
"""The outputs of a node that did not run, since its way was not taken."""


def node(
    kind: str,
    params: Mapping[str, Any] | None = None,
    inputs: Mapping[str, Any] | None = None,
    folder: str | Path | None = None,
) -> NodeOutputs:
    """Run one node.

    Args:
        kind: its kind, as in a flow file.
        params: its params; those left out have their defaults.
        inputs: what goes into its ports. None is left out; of a list, its None.
        folder: where the flows and files lie that it names; by default that of the script.

    Raises:
        NodeError: what the node says of its failure.
        ValueError: there is no such kind, or its params do not fit.
    """
    env = replace(_environment(_folder(folder)), asker=_asker)
    found = resolve_node(NodeInstance(id="node", kind=kind, params=dict(params or {})), env.catalog)
    if found.cls is None:
        raise ValueError(f"There is no node of the kind {kind!r}.")
    if found.params is None or found.inputs is None:
        raise ValueError(f"{kind}: {found.error}")
    given: dict[str, Any] = {}
    for name, value in (inputs or {}).items():
        port = found.inputs.declared.get(name)
        if port is not None and port.type.many and isinstance(value, list):
            value = [item for item in value if item is not None]
        if value is not None:
            given[name] = value
    work = _work(found.cls, found.params, found.inputs(**given), env)
    return NodeOutputs(_loop().run_until_complete(work))


def take(params: Mapping[str, Any], value: Any, folder: str | Path | None = None) -> Any:
    """A value for a flow input that is no plain text: a conversation, a file, documents, JSON."""
    env = _environment(_folder(folder))
    instance = NodeInstance(id="input", kind="io.input", params=dict(params))
    resolved = resolve(Flow(nodes=(instance,)), env.catalog)
    name = str(params.get("name", "question"))
    given = {} if value is None else {name: value}
    return accept(resolved, given)[name]


def show(outputs: Mapping[str, Any]) -> None:
    """Write what a script gives to standard output, as JSON where it is no text."""
    for name, value in outputs.items():
        if value is None:
            continue
        plain = value if isinstance(value, str) else json.dumps(encode(value), ensure_ascii=False)
        sys.stdout.write(f"{plain}\n" if len(outputs) == 1 else f"{name}: {plain}\n")


async def _work(cls: Any, params: Any, inputs: Any, env: Environment) -> dict[str, Any]:
    subflows = Subflows(env.catalog, env.folder)

    def asks(flow: str) -> tuple[InputField, ...]:
        return subflows.open(flow, 1).asks()

    async def run(ctx: Tally, flow: str, inputs: Mapping[str, Any], path: str) -> dict[str, Any]:
        sub = subflows.open(flow, 1)
        quiet: Callable[[Any], None] = lambda event: None  # noqa: E731
        inner = Execution(
            sub.plan,
            sub.environment(env),
            sub.accept(inputs),
            quiet,
            sub.subflows,
            prefix=path + "/",
            depth=1,
        )
        return await inner.run()

    ctx = StepContext("node", env, lambda event: None, {}, run, asks, cls)
    outputs = cls().run(inputs, params, ctx)
    if inspect.isawaitable(outputs):
        outputs = await outputs
    values: dict[str, Any] = outputs.as_dict()
    return values


def _folder(given: str | Path | None) -> Path:
    if given is not None:
        return Path(given).resolve()
    main = sys.modules.get("__main__")
    file = getattr(main, "__file__", None)
    return Path(file).resolve().parent if file else Path.cwd()


@lru_cache(maxsize=8)
def _environment(folder: Path) -> Environment:
    return default_environment(use_cache=False, folder=folder)


@lru_cache(maxsize=1)
def _loop() -> asyncio.AbstractEventLoop:
    """One loop for all steps: what one opens, the next one uses."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    atexit.register(_close, loop)
    return loop


def _close(loop: asyncio.AbstractEventLoop) -> None:
    default_pool().close()
    if not loop.is_closed():
        loop.close()
