"""Steps of agents are events, from whatever thread they come; tokens carry how fast they came."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from patchbay.flows.cli import say
from patchbay.flows.runs.events import NodeFinished, NodeStepped, RunFinished, Tokens, as_json
from patchbay.flows.runs.history import History
from patchbay.flows.runs.secrets import Secrets
from patchbay.nodes.contract import Context, Node, Ports
from patchbay.nodes.values import SecretRef
from tests.flows.runs.harness import CATALOG, OUT, environment, events_of, flow
from tests.stores import url_of


class Thinks(Node):
    """Says what it does, here and from a thread."""

    kind, title, family = "test.thinks", "Thinks", "Test"

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Outputs:
        ctx.step("thought", "hm", who="Researcher")
        secret = ctx.secret(SecretRef(secret="KEY"))

        def work() -> None:
            ctx.step("tool call", f"2 + 2 {secret}", who="Writer", tool="calculator", seconds=0.5)

        await ctx.blocking(work)
        ctx.step("answer", "4", who="Writer", prompt_tokens=7, completion_tokens=1)
        ctx.count_tokens(7, 3, first_token_s=0.25, generating_s=1.5)
        ctx.count_tokens(1, 3, first_token_s=0.75, generating_s=0.5)
        return self.Outputs(text="4")


async def test_steps_are_events_in_order_and_hold_no_secret() -> None:
    env = replace(environment(), catalog=CATALOG.extended([Thinks]))
    env = replace(env, secrets=Secrets(env={"KEY": "very-secret-value"}, files=()))
    events = await events_of(flow({"t": "test.thinks", "o": OUT}, ["t.text > o.value"]), env=env)
    steps = [event for event in events if isinstance(event, NodeStepped)]
    assert [(s.what, s.who, s.tool) for s in steps] == [
        ("thought", "Researcher", ""),
        ("tool call", "Writer", "calculator"),
        ("answer", "Writer", ""),
    ]
    assert "very-secret-value" not in steps[1].text
    assert steps[1].seconds == 0.5
    assert as_json(steps[2])["tokens"] == {"prompt": 7, "completion": 1}


async def test_tokens_tell_how_fast_they_came(tmp_path: Path) -> None:
    env = replace(environment(), catalog=CATALOG.extended([Thinks]))
    env = replace(env, secrets=Secrets(env={"KEY": "very-secret-value"}, files=()))
    document = flow({"t": "test.thinks", "o": OUT}, ["t.text > o.value"])
    events = await events_of(document, env=env)
    node = next(e for e in events if isinstance(e, NodeFinished) and e.node == "t")
    assert node.tokens == Tokens(8, 6, first_token_s=0.25, generating_s=2.0)
    assert node.tokens.per_second == 3
    assert Tokens(1, 2).per_second is None
    end = next(e for e in events if isinstance(e, RunFinished))
    assert as_json(end)["tokens"] == {
        "prompt": 8, "completion": 6, "first_token_s": 0.25, "generating_s": 2.0,
    }  # fmt: skip
    assert say.tokens(node.tokens) == "8 + 6 tokens · 0.25 s to first · 3 tokens/s"
    history = History(url_of(tmp_path / "history.sqlite"))
    record = history.recorder(events[0].run, document)
    for event in events:
        record(event)
    kept = {e["node"]: e["tokens"] for e in history.events(end.run) if e["type"] == "node_finished"}
    assert kept["t"] == as_json(end)["tokens"]
