"""Flowise: the messages that reach the model are those that Flowise sends; losses are told."""

from __future__ import annotations

import json

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.exchange.imports.reading import import_data
from patchbay.flows.problems import errors
from patchbay.flows.runs.api import run
from patchbay.flows.runs.running import LoadedFlow
from tests.flows.exchange.importing import (
    CATALOG,
    Heard,
    Imported,
    Listening,
    chatflow,
    imported,
    listening,
    workspace,
)
from tests.flows.runs.harness import environment

MODEL = ("chatOpenAI", {"modelName": "gpt-4o-mini", "temperature": "0.2"})


def heard(one: Imported, question: object) -> list[Heard]:
    """What the models of an imported flow were told."""
    assert list(errors(validate(one.flow, CATALOG))) == []
    run(
        LoadedFlow(listening(one.flow)),
        {"question": question},
        environment=environment(catalog=CATALOG),
    )
    return Listening.heard


def statuses(one: Imported) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for entry in one.report.entries:
        found.setdefault(entry.status, []).append(f"{entry.what}: {entry.words}")
    return found


def test_an_llm_chain_asks_its_filled_prompt():
    one = imported(
        chatflow(
            {
                "model": MODEL,
                "prompt": ("promptTemplate", {"template": "Name a {{colour}} of {thing}."}),
                "chain": ("llmChain", {}),
            },
            ["model.chatOpenAI > chain.model", "prompt.promptTemplate > chain.prompt"],
        )
    )
    # {{ }} are literal braces to LangChain; the one variable without a value is the question.
    assert heard(one, "a flag") == [[("human", "Name a {colour} of a flag.")]]
    model = next(node for node in one.flow.nodes if node.kind == "model.provider")
    assert model.params == {"model": "openai:gpt-4o-mini", "temperature": 0.2}


def test_a_chat_prompt_becomes_system_and_user():
    one = imported(
        chatflow(
            {
                "model": MODEL,
                "prompt": (
                    "chatPromptTemplate",
                    {
                        "systemMessagePrompt": "Translate to {language}.",
                        "humanMessagePrompt": "{text}",
                        "promptValues": '{"language": "French", "text": "{{question}}"}',
                    },
                ),
                "chain": ("llmChain", {}),
            },
            ["model.chatOpenAI > chain.model", "prompt.chatPromptTemplate > chain.prompt"],
        )
    )
    assert heard(one, "Good day") == [[("system", "Translate to French."), ("human", "Good day")]]


def test_javascript_in_a_chat_prompt_is_left_out_and_told():
    one = imported(
        chatflow(
            {"p": ("chatPromptTemplate", {"messageHistory": "() => fs", "humanMessagePrompt": "x"})}
        )
    )
    assert "never run" in statuses(one)["refused"][0]


def test_chains_follow_one_another_by_references():
    one = imported(
        chatflow(
            {
                "model": MODEL,
                "first": (
                    "promptTemplate",
                    {"template": "Plan {goal}", "promptValues": '{"goal":"{{question}}"}'},
                ),
                "one": ("llmChain", {}),
                "second": (
                    "promptTemplate",
                    {
                        "template": "{plan} for {goal}",
                        "promptValues": '{"goal":"{{question}}","plan":"{{one.data.instance}}"}',
                    },
                ),
                "two": ("llmChain", {}),
            },
            [
                "model.chatOpenAI > one.model",
                "model.chatOpenAI > two.model",
                "first.promptTemplate > one.prompt",
                "one.outputPrediction > second.promptValues",
                "second.promptTemplate > two.prompt",
            ],
        )
    )
    assert heard(one, "tea") == [[("human", "Plan tea")], [("human", "<Plan tea> for tea")]]


TALK = [
    {"role": "user", "content": "I am Ann."},
    {"role": "assistant", "content": "Hello Ann."},
    {"role": "user", "content": "Who am I?"},
]


