# ruff: noqa: E501 - files in the shape that builders write
"""CrewAI, Haystack, Dify and n8n: files in their shape, and what reaches the model or the crew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.exchange.imports.reading import Imported, import_bytes, import_files
from patchbay.flows.problems import errors
from patchbay.flows.runs.api import run
from patchbay.flows.runs.running import LoadedFlow
from tests.flows.exchange.importing import CATALOG, Heard, Listening, listening
from tests.flows.exchange.test_import_flowise import statuses
from tests.flows.runs.harness import environment


@pytest.fixture(autouse=True)
def _fresh() -> None:
    Listening.heard.clear()


def opened(text: str) -> Imported:
    (one,) = import_bytes(text.encode(), "case.yaml", CATALOG)
    assert list(errors(validate(one.flow, CATALOG))) == []
    return one


def heard(one: Imported, **inputs: Any) -> list[Heard]:
    flow = LoadedFlow(listening(one.flow))
    run(flow, inputs, environment=environment(catalog=CATALOG))
    return Listening.heard


HAYSTACK = """
components:
  builder:
    type: haystack.components.builders.chat_prompt_builder.ChatPromptBuilder
    init_parameters:
      template:
      - {role: system, content: [{text: "Answer in {{ language }}."}]}
      - {role: user, content: [{text: "About {{ topic }}: {{ question }}"}]}
  llm:
    type: haystack.components.generators.chat.openai.OpenAIChatGenerator
    init_parameters:
      model: gpt-4o-mini
      api_key: {type: env_var, env_vars: [MY_KEY], strict: true}
      generation_kwargs: {temperature: 0}
  answer:
    type: haystack.components.builders.answer_builder.AnswerBuilder
connections:
- {sender: builder.prompt, receiver: llm.messages}
- {sender: llm.replies, receiver: answer.replies}
"""


def test_a_haystack_pipeline_asks_what_its_builder_fills():
    one = opened(HAYSTACK)
    assert heard(one, language="French", topic="tea", question="why?") == [
        [("system", "Answer in French."), ("human", "About tea: why?")]
    ]
    model = next(node for node in one.flow.nodes if node.kind == "model.provider")
    assert model.params["api_key"] == {"secret": "MY_KEY"}
    assert (model.params["model"], model.params["temperature"]) == ("openai:gpt-4o-mini", 0)


def test_a_loop_over_documents_becomes_the_documents():
    one = opened(
        """
components:
  retriever:
    type: haystack.components.retrievers.in_memory.bm25_retriever.InMemoryBM25Retriever
    init_parameters: {top_k: 3, document_store: {type: a.b.Store, init_parameters: {}}}
  prompt:
    type: haystack.components.builders.prompt_builder.PromptBuilder
    init_parameters:
      template: "{% for d in documents %}{{ d.content }}{% endfor %} {% if x %}!{% endif %}Q: {{query}}"
  llm: {type: haystack.components.generators.openai.OpenAIGenerator}
connections:
- {sender: retriever.documents, receiver: prompt.documents}
- {sender: prompt.prompt, receiver: llm.prompt}
"""
    )
    prompt = next(node for node in one.flow.nodes if node.kind == "prompt.template")
    assert prompt.params["template"] == "{documents} !Q: {query}"
    assert any("Jinja" in line for line in statuses(one)["approximated"])
    assert any("a folder" in line for line in statuses(one)["name"])


AGENTS = """
researcher: {role: Researcher, goal: Find facts, backstory: Careful, tools: [SerperDevTool]}
writer: {role: Writer, goal: Write, backstory: Brief, llm: openai/gpt-4o-mini}
"""
TASKS = """
find: {description: "Find out about {topic} {{x}}", expected_output: Facts, agent: researcher}
write: {description: Write it up, expected_output: A page, context: [find], human_input: true}
"""


def test_a_crew_is_read_from_its_two_files(tmp_path: Path):
    (tmp_path / "agents.yaml").write_text(AGENTS)
    (tmp_path / "tasks.yaml").write_text(TASKS)
    (one,) = import_files([tmp_path / "agents.yaml"], CATALOG)
    found = {(edge.source, edge.target) for edge in one.flow.edges}
    assert {("researcher.agent", "find.agent"), ("writer.agent", "write.agent")} <= found
    assert {
        ("find.task", "write.context"),
        ("find.task", "crew.tasks"),
        ("topic.value", "find.topic"),
    } <= found
    assert one.flow.node("researcher").params["goal"] == "Find facts"
    assert one.flow.node("write").params["human_input"] is True
    assert "human_input" not in one.flow.node("find").params
    assert any("by order it is 'writer'" in line for line in statuses(one)["approximated"])
    model = next(node for node in one.flow.nodes if node.params.get("model"))
    assert model.params["model"] == "openai:gpt-4o-mini"


DIFY = """
app: {mode: advanced-chat, name: Support, description: Helps}
kind: app
workflow:
  graph:
    nodes:
    - {id: "1", position: {x: 0, y: 0}, data: {type: start, title: Start, variables: [{variable: tone}]}}
    - id: "2"
      position: {x: 300, y: 0}
      data:
        type: llm
        title: First
        model: {provider: langgenius/openai/openai, name: gpt-4o-mini, completion_params: {temperature: 0.1}}
        prompt_template:
        - {role: system, text: "Be {{#1.tone#}}."}
        - {role: user, text: "{{#sys.query#}}"}
    - id: "3"
      data:
        type: llm
        title: Second
        model: {provider: openai, name: gpt-4o-mini}
        prompt_template: [{role: user, text: "Shorten: {{#2.text#}}"}]
    - {id: "4", data: {type: answer, title: Answer, answer: "So: {{#3.text#}}"}}
    - {id: "5", data: {type: code, title: Code, code: "import os", code_language: python3}}
    edges:
    - {source: "1", target: "2", sourceHandle: source}
    - {source: "2", target: "3", sourceHandle: source}
    - {source: "3", target: "4", sourceHandle: source}
    - {source: "4", target: "5", sourceHandle: source}
