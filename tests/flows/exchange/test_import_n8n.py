# ruff: noqa: E501 - files in the shape that builders write
"""n8n's AI nodes: files in their shape, and what reaches the model."""

from __future__ import annotations

from typing import Any

import pytest

from patchbay.flows.exchange.imports.reading import import_bytes
from tests.flows.exchange.importing import CATALOG, clean, heard, imported, n8n, opened
from tests.flows.exchange.test_import_flowise import statuses

N8N = """
name: Chat
nodes:
- {name: Chat, type: "@n8n/n8n-nodes-langchain.chatTrigger", position: [0, 0], parameters: {}}
- {name: Agent, type: "@n8n/n8n-nodes-langchain.agent", position: [300, 0],
   parameters: {promptType: define, text: "=Say: {{ $json.chatInput }}", options: {systemMessage: Be brief.}}}
- {name: Model, type: "@n8n/n8n-nodes-langchain.lmChatOpenAi", position: [300, 200],
   parameters: {model: {__rl: true, value: gpt-4o-mini}, options: {temperature: 0.3}}}
- {name: Calc, type: "@n8n/n8n-nodes-langchain.toolCalculator", position: [400, 200], parameters: {}}
- {name: Chain, type: "@n8n/n8n-nodes-langchain.chainLlm", position: [600, 0],
   parameters: {promptType: define, text: "={{ $json.output }} {{ $now.toISO() }}"}}
- {name: Note, type: n8n-nodes-base.stickyNote, position: [0, 300], parameters: {content: Mind}}
connections:
  Chat: {main: [[{node: Agent, type: main, index: 0}]]}
  Agent: {main: [[{node: Chain, type: main, index: 0}]]}
  Model:
    ai_languageModel: [[{node: Agent, type: ai_languageModel, index: 0}, {node: Chain, type: ai_languageModel, index: 0}]]
  Calc: {ai_tool: [[{node: Agent, type: ai_tool, index: 0}]]}
"""


def test_an_n8n_agent_hears_system_and_question_and_no_expression_is_run():
    one = opened(N8N)
    assert heard(one, question="Hi") == [
        [("system", "Be brief."), ("human", "Say: Hi")],
        [("human", "<Say: Hi> [an expression stood here]")],
    ]
    assert any(
        "$now.toISO()" in line and "JavaScript" in line for line in statuses(one)["approximated"]
    )
    assert one.flow.notes[0].text == "Mind"
    assert "refused" not in statuses(one)
    tools = [edge for edge in one.flow.edges if edge.target == "agent.tools"]
    assert [edge.source for edge in tools] == ["calc.tool"]


def test_an_n8n_agent_without_a_text_hears_the_question_of_the_trigger():
    """Nothing of it is lost, and the report said that the trigger's wire is left out."""
    text = 'promptType: define, text: "=Say: {{ $json.chatInput }}", '
    assert text in N8N
    one = opened(N8N.replace(text, ""))
    assert heard(one, question="Hi")[0] == [("system", "Be brief."), ("human", "Hi")]
    assert "refused" not in statuses(one)


def test_an_n8n_parser_by_example_holds_the_model_to_a_schema():
    """And a Set between the trigger and the chain hands the question on: nothing is left out."""
    one = opened(
        """
name: Mood
nodes:
- {name: Go, type: n8n-nodes-base.manualTrigger, parameters: {}}
- {name: Set, type: n8n-nodes-base.set, parameters: {}}
- {name: Chain, type: "@n8n/n8n-nodes-langchain.chainLlm", parameters: {}}
- {name: Model, type: "@n8n/n8n-nodes-langchain.lmChatOpenAi", parameters: {model: {value: m}}}
- {name: Parser, type: "@n8n/n8n-nodes-langchain.outputParserStructured",
   parameters: {jsonSchemaExample: '{"mood": "good", "score": 3, "tags": ["a"], "sure": true}'}}
connections:
  Go: {main: [[{node: Set, type: main, index: 0}]]}
  Set: {main: [[{node: Chain, type: main, index: 0}]]}
  Model: {ai_languageModel: [[{node: Chain, type: ai_languageModel, index: 0}]]}
  Parser: {ai_outputParser: [[{node: Chain, type: ai_outputParser, index: 0}]]}
"""
    )
    schema = one.flow.node("chain").params["json_schema"]
    assert isinstance(schema, dict)
    assert schema["required"] == ["mood", "score", "tags", "sure"]
    kinds = {name: told["type"] for name, told in schema["properties"].items()}
    assert kinds == {"mood": "string", "score": "number", "tags": "array", "sure": "boolean"}
    assert schema["properties"]["tags"]["items"] == {"type": "string"}
    assert "refused" not in statuses(one)