@pytest.mark.parametrize(
    ("kind", "inputs", "system"),
    [
        ("conversationChain", {"systemMessagePrompt": "Be kind."}, "Be kind."),
        ("simpleChatEngine", {"systemMessagePrompt": "Be kind."}, "Be kind."),
        ("toolAgent", {"systemMessage": "Be brief."}, "Be brief."),
        ("conversationalAgent", {"systemMessage": "Be brief."}, "Be brief."),
        ("reactAgentChat", {}, None),
    ],
)
def test_what_remembers_hears_system_history_and_question(kind, inputs, system):
    one = imported(
        chatflow(
            {"model": MODEL, "memory": ("bufferMemory", {}), "it": (kind, inputs)},
            ["model.chatOpenAI > it.model", "memory.bufferMemory > it.memory"],
        )
    )
    turns = [("human", "I am Ann."), ("ai", "Hello Ann."), ("human", "Who am I?")]
    assert heard(one, TALK) == [([("system", system)] if system else []) + turns]


def test_without_memory_only_the_question_is_asked():
    one = imported(
        chatflow({"model": MODEL, "it": ("toolAgent", {})}, ["model.chatOpenAI > it.model"])
    )
    assert heard(one, "Hello?") == [[("human", "Hello?")]]


def test_a_schema_in_zod_is_read_as_data():
    zod = "z.object({ title: z.string().describe('Its name'), year: z.number().int().optional() })"
    one = imported(
        chatflow(
            {
                "model": MODEL,
                "prompt": ("promptTemplate", {"template": "{text}"}),
                "parser": ("advancedStructuredOutputParser", {"exampleJson": zod}),
                "chain": ("llmChain", {}),
            },
            [
                "model.chatOpenAI > chain.model",
                "prompt.promptTemplate > chain.prompt",
                "parser.advancedStructuredOutputParser > chain.outputParser",
            ],
        )
    )
    ask = next(node for node in one.flow.nodes if node.kind == "model.ask")
    assert ask.params["json_schema"] == {
        "type": "object",
        "properties": {
            "title": {"type": "string", "description": "Its name"},
            "year": {"type": "integer"},
        },
        "required": ["title"],
    }


def test_a_shared_splitter_stands_behind_each_loader():
    one = imported(
        chatflow(
            {
                "splitter": ("recursiveCharacterTextSplitter", {"chunkSize": "2000"}),
                "file": ("textFile", {}),
                "store": ("faiss", {}),
                "vectors": ("openAIEmbeddings", {}),
                "model": MODEL,
                "chain": ("conversationalRetrievalQAChain", {"responsePrompt": "Use {context}"}),
            },
            [
                "splitter.recursiveCharacterTextSplitter > file.textSplitter",
                "file.document > store.document",
                "vectors.openAIEmbeddings > store.embeddings",
                "store.retriever > chain.vectorStoreRetriever",
                "model.chatOpenAI > chain.model",
            ],
        )
    )
    assert list(errors(validate(one.flow, CATALOG))) == []
    split = next(node for node in one.flow.nodes if node.kind == "retrieval.split")
    assert split.params["size"] == 500  # characters there, tokens here
    assert any("a folder or a file" in line for line in statuses(one)["name"])
    assert any("four characters" in line for line in statuses(one)["approximated"])


def test_code_is_never_run_and_its_source_is_kept_as_a_note():
    source = "require('child_process').execSync('touch /tmp/never')"
    one = imported(chatflow({"code": ("customFunction", {"javascriptFunction": source})}))
    (stub,) = one.flow.nodes
    assert (stub.kind, stub.disabled) == ("flowise:customFunction", True)
    assert source in one.flow.notes[0].text
    assert "never run" in statuses(one)["refused"][0]


def test_an_unknown_type_is_a_stub_that_keeps_its_wires():
    one = imported(
        chatflow(
            {"odd": ("newThing", {"depth": 3}), "model": MODEL, "it": ("toolAgent", {})},
            [
                "odd.newThing > it.tools",
                "model.chatOpenAI > it.model",
                "model.chatOpenAI > odd.model",
            ],
        )
    )
    ends = {(edge.source, edge.target) for edge in one.flow.edges}
    assert ("newthing.newThing", "toolagent.tools") in ends
    assert ("chatopenai.model", "newthing.model") in ends
    assert one.flow.node("newthing").params == {"settings": {"depth": 3}}


