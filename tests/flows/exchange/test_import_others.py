# ruff: noqa: E501 - files in the shape that builders write
"""CrewAI and Haystack: files in their shape, and what reaches the model or the crew."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.exchange.exports import exported
from patchbay.flows.exchange.imports.crewai import read_crewai
from patchbay.flows.exchange.imports.providers import BEGINNINGS, OLLAMA, PROVIDERS
from patchbay.flows.exchange.imports.reading import import_data, import_files, lowered
from patchbay.flows.problems import errors
from patchbay.nodes.models.servers.provider.names import PROVIDERS as KNOWN
from tests.flows.exchange.importing import CATALOG, heard, opened
from tests.flows.exchange.test_import_flowise import statuses

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


SEARCH = """
components:
  web: {type: haystack.components.websearch.serper_dev.SerperDevWebSearch, init_parameters: {top_k: 3}}
  ranker: {type: haystack.components.rankers.sentence_transformers_similarity.SentenceTransformersSimilarityRanker}
  prompt: {type: haystack.components.builders.prompt_builder.PromptBuilder, init_parameters: {template: "{{ documents }} Q: {{ query }}"}}
  llm: {type: haystack.components.generators.openai.OpenAIGenerator}
connections:
- {sender: web.documents, receiver: ranker.documents}
- {sender: ranker.documents, receiver: prompt.documents}
- {sender: prompt.prompt, receiver: llm.prompt}
"""


def test_a_search_of_the_web_in_a_pipeline_is_a_step():
    """It was a tool for agents, and the ranker that comes with Haystack was not known."""
    one = opened(SEARCH)
    found = {(edge.source, edge.target) for edge in one.flow.edges}
    assert {("web.documents", "prompt.documents"), ("question.value", "web.query")} <= found
    web = one.flow.node("web")
    assert (web.kind, web.params) == ("tool.search_web", {"service": "serper", "results": 3})
    assert "refused" not in statuses(one)


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


SCAFFOLD = {
    "researcher": {
        "role": "{topic} Senior Data Researcher\n",
        "goal": "Uncover cutting-edge developments in {topic}\n",
        "backstory": "You are a seasoned researcher.\n",
        "llm": "openai/gpt-4o",
    },
}
WORK = {
    "research": {
        "description": "Conduct a thorough research about {topic}\n",
        "expected_output": "10 points about {topic} in {current_year}\n",
        "agent": "researcher",
    },
}
"""What `crewai create crew` writes."""


def test_variables_of_roles_and_of_what_is_expected_are_inputs():
    one = lowered(read_crewai(SCAFFOLD, WORK, "Crew"), CATALOG)
    assert list(errors(validate(one.flow, CATALOG))) == []
    found = {(edge.source, edge.target) for edge in one.flow.edges}
    assert {
        ("topic.value", "researcher.topic"),
        ("current-year.value", "research.current_year"),
    } <= found
    assert "approximated" not in statuses(one)
    files = exported(one.flow, "crewai", CATALOG)
    assert "role: '{topic} Senior Data Researcher'" in files["agents.yaml"]
    assert "expected_output: 10 points about {topic} in {current_year}" in files["tasks.yaml"]
    script = exported(one.flow, "python", CATALOG)
    (text,) = script.values()
    assert "'{topic} Senior Data Researcher'.format(topic=topic)" in text
    assert "{current_year}'.format(topic=topic, current_year=current_year)" in text


@pytest.mark.parametrize(
    ("said", "kind", "model"),
    [
        ("openai/gpt-4o", "model.provider", "openai:gpt-4o"),
        ("gpt-4o", "model.provider", "openai:gpt-4o"),
        ("claude-sonnet-4-5", "model.provider", "anthropic:claude-sonnet-4-5"),
        ("gemini/gemini-2.5-flash", "model.provider", "google_genai:gemini-2.5-flash"),
        ("azure/gpt-4o", "model.provider", "azure_openai:gpt-4o"),
        ("mistral/mistral-small", "model.provider", "mistralai:mistral-small"),
        ("openrouter/meta/llama-3", "model.provider", "openrouter:meta/llama-3"),
        ("ollama/llama3.2:3b", "model.ollama", "llama3.2:3b"),
        ("my_llm", "model.provider", None),  # a method of the person's Python class
    ],
)
def test_a_model_is_asked_at_whoever_runs_it(said: str, kind: str, model: str | None):
    data = {"a": {"role": "R", "goal": "G", "backstory": "B", "llm": said}}
    (one,) = import_data(data, "crew", CATALOG)
    (made,) = [node for node in one.flow.nodes if node.kind.startswith("model.")]
    assert (made.kind, made.params.get("model")) == (kind, model)
    assert any("who runs it" in line for line in statuses(one).get("name", [])) is (model is None)
    assert "params/invalid" not in {p.code for p in validate(one.flow, CATALOG)}


def test_every_provider_is_one_that_a_flow_may_name():
    assert set(PROVIDERS.values()) <= {*KNOWN, OLLAMA}
    assert {whose for _, whose in BEGINNINGS} <= set(KNOWN)