N8N_REQUEST = """
name: Hook
nodes:
- {name: Hook, type: n8n-nodes-base.webhook, parameters: {}}
- {name: Chain, type: "@n8n/n8n-nodes-langchain.chainLlm", parameters: {promptType: define, text: "=Say: {{ $json.chatInput }}"}}
- {name: Model, type: "@n8n/n8n-nodes-langchain.lmChatOpenAi", parameters: {model: {value: m}}}
- {name: Ask, type: n8n-nodes-base.httpRequest, parameters: {url: "=https://example.org/{{ $json.output }}/x"}}
- {name: Respond, type: n8n-nodes-base.respondToWebhook, parameters: {respondWith: text, responseBody: "=It is {{ $('Chain').item.json.output }}"}}
connections:
  Hook: {main: [[{node: Chain, type: main, index: 0}]]}
  Chain: {main: [[{node: Ask, type: main, index: 0}]]}
  Ask: {main: [[{node: Respond, type: main, index: 0}]]}
  Model: {ai_languageModel: [[{node: Chain, type: ai_languageModel, index: 0}]]}
"""


def test_an_n8n_request_takes_its_address_by_wire_and_a_webhook_is_answered():
    one = opened(N8N_REQUEST)
    ask = one.flow.node("ask")
    assert ask.params["url"] == "https://example.org/{Chain}/x"
    ends = {edge.target: edge.source for edge in one.flow.edges}
    assert ends["ask.Chain"] == "chain.text"
    (answer,) = [node for node in one.flow.nodes if node.kind == "io.output"]
    text = one.flow.node(ends[f"{answer.id}.value"].partition(".")[0])
    assert text.params["template"] == "It is {Chain}"
    assert "refused" not in statuses(one)


def test_an_n8n_webhook_is_answered_with_what_comes_in_unless_a_text_says_otherwise():
    one = opened(
        N8N_REQUEST.replace(
            "{respondWith: text, responseBody: \"=It is {{ $('Chain').item.json.output }}\"}", "{}"
        )
    )
    (answer,) = [node for node in one.flow.nodes if node.kind == "io.output"]
    assert [e.source for e in one.flow.edges if e.target_node == answer.id] == ["ask.text"]


N8N_WAYS = """
name: Ways
nodes:
- {name: Chat, type: "@n8n/n8n-nodes-langchain.chatTrigger", parameters: {}}
- name: If
  type: n8n-nodes-base.if
  parameters:
    conditions:
      combinator: and
      conditions: [{leftValue: "={{ $json.chatInput }}", rightValue: refund, operator: {type: string, operation: contains}}]
- {name: Refunds, type: "@n8n/n8n-nodes-langchain.chainLlm", parameters: {promptType: define, text: "=Refund: {{ $json.chatInput }}"}}
- {name: Sales, type: "@n8n/n8n-nodes-langchain.chainLlm", parameters: {promptType: define, text: "=Sell: {{ $json.chatInput }}"}}
- {name: Model, type: "@n8n/n8n-nodes-langchain.lmChatOpenAi", parameters: {model: {__rl: true, value: m}}}
connections:
  Chat: {main: [[{node: If, type: main, index: 0}]]}
  If: {main: [[{node: Refunds, type: main, index: 0}], [{node: Sales, type: main, index: 0}]]}
  Model: {ai_languageModel: [[{node: Refunds, type: ai_languageModel, index: 0}, {node: Sales, type: ai_languageModel, index: 0}]]}
"""


@pytest.mark.parametrize(
    ("question", "told"), [("a refund", "Refund: a refund"), ("a car", "Sell: a car")]
)
def test_only_the_way_of_an_n8n_condition_runs(question: str, told: str):
    one = opened(N8N_WAYS)
    assert heard(one, question=question) == [[("human", told)]]
    assert "refused" not in statuses(one)


def test_an_n8n_condition_in_javascript_is_refused():
    text = N8N_WAYS.replace('{{ $json.chatInput }}", rightValue', '{{ $now.hour }}", rightValue')
    (one,) = import_bytes(text.encode(), "case.yaml", CATALOG)
    assert any("JavaScript" in line for line in statuses(one)["refused"])