"""


def test_a_dify_chatflow_follows_its_references():
    one = opened(DIFY)
    assert heard(one, question="Hi", tone="kind") == [
        [("system", "Be kind."), ("human", "Hi")],
        [("human", "Shorten: <Hi>")],
    ]
    assert any("never run" in line for line in statuses(one)["refused"])
    assert one.flow.node("first").title == "First"


DIFY_CHAT = """
app: {mode: advanced-chat, name: Chat}
kind: app
workflow:
  graph:
    nodes:
    - {id: "17", data: {type: start, title: Start, variables: []}}
    - id: "2"
      data:
        type: llm
        title: LLM
        model: {provider: openai, name: m}
        memory: {query_prompt_template: "{{#17.sys.query#}}\n\n{{#sys.files#}}", window: {enabled: false}}
        prompt_template: [{role: system, text: Be brief.}]
    - {id: "3", data: {type: answer, title: Answer, answer: "{{#2.text#}}"}}
    edges:
    - {source: "17", target: "2", sourceHandle: source}
    - {source: "2", target: "3", sourceHandle: source}
"""
TALK = [
    {"role": "user", "content": "I am Ada"},
    {"role": "assistant", "content": "Hello Ada"},
    {"role": "user", "content": "Who am I?"},
]
TOLD = [
    [("system", "Be brief."), ("human", "I am Ada"), ("ai", "Hello Ada"), ("human", "Who am I?")]
]


def test_a_dify_chat_with_memory_hears_the_whole_conversation():
    assert heard(opened(DIFY_CHAT), question=TALK) == TOLD


def test_a_simple_dify_chat_hears_the_whole_conversation():
    simple = opened(
        "app: {mode: chat, name: C}\n"
        "model_config: {pre_prompt: Be brief., model: {provider: openai, name: gpt-4o-mini}}\n"
    )
    assert heard(simple, question=TALK) == TOLD


def test_a_dify_memory_beside_a_text_of_its_own_is_told_as_left_out():
    one = opened(DIFY_CHAT.replace('"{{#17.sys.query#}}', '"Asked: {{#17.sys.query#}}'))
    assert heard(one, question="Hi")[0][1] == ("human", "Asked: Hi")
    assert any("what was said before" in line for line in statuses(one)["approximated"])


def test_a_dify_template_is_filled_with_what_its_variables_refer_to():
    """The text of the reference stood in its place; `sys.query` of the start was an input."""
    template = """
    - id: "4"
      data:
        type: template-transform
        title: T
        template: "It said {{ it }} to {{ q }}"
        variables:
        - {variable: it, value_selector: ["2", text]}
        - {variable: q, value_selector: ["17", sys.query]}
    edges:"""
    one = opened(DIFY_CHAT.replace("\n    edges:", template))
    made = next(node for node in one.flow.nodes if node.title == "T")
    assert made.params["template"] == "It said {it} to {q}"
    ends = {edge.target: edge.source.partition(".")[0] for edge in one.flow.edges}
    assert ends[f"{made.id}.it"] == "llm"
    assert [n.params["name"] for n in one.flow.nodes if n.kind == "io.input"] == ["question"]


def test_a_simple_dify_app_is_one_model():
    one = opened(
        "app: {mode: chat, name: C}\n"
        "model_config: {pre_prompt: Be brief., model: {provider: openai, name: gpt-4o-mini}}\n"
    )
    ask = next(node for node in one.flow.nodes if node.kind == "model.ask")
    assert ask.params["system"] == "Be brief."


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


DIFY_WAYS = """
app: {mode: advanced-chat, name: Ways}
kind: app
workflow:
  graph:
    nodes:
    - {id: "1", data: {type: start, title: Start, variables: [{variable: plan}]}}
    - id: "2"
      data:
        type: if-else
        title: Which
        cases:
        - case_id: "true"
          logical_operator: or
          conditions:
          - {variable_selector: [sys, query], comparison_operator: contains, value: refund}
          - {variable_selector: ["1", plan], comparison_operator: is, value: gold}
    - {id: "3", data: {type: llm, title: Refunds, model: {provider: openai, name: m}, prompt_template: [{role: system, text: Refunds.}, {role: user, text: "{{#sys.query#}}"}]}}
    - {id: "4", data: {type: llm, title: Sales, model: {provider: openai, name: m}, prompt_template: [{role: user, text: "Sell to {{#1.plan#}}"}]}}
    - {id: "5", data: {type: answer, title: A, answer: "{{#3.text#}}"}}
    - {id: "6", data: {type: answer, title: B, answer: "No refund here."}}
    edges:
    - {source: "1", target: "2", sourceHandle: source}
    - {source: "2", target: "3", sourceHandle: "true"}
    - {source: "2", target: "4", sourceHandle: "false"}
    - {source: "3", target: "5", sourceHandle: source}
    - {source: "4", target: "6", sourceHandle: source}
