"""One set of weights for descriptions that ask for other room of it."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from langchain_core.messages import HumanMessage

from patchbay.flows.checks.memory import memory_plan
from patchbay.flows.checks.resolve import resolve
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.runs.defaults import default_catalog
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.llama.adapter import GgufAdapter
from patchbay.nodes.models.llama.chat import ChatLlama, _Reader
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.streaming import Parted
from patchbay.nodes.models.thinking import Splitter

ASKED = [HumanMessage("What is the capital of Denmark?")]


def test_room_for_both_is_the_longer_context_and_the_more_slots() -> None:
    one = GgufModel(context=1024, parallel=4).resource()
    two = GgufModel(context=8192, parallel=1, temperature=0.0).resource()
    assert one.together(two) == two.together(one) == GgufModel(context=8192, parallel=4).resource()
    assert one.together(one) == one


@pytest.mark.parametrize(
    "other",
    [
        GgufModel(weights="ollama:other"),
        GgufModel(adapters=(GgufAdapter(weights="sentiment"),)),
        GgufModel(chat_template="{{ messages }}"),
        GgufModel(gpu_layers=3),
        GgufModel(threads=1),
    ],
)
def test_what_is_loaded_otherwise_is_not_shared(other: GgufModel) -> None:
    assert GgufModel().resource().together(other.resource()) is None


def test_an_answer_that_just_fills_its_context_is_not_too_long() -> None:
    model = ChatLlama(model_name="x", context=8)
    model._engine, model._narrowed = SimpleNamespace(trained=64), True  # type: ignore[assignment]
    reader = _Reader(model, None, Parted(Splitter(())))
    said = [{"role": "assistant", "content": None}, {"content": "a"}, {"content": "b"}, {}]
    for number, delta in enumerate(said):
        choice = {"delta": delta, "finish_reason": "stop" if number == 3 else None}
        list(reader.read({"prompt_progress": {"total": 6}, "choices": [choice]}))
    with pytest.raises(NodeError, match="context"):
        list(reader.read({"choices": [{"delta": {"content": "c"}}]}))


def test_the_plan_of_a_flow_counts_shared_weights_once() -> None:
    nodes = [NodeInstance(id="prompt", kind="io.value", params={"value": "Hello"})]
    edges = []
    for name, context in (("a", 512), ("b", 4096)):
        nodes += [
            NodeInstance(id=name, kind="model.gguf", params={"context": context, "parallel": 1}),
            NodeInstance(id=f"ask-{name}", kind="model.ask"),
        ]
        edges += [
            Edge(source=f"{name}.model", target=f"ask-{name}.model"),
            Edge(source="prompt.value", target=f"ask-{name}.prompt"),
        ]
    flow = Flow(nodes=tuple(nodes), edges=tuple(edges))
    (share,) = memory_plan(resolve(flow, default_catalog())).shares
    assert share.spec == GgufModel(context=4096, parallel=1).resource()
    assert share.node == "a"


def test_a_narrower_request_gives_the_same_answer_and_keeps_to_its_context(
    llama: ChatLlama,
) -> None:
    narrow = llama.with_context(256)
    assert narrow.context == 256
    assert llama.with_context(llama.context) is llama
    options = {"temperature": 0.0, "max_tokens": 12}
    assert narrow.invoke(ASKED, **options).content == llama.invoke(ASKED, **options).content
    with pytest.raises(NodeError, match="the context holds 256") as caught:
        narrow.invoke([HumanMessage("word " * 400)], max_tokens=5)
    assert caught.value.code == "model/context-overflow"
    with pytest.raises(NodeError, match="fill the 256 there are") as caught:
        narrow.invoke([HumanMessage("Count from one to a thousand, in words.")], temperature=0.0,
                      repeat_penalty=1.0, max_tokens=1000)  # fmt: skip
    assert caught.value.code == "model/context-overflow"
