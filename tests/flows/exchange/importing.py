"""For tests of imports: small exports in each builder's shape, and a model that listens.

Every file here is written by us. The peers' own files are tried by `make test-exchange`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from patchbay.flows.checks.validate import validate
from patchbay.flows.document.model import Flow
from patchbay.flows.exchange.imports.reading import Imported, import_bytes, import_data
from patchbay.flows.problems import errors
from patchbay.flows.runs.api import run
from patchbay.flows.runs.running import LoadedFlow
from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import DescribingNode, NodeParams, Ports, port
from patchbay.nodes.values import ModelSpec, Opening
from tests.flows.runs.harness import environment

Heard = list[tuple[str, str]]


class Listening(ModelSpec):
    """A chat model that keeps whole conversations, and answers with what was asked last."""

    backend: ClassVar[str] = "listening"
    heard: ClassVar[list[Heard]] = []
    script: ClassVar[list[str]] = []
    """What it answers next, one after the other; then as below."""

    says: str = ""

    def open(self, opening: Opening) -> Any:
        from langchain_core.language_models import BaseChatModel
        from langchain_core.messages import AIMessage
        from langchain_core.outputs import ChatGeneration, ChatResult

        says = self.says

        class Chat(BaseChatModel):
            def _generate(
                self, messages: Any, stop: Any = None, run_manager: Any = None, **more: Any
            ) -> ChatResult:
                Listening.heard.append([(m.type, str(m.text)) for m in messages])
                if Listening.script:
                    said = AIMessage(content=Listening.script.pop(0))
                    return ChatResult(generations=[ChatGeneration(message=said)])
                message = AIMessage(content=says or f"<{messages[-1].text}>")
                return ChatResult(generations=[ChatGeneration(message=message)])

            def bind_tools(self, tools: Any, **more: Any) -> Any:
                return self

            @property
            def _llm_type(self) -> str:
                return "listening"

        return Chat()


class ListeningModel(DescribingNode):
    """The node of it."""

    kind, version = "test.listening", 1
    title, family, icon = "Listening", "Test", "ear"

    class Params(NodeParams):
        says: str = ""
        """What it always answers; empty: what was asked, in brackets."""

    class Outputs(Ports):
        model: ModelSpec = port(doc="The model.")

    @classmethod
    def describe(cls, params: Params, inputs: Any) -> Outputs:
        return cls.Outputs(model=Listening(says=params.says))


CATALOG = Catalog([ListeningModel], table=BUILTIN)


def imported(data: Any, name: str = "case") -> Imported:
    """The one flow of an export."""
    (one,) = import_data(data, name, CATALOG)
    return one


def listening(flow: Flow, says: str = "") -> Flow:
    """The flow with every model replaced by one that keeps what it hears."""
    params = {"says": says} if says else {}
    nodes = tuple(
        node.model_copy(update={"kind": "test.listening", "params": params, "version": 1})
        if node.kind.startswith("model.") and node.kind not in ("model.ask", "model.compare")
        else node
        for node in flow.nodes
    )
    return flow.model_copy(update={"nodes": nodes})


# --- Flowise --------------------------------------------------------------------------------------


def chatflow(
    nodes: Mapping[str, tuple[str, Mapping[str, Any]]], wires: Sequence[str] = ()
) -> dict[str, Any]:
    """A chatflow: `{"chain": ("llmChain", inputs)}` and `"model.chatOpenAI > chain.model"`."""
    made = [
        {
            "id": node_id,
            "position": {"x": 300 * index, "y": 40},
            "type": "customNode",
            "data": {"id": node_id, "name": kind, "label": kind, "inputs": dict(inputs)},
        }
        for index, (node_id, (kind, inputs)) in enumerate(nodes.items())
    ]
    edges = []
    for wire in wires:
        begin, finish = (end.strip().split(".") for end in wire.split(">"))
        edges.append(
            {
                "source": begin[0],
                "target": finish[0],
                "sourceHandle": f"{begin[0]}-output-{begin[1]}-A|B",
                "targetHandle": f"{finish[0]}-input-{finish[1]}-A",
            }
        )
    return {"nodes": made, "edges": edges}


def workspace(**flows: Mapping[str, Any]) -> dict[str, Any]:
    """A workspace export; there a flow is a JSON text."""
    return {
        "ChatFlow": [{"name": n, "flowData": json.dumps(flow)} for n, flow in flows.items()],
        "Tool": [],
    }


# --- Langflow -------------------------------------------------------------------------------------


def langflow(
    nodes: Mapping[str, tuple[str, Mapping[str, Any]]], wires: Sequence[str] = ()
) -> dict[str, Any]:
    """A Langflow export, each component with source text that must never be read."""
    made = []
    for index, (node_id, (kind, fields)) in enumerate(nodes.items()):
        template: dict[str, Any] = {
            name: value if isinstance(value, dict) and "value" in value else {"value": value}
            for name, value in fields.items()
        }
        template["code"] = {"type": "code", "value": "raise SystemExit('never run')"}
        made.append(
            {
                "id": node_id,
                "type": "genericNode",
                "position": {"x": 300 * index, "y": 0},
                "data": {"id": node_id, "type": kind, "node": {"template": template}},
            }
        )
    edges = []
    for wire in wires:
        begin, finish = (end.strip().split(".") for end in wire.split(">"))
        edges.append(
            {
                "source": begin[0],
                "target": finish[0],
                "data": {
                    "sourceHandle": {"id": begin[0], "name": begin[1]},
                    "targetHandle": {"id": finish[0], "fieldName": finish[1]},
                },
            }
        )
    return {"name": "Case", "data": {"nodes": made, "edges": edges}}


# --- n8n ------------------------------------------------------------------------------------------

LANGCHAIN = "@n8n/n8n-nodes-langchain."
_OF_LANGCHAIN = ("chatTrigger", "agent", "chainLlm", "textClassifier", "informationExtractor")


def n8n(nodes: Mapping[str, tuple[str, Mapping[str, Any]]], wires: Sequence[str]) -> dict[str, Any]:
    """A workflow: `{"Ask": ("httpRequest", {"url": …})}`, `"If:1 > Ask"`; every chain has a model.

    `_version` and `_credentials` among the parameters are the node's own.
    """
    made: list[dict[str, Any]] = []
    connections: dict[str, dict[str, Any]] = {}
    for name, (kind, given) in nodes.items():
        about = {key: value for key, value in given.items() if not key.startswith("_")}
        spoken = kind in _OF_LANGCHAIN or kind.startswith("outputParser")
        prefix = LANGCHAIN if spoken else "n8n-nodes-base."
        node = {"name": name, "type": prefix + kind, "position": [0, 0], "parameters": about}
        node["typeVersion"] = given.get("_version", 4.2 if kind == "httpRequest" else 3.4)
        made.append({**node, "credentials": given.get("_credentials", {})})
        if kind in ("agent", "chainLlm", "textClassifier", "informationExtractor"):
            model = {"type": LANGCHAIN + "lmChatOpenAi", "parameters": {"model": {"value": "m"}}}
            made.append({"name": f"{name} model", "position": [0, 99], **model})
            row = [[{"node": name, "type": "ai_languageModel", "index": 0}]]
            connections[f"{name} model"] = {"ai_languageModel": row}
    for wire in wires:
        begin, finish = (end.strip() for end in wire.split(">"))
        begin, _, told = begin.partition(":")
        finish, _, port = finish.partition(":")
        groups = connections.setdefault(begin, {}).setdefault(port or "main", [])
        index = int(told or 0)
        groups += [[] for _ in range(index + 1 - len(groups))]
        groups[index].append({"node": finish, "type": port or "main", "index": 0})
    return {"name": "Case", "nodes": made, "connections": connections}


def clean(one: Imported) -> Imported:
    """An imported flow without errors."""
    assert list(errors(validate(one.flow, CATALOG))) == []
    return one


def opened(text: str) -> Imported:
    """The one flow of a YAML file, without errors."""
    (one,) = import_bytes(text.encode(), "case.yaml", CATALOG)
    assert list(errors(validate(one.flow, CATALOG))) == []
    return one


def heard(one: Imported, **inputs: Any) -> list[Heard]:
    """What the models of an imported flow are told in a run."""
    run(LoadedFlow(listening(one.flow)), inputs, environment=environment(catalog=CATALOG))
    return Listening.heard
