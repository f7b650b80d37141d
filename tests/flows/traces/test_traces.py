"""A run as spans, as a collector gets them: sent over HTTP, decoded from protobuf."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import RunEnd
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.running import LoadedFlow, Run
from patchbay.flows.runs.secrets import Secrets
from patchbay.flows.traces.sending import HERE, Traces, asked_for
from patchbay.flows.traces.trace_parent import TraceParent
from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from tests.flows.runs import harness
from tests.flows.runs.nodes import NODES
from tests.flows.traces.receiver import Collector, collecting
from tests.nodes.models.servers.told_server import Reply as Said
from tests.nodes.models.servers.told_server import ToldServer, calls, delta, says, told, usage

CATALOG = Catalog(NODES, table=BUILTIN)
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def asks(server: ToldServer, **params: Any) -> Flow:
    nodes = {
        "q": ("io.input", {"name": "question"}),
        "model": ("model.openai_compatible", {"base_url": server.v1, "model": "told", **params}),
        "ask": "model.ask",
        "out": ("io.output", {"name": "answer"}),
    }
    wires = ["q.value > ask.prompt", "model.model > ask.model", "ask.text > out.value"]
    return harness.flow(nodes, wires, "Asks")


def calculates(server: ToldServer) -> Flow:
    nodes = {
        "q": ("io.input", {"name": "question"}),
        "model": ("model.openai_compatible", {"base_url": server.v1, "model": "told"}),
        "sum": "tool.calculator",
        "agent": "agent.react",
        "out": ("io.output", {"name": "answer"}),
    }
    wires = ["q.value > agent.prompt", "model.model > agent.model", "sum.tool > agent.tools",
             "agent.text > out.value"]  # fmt: skip
    return harness.flow(nodes, wires, "Calculates")


async def traced(
    flow: Flow,
    collector: Collector,
    given: dict[str, Any],
    *,
    content: bool = False,
    secrets: Secrets | None = None,
    **about: Any,
) -> RunEnd:
    secrets = secrets or Secrets(env={}, files=())
    env = Environment(CATALOG, Pool(), secrets)
    traces = Traces(collector.url, content=content)
    kinds = {node.id: node.kind for node in flow.nodes}
    trace = traces.run(flow.name, secrets=secrets, kinds=kinds, **about)
    run = Run(LoadedFlow(flow, None), given, env)
    run.trace_by(trace)
    events = [event async for event in run.events()]
    traces.close()
    assert trace.place.trace in {span.trace for span in collector.spans}
    assert isinstance(events[-1], RunEnd)
    return events[-1]


async def test_a_run_its_nodes_and_the_model_call(collector: Collector):
    with told(says("Blue", ".")) as server:
        flow = asks(server, temperature=0, max_tokens=50, seed=3)
        await traced(flow, collector, {"question": "Why?"}, thread="of-ada", person="ada")
        host = server.url.rpartition(":")[2]
    run, node = collector.named("invoke_workflow Asks"), collector.named("ask")
    call = collector.named("chat told")
    assert (run.parent, node.parent, call.parent) == ("", run.id, node.id)
    assert {span.trace for span in collector.spans} == {run.trace}
    assert {span.name for span in collector.spans} == {
        "invoke_workflow Asks", "q", "model", "ask", "out", "chat told"
    }  # fmt: skip
    assert run.attributes["gen_ai.operation.name"] == "invoke_workflow"
    assert run.attributes["gen_ai.agent.name"] == "Asks"
    assert run.attributes["session.id"] == "of-ada"
    assert run.attributes["user.id"] == "ada"
    assert run.attributes["patchbay.run.status"] == "finished"
    assert node.attributes["patchbay.node.kind"] == "model.ask"
    assert call.kind == 3, "a client's span"
    known = {name: call.attributes[name] for name in call.attributes if name.startswith("gen_ai")}
    assert known == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "told",
        "gen_ai.request.stream": True,
        "gen_ai.request.temperature": 0.0,
        "gen_ai.request.max_tokens": 50,
        "gen_ai.request.seed": 3,
        "gen_ai.conversation.id": "of-ada",
        "gen_ai.usage.input_tokens": 10,
        "gen_ai.usage.output_tokens": 5,
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": known["gen_ai.response.time_to_first_chunk"],
    }
    assert call.attributes["server.address"] == "127.0.0.1"
    assert call.attributes["server.port"] == int(host)
    assert collector.resource["service.name"] == "patchbay"
    assert "Why?" not in collector.said()
    assert "Blue" not in collector.said()


async def test_tokens_stand_where_they_were_used_and_nowhere_else(collector: Collector):
    """A reader that adds up what spans say must not count twice."""
    cached = usage(10, 5, prompt_tokens_details={"cached_tokens": 8},
                   completion_tokens_details={"reasoning_tokens": 2})  # fmt: skip
    with told(Said((delta(content="Blue"), delta("stop"), cached))) as server:
        await traced(asks(server), collector, {"question": "?"})
    counting = [s.name for s in collector.spans if "gen_ai.usage.input_tokens" in s.attributes]
    assert counting == ["chat told"]
    call = collector.named("chat told").attributes
    assert call["gen_ai.usage.cache_read.input_tokens"] == 8
    assert call["gen_ai.usage.reasoning.output_tokens"] == 2


async def test_prompts_go_where_they_are_asked_for(collector: Collector):
    with told(says("Blue")) as server:
        await traced(asks(server), collector, {"question": "Why?"}, content=True)
    call = collector.named("chat told").attributes
    assert json.loads(call["gen_ai.input.messages"]) == [
        {"role": "user", "parts": [{"type": "text", "content": "Why?"}]}
    ]
    assert json.loads(call["gen_ai.output.messages"]) == [
        {
            "role": "assistant",
            "parts": [{"type": "text", "content": "Blue"}],
            "finish_reason": "stop",
        }
    ]
    run = collector.named("invoke_workflow Asks").attributes
    assert json.loads(run["input.value"]) == {"question": "Why?"}
    assert json.loads(run["output.value"]) == {"answer": "Blue"}


async def test_secrets_stay_out_of_what_is_asked_for(collector: Collector):
    secrets = Secrets(env={"KEY": "hunter2-hunter2"}, files=())
    with told(says("It is hunter2-hunter2.")) as server:
        flow = asks(server, api_key={"secret": "KEY"})
        given = {"question": "Is it hunter2-hunter2?"}
        await traced(flow, collector, given, content=True, secrets=secrets)
    assert "gen_ai.input.messages" in collector.said()
    assert "hunter2" not in collector.said()


async def test_calls_of_tools(collector: Collector):
    sum_ = json.dumps({"expression": "6 * 7"})
    with told(calls(("calculator", sum_)), says("42")) as server:
        await traced(calculates(server), collector, {"question": "6 * 7?"}, content=True)
    first, second = [span for span in collector.spans if span.name == "chat told"]
    tool, agent = collector.named("execute_tool calculator"), collector.named("agent")
    assert {first.parent, second.parent, tool.parent} == {agent.id}
    assert first.attributes["gen_ai.response.finish_reasons"] == ["tool_call"]
    assert tool.attributes["gen_ai.operation.name"] == "execute_tool"
    assert tool.attributes["gen_ai.tool.name"] == "calculator"
    assert json.loads(tool.attributes["gen_ai.tool.call.arguments"]) == {"expression": "6 * 7"}
    assert tool.attributes["gen_ai.tool.call.result"] == "42"
    (said,) = json.loads(first.attributes["gen_ai.output.messages"])
    assert said["parts"][0]["name"] == "calculator"
    (offered,) = json.loads(first.attributes["gen_ai.tool.definitions"])
    assert (offered["type"], offered["name"]) == ("function", "calculator")


async def test_what_fails_says_so(collector: Collector):
    with told(Said(whole={"error": {"message": "Not Why?"}}, status=400)) as server:
        await traced(asks(server), collector, {"question": "Why?"})
    run, node, call = map(collector.named, ("invoke_workflow Asks", "ask", "chat told"))
    assert [run.status, node.status, call.status] == [2, 2, 2]
    assert run.attributes["error.type"] == node.attributes["error.type"]
    assert call.attributes["error.type"].startswith("model/")
    assert "gen_ai.response.finish_reasons" not in call.attributes
    assert "Why?" not in collector.said(), "a server may quote the prompt in its error"


async def test_a_failing_tool_is_an_error_of_its_span_alone(collector: Collector):
    with told(calls(("calculator", '{"expression": "1 / 0"}')), says("No.")) as server:
        await traced(calculates(server), collector, {"question": "?"})
    assert collector.named("execute_tool calculator").status == 2
    assert collector.named("agent").status == 0


async def test_nodes_hang_below_those_they_run_in(collector: Collector, tmp_path: Path):
    inner = harness.flow(
        {"in": ("io.input", {"name": "item"}), "up": "test.upper",
         "out": ("io.output", {"name": "text"})},
        ["in.value > up.text", "up.text > out.value"],
    )  # fmt: skip
    (tmp_path / "inner.json").write_text(canonical_text(inner), encoding="utf-8")
    outer = harness.flow(
        {"in": ("io.input", {"name": "items", "kind": "json"}),
         "each": ("logic.for_each", {"flow": "inner", "output": "text"}),
         "out": ("io.output", {"name": "texts"})},
        ["in.value > each.items", "each.results > out.value"], "Outer",
    )  # fmt: skip
    secrets = Secrets(env={}, files=())
    env = Environment(CATALOG, Pool(), secrets, folder=tmp_path)
    traces = Traces(collector.url)
    run = Run(LoadedFlow(outer, tmp_path), {"items": ["a", "b"]}, env)
    run.trace_by(traces.run("Outer"))
    assert [event async for event in run.events()][-1].type == "run_finished"
    traces.close()
    each = collector.named("each")
    ups = [span for span in collector.spans if span.name.endswith("/up")]
    assert len(ups) == 2
    assert {span.parent for span in ups} == {each.id}


async def test_a_trace_goes_on_where_the_caller_is(collector: Collector):
    parent = TraceParent.read(PARENT)
    with told(says("Blue")) as server:
        await traced(asks(server), collector, {"question": "?"}, parent=parent)
    run = collector.named("invoke_workflow Asks")
    assert (run.trace, run.parent) == (PARENT[3:35], PARENT[36:52])


@pytest.mark.parametrize(
    "header",
    ["", "00-abc", PARENT.upper(), f"ff{PARENT[2:]}", f"{PARENT}-more",
     PARENT.replace("b7ad6b7169203331", "0" * 16),
     PARENT.replace("0af7651916cd43dd8448eb211c80319c", "0" * 32)],
)  # fmt: skip
def test_what_is_no_traceparent_is_not_there(header: str):
    assert TraceParent.read(header) is None


def test_a_traceparent_of_a_later_version_is_read():
    assert TraceParent.read(f"01{PARENT[2:]}-more") == TraceParent.read(PARENT)
    unkept = TraceParent.read(f"{PARENT[:-2]}00")
    assert unkept is not None
    assert not unkept.sampled
    assert unkept.header() == f"{PARENT[:-2]}00"


def test_nobody_asked():
    assert asked_for(None, False, {}) is None
    assert asked_for("http://127.0.0.1:1", False, {"OTEL_SDK_DISABLED": "true"}) is None


@pytest.mark.parametrize("address", ["here", "127.0.0.1:4317", "grpc://x"])
def test_what_is_no_address(address: str):
    with pytest.raises(FlowError, match="no address for traces"):
        asked_for(address, False, {})


def test_where_the_environment_says_nothing(monkeypatch: pytest.MonkeyPatch):
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(FlowError, match="Where do the traces go"):
        asked_for(HERE, False, {})