"""


def test_what_a_request_to_a_fixed_address_gives_goes_on_only_on_its_way():
    """Nothing goes into it that could hold it back, so that it answered on the other way, too."""
    one = opened(
        DIFY_WAYS.replace(
            '{type: answer, title: B, answer: "No refund here."}',
            '{type: answer, title: B, answer: "It says {{#7.body#}}"}',
        )
        .replace(
            "    edges:",
            '    - {id: "7", data: {type: http-request, title: Ask, method: get, '
            "url: https://example.org/a}}\n    edges:",
        )
        .replace('source: "4", target: "6"', 'source: "4", target: "7"')
        + '    - {source: "7", target: "6", sourceHandle: source}\n'
    )
    kinds = {node.id: node.kind for node in one.flow.nodes}
    (after,) = [edge for edge in one.flow.edges if edge.source_node == "ask"]
    assert kinds[after.target_node] == "logic.switch"
    assert any("whichever way" in line for line in statuses(one)["approximated"])


@pytest.mark.parametrize(
    ("question", "plan", "told", "answers"),
    [
        ("a refund", "free", [("system", "Refunds."), ("human", "a refund")], ["<a refund>"]),
        ("a car", "gold", [("system", "Refunds."), ("human", "a car")], ["<a car>"]),
        ("a car", "free", [("human", "Sell to free")], ["No refund here."]),
    ],
)
def test_only_the_way_of_a_dify_condition_runs_and_answers(
    question: str, plan: str, told: Heard, answers: list[str]
):
    """Conditions on two values are two switches; a text that reads nothing waits for its way."""
    one = opened(DIFY_WAYS)
    done = run(
        LoadedFlow(listening(one.flow)),
        {"question": question, "plan": plan},
        environment=environment(catalog=CATALOG),
    )
    assert Listening.heard == [told]
    assert list(done.outputs.values()) == answers
    assert "refused" not in statuses(one)


def test_a_dify_classifier_is_a_switch_by_its_model():
    one = opened(
        DIFY_WAYS.replace("type: if-else", "type: question-classifier").replace(
            "        cases:\n",
            "        model: {provider: openai, name: judge}\n        classes: [{id: 'true', name: Refund}, {id: 'false', name: Other}]\n        cases:\n",
        )
    )
    switch = next(node for node in one.flow.nodes if node.kind == "logic.switch")
    assert switch.params["by"] == "model"
    assert [case["about"] for case in switch.params["cases"]] == ["Refund", "Other"]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (("logical_operator: or", "logical_operator: and"), "several conditions at once"),
        (("comparison_operator: contains", "comparison_operator: smells"), "no equal"),
    ],
)
def test_a_condition_that_no_switch_has_is_refused(change: tuple[str, str], why: str):
    (one,) = import_bytes(DIFY_WAYS.replace(*change).encode(), "case.yaml", CATALOG)
    assert any(why in line for line in statuses(one)["refused"])


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