@pytest.mark.parametrize(
    ("settings", "answer"),
    [
        (
            {
                "messages": {
                    "values": [
                        {"role": "system", "content": "Brief."},
                        {"content": "=Say {{ $json.chatInput }}"},
                    ]
                }
            },
            "message.content",
        ),
        (
            {
                "responses": {
                    "values": [
                        {"role": "system", "content": "Brief."},
                        {"content": "=Say {{ $json.chatInput }}"},
                    ]
                }
            },
            "output[0].content[0].text",
        ),
        (
            {
                "resource": "chat",
                "prompt": {
                    "messages": [
                        {"role": "system", "content": "Brief."},
                        {"content": "=Say {{ $json.chatInput }}"},
                    ]
                },
            },
            "message.content",
        ),
    ],
)
def test_the_node_of_openai_hears_its_messages(settings: dict[str, Any], answer: str):
    """It was not known, in none of its versions."""
    given = {
        "modelId": {"__rl": True, "value": "gpt-4o-mini"},
        "options": {"temperature": 0.2},
        **settings,
    }
    nodes = {
        "Chat": ("chatTrigger", {}),
        "GPT": ("openAi", given),
        "Ask": ("chainLlm", {"promptType": "define", "text": f"=So: {{{{ $json.{answer} }}}}"}),
    }
    one = clean(imported(n8n(nodes, ["Chat > GPT", "GPT > Ask"])))
    assert one.flow.node("model").params == {"model": "openai:gpt-4o-mini", "temperature": 0.2}
    assert heard(one, question="Hi") == [
        [("system", "Brief."), ("human", "Say Hi")],
        [("human", "So: <Say Hi>")],
    ]


def test_what_else_the_node_of_openai_does_is_refused():
    one = imported(
        n8n(
            {"Chat": ("chatTrigger", {}), "Draw": ("openAi", {"resource": "image"})},
            ["Chat > Draw"],
        )
    )
    assert any("pictures" in line for line in statuses(one)["refused"])
    examples = {
        "messages": {"values": [{"role": "assistant", "content": "Yes?"}, 5, {"content": "Hi"}]},
        "jsonOutput": True,
    }
    one = imported(
        n8n(
            {"Chat": ("chatTrigger", {}), "GPT": ("openAi", {"modelId": "m", **examples})},
            ["Chat > GPT"],
        )
    )
    told = statuses(one)["approximated"]
    assert any("an example" in line for line in told)
    assert any("there it is JSON" in line for line in told)


MORNING = """
name: Morning
nodes:
- {name: Begin, type: n8n-nodes-base.TRIGGER, position: [0, 0], parameters: {}}
- {name: Agent, type: "@n8n/n8n-nodes-langchain.agent", position: [300, 0],
   parameters: {promptType: define, text: "=Answer {{ $json.message.chat.name }}: {{ $json.message.text }}"}}
- {name: Model, type: "@n8n/n8n-nodes-langchain.lmChatGroq", position: [300, 200], parameters: {model: m}}
- {name: Send, type: n8n-nodes-base.slack, position: [600, 0], parameters: {text: "={{ $json.output }}"}}
connections:
  Begin: {main: [[{node: Agent, type: main, index: 0}]]}
  Agent: {main: [[{node: Send, type: main, index: 0}]]}
  Model: {ai_languageModel: [[{node: Agent, type: ai_languageModel, index: 0}]]}
"""


def test_a_flow_of_n8n_begins_at_the_trigger_of_a_service_and_answers_before_one():
    """Both are switched off there or left out; nothing came out of such a flow."""
    one = opened(MORNING.replace("TRIGGER", "telegramTrigger"))
    (asked,) = heard(one, question="Hi", message_chat_name="Ada")
    assert asked[-1] == ("human", "Answer Ada: Hi")
    assert [n.params["name"] for n in one.flow.nodes if n.kind == "io.output"] == ["answer"]
    assert any("its fields are inputs" in line for line in statuses(one)["approximated"])
    assert [line.split(":")[0] for line in statuses(one)["refused"]] == ["Send (slack)"]


def test_a_schedule_of_n8n_is_where_the_flow_begins():
    one = opened(MORNING.replace("TRIGGER", "scheduleTrigger"))
    assert any("patchbay triggers add" in line for line in statuses(one)["name"])
    assert not any("Begin" in line for line in statuses(one)["refused"])