def test_two_tools_of_one_name_get_names_of_their_own():
    one = imported(
        chatflow(
            {
                "a": ("calculator", {}),
                "b": ("calculator", {}),
                "model": MODEL,
                "it": ("toolAgent", {}),
            },
            ["a.calculator > it.tools", "b.calculator > it.tools", "model.chatOpenAI > it.model"],
        )
    )
    names = [
        n.params.get("name", "calculator") for n in one.flow.nodes if n.kind == "tool.calculator"
    ]
    assert names == ["calculator", "calculator_2"]


def test_a_literal_key_becomes_a_reference_and_stands_nowhere():
    key = "sk-" + "a1B2" * 10
    one = imported(
        chatflow(
            {
                "model": ("chatOpenAI", {"modelName": "gpt-4o", "openAIApiKey": key}),
                "prompt": ("promptTemplate", {"template": f"Use {key} for {{text}}"}),
                "odd": ("newThing", {"apiKey": key, "note": f"my key is {key}, keep it"}),
            }
        )
    )
    assert key not in one.flow.model_dump_json()
    assert key not in str(one.report)
    assert any("OPENAI_API_KEY" in line for line in statuses(one)["name"])


def test_a_wire_that_no_edge_draws_is_kept():
    one = imported(
        chatflow(
            {"model": MODEL, "it": ("toolAgent", {"model": "{{model.data.instance}}"})},
        )
    )
    assert [(edge.source, edge.target) for edge in one.flow.edges if "model" in edge.target] == [
        ("chatopenai.model", "toolagent.model")
    ]


def test_a_workspace_holds_several_flows():
    flow = chatflow({"model": MODEL, "it": ("toolAgent", {})}, ["model.chatOpenAI > it.model"])
    found = list(import_data(workspace(First=flow, Second=flow), "workspace", CATALOG))
    assert [one.flow.name for one in found] == ["First", "Second"]


def test_export_all_names_the_flows_that_flows_run():
    """As Flowise 3.1 writes it: rows with ids, `flowData` as text, and much that is no flow."""
    inner = chatflow({"chain": ("llmChain", {}), "model": ("chatOpenAI", {})},
                     ["model.chatOpenAI > chain.model"])  # fmt: skip
    tool = {"name": "ask it", "description": "Knows.", "selectedChatflow": "id-1"}
    outer = chatflow(
        {"agent": ("toolAgent", {}), "model": ("chatOpenAI", {}), "tool": ("chatflowTool", tool),
         "gone": ("chatflowTool", {**tool, "name": "other", "selectedChatflow": "id-9"})},
        ["model.chatOpenAI > agent.model", "tool.chatflowTool > agent.tools",
         "gone.chatflowTool > agent.tools"],
    )  # fmt: skip
    rows = [("id-1", "Facts!", inner), ("id-2", "Facts", outer)]
    data = {
        "AgentFlow": [],
        "AgentFlowV2": [],
        "AssistantCustom": [],
        "ChatFlow": [
            {"id": flow_id, "name": name, "flowData": json.dumps(flow), "type": "CHATFLOW",
             "deployed": False, "chatbotConfig": None, "workspaceId": "w"}
            for flow_id, name, flow in rows
        ],
        "ChatMessage": [{"role": "userMessage", "content": "hello"}] * 3,
        "CustomTemplate": [{"name": "Mine", "flowData": json.dumps(inner)}, {"name": "A tool"}],
        "Tool": [{"id": "t", "name": "js", "func": "return 1"}],
        "Variable": [],
    }  # fmt: skip
    found = list(import_data(data, "ExportData", CATALOG))
    assert [one.flow.name for one in found] == ["Facts!", "Facts", "Mine"]
    tools = [node.params for node in found[1].flow.nodes if node.kind == "tool.flow"]
    assert [params.get("flow") for params in tools] == ["facts", None]
    named = [entry.what for entry in found[1].report.of("name") if "the flow that" in entry.words]
    assert len(named) == 1
    remarks = [e.words for e in found[0].report.of("approximated") if e.what == "The file"]
    assert remarks == ["the export also holds 3 chat messages, 1 custom tools, which are not "
                       "taken over"]  # fmt: skip
    assert not [e for e in found[1].report.entries if e.what == "The file"]


def test_places_and_notes_come_along():
    one = imported(chatflow({"note": ("stickyNote", {"note": "Mind the gap"}), "model": MODEL}))
    assert one.flow.notes[0].text == "Mind the gap"
    assert (one.flow.layout["chatopenai"].x, one.flow.layout["chatopenai"].y) == (300, 40)


def test_a_filled_database_is_searched_and_its_address_is_asked_for():
    one = imported(
        chatflow(
            {
                "model": MODEL,
                "emb": ("openAIEmbeddings", {}),
                "store": (
                    "pinecone",
                    {
                        "pineconeIndex": "ix",
                        "pineconeNamespace": "n",
                        "pineconeMetadataFilter": '{"a": 1}',
                    },
                ),
                "tool": ("retrieverTool", {"name": "look", "description": "Looks"}),
                "agent": ("toolAgent", {}),
            },
            [
                "model.chatOpenAI > agent.model",
                "emb.openAIEmbeddings > store.embeddings",
                "store.retriever > tool.retriever",
                "tool.retrieverTool > agent.tools",
            ],
        )
    )
    store = next(node for node in one.flow.nodes if node.kind == "retrieval.store")
    assert store.params == {
        "store": "pinecone",
        "collection": "ix",
        "space": "n",
        "text_field": "text",
    }
    told = statuses(one)
    assert any("in the param url" in line for line in told["name"])
    assert any("filter by metadata" in line for line in told["approximated"])


def test_documents_that_are_wired_into_a_database_become_an_index():
    one = imported(
        chatflow(
            {
                "model": MODEL,
                "emb": ("openAIEmbeddings", {}),
                "file": ("textFile", {}),
                "store": ("pinecone", {"pineconeIndex": "ix"}),
                "chain": ("conversationalRetrievalQAChain", {}),
            },
            [
                "model.chatOpenAI > chain.model",
                "emb.openAIEmbeddings > store.embeddings",
                "file.document > store.document",
                "store.retriever > chain.vectorStoreRetriever",
            ],
        )
    )
    assert list(errors(validate(one.flow, CATALOG))) == []
    assert "retrieval.index" in {node.kind for node in one.flow.nodes}


def test_an_agent_that_interrupts_has_a_person_decide_about_its_tools():
    one = imported(
        chatflow(
            {
                "model": MODEL,
                "calc": ("calculator", {}),
                "start": ("seqStart", {}),
                "a": ("seqAgent", {"agentName": "Ann", "interrupt": True}),
            },
            [
                "model.chatOpenAI > start.model",
                "calc.calculator > a.tools",
                "start.seqStart > a.sequentialNode",
            ],
        )
    )
    assert list(errors(validate(one.flow, CATALOG))) == []
    ends = {(e.source.partition(".")[0], e.target.partition(".")[0]) for e in one.flow.edges}
    kinds = {node.id: node.kind for node in one.flow.nodes}
    pairs = {(kinds[a], kinds[b]) for a, b in ends}
    assert ("tool.calculator", "tool.ask_first") in pairs
    assert ("tool.ask_first", "agent.react") in pairs
    assert ("tool.calculator", "agent.react") not in pairs


def test_a_chain_over_replicate_calls_the_service():
    version = "stability-ai/sdxl:" + "a1" * 32
    one = imported(
        chatflow(
            {
                "r": ("replicate", {"model": version, "temperature": "0.7", "maxTokens": ""}),
                "p": ("promptTemplate", {"template": "Paint {thing}"}),
                "chain": ("llmChain", {}),
            },
            ["r.replicate > chain.model", "p.promptTemplate > chain.prompt"],
        )
    )
    assert list(errors(validate(one.flow, CATALOG))) == []
    made = next(node for node in one.flow.nodes if node.kind == "media.image_service")
    assert made.params == {
        "model": version,
        "input": {"prompt": "{prompt}", "temperature": 0.7},
    }
    assert "refused" not in statuses(one)


def test_an_agent_over_replicate_is_left_a_stub():
    one = imported(
        chatflow(
            {"r": ("replicate", {"model": "a/b"}), "a": ("toolAgent", {})},
            ["r.replicate > a.model"],
        )
    )
    assert any("agent" in line for line in statuses(one)["refused"])
