# ruff: noqa: E501 - flows in one line
"""Flowise's steps over one conversation: what each model hears, and that only the way taken runs."""

from __future__ import annotations

from typing import Any

from patchbay.flows.checks.validate import validate
from patchbay.flows.problems import errors
from patchbay.flows.runs.api import run
from patchbay.flows.runs.running import LoadedFlow
from tests.flows.exchange.importing import CATALOG, Listening, chatflow, imported, listening
from tests.flows.exchange.test_import_flowise import heard
from tests.flows.runs.harness import environment

MODEL = {"llmModel": "chatOpenAI", "llmModelConfig": {"modelName": "gpt-4o-mini"}}
AGENT = {"agentModel": "chatOpenAI", "agentModelConfig": {"modelName": "gpt-4o-mini"}}
SPAN = '<p><span class="variable" data-id="x">{{ %s }}</span></p>'


def system(text: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": f"<p>{text}</p>"}]


def v2(nodes: dict[str, tuple[str, dict[str, Any]]], *order: str) -> dict[str, Any]:
    """An agentflow of the second version; `order` is "a > b", or "a:1 > b" for a way."""
    data = chatflow(nodes)
    for wire in order:
        begin, finish = wire.split(" > ")
        begin, _, handle = begin.partition(":")
        data["edges"].append(
            {
                "source": begin,
                "target": finish,
                "sourceHandle": f"{begin}-output-{handle or 'out'}",
                "targetHandle": finish,
            }
        )
    return data


def test_a_later_step_hears_question_earlier_words_and_its_own():
    one = imported(
        v2(
            {
                "startAgentflow_0": ("startAgentflow", {"startInputType": "chatInput"}),
                "llmAgentflow_0": (
                    "llmAgentflow",
                    {
                        **MODEL,
                        "llmMessages": system("Plan &amp; go."),
                        "llmReturnResponseAs": "assistantMessage",
                    },
                ),
                "llmAgentflow_1": (
                    "llmAgentflow",
                    {**MODEL, "llmUserMessage": f"<p>Judge</p>{SPAN % 'llmAgentflow_0'}"},
                ),
                "llmAgentflow_2": (
                    "llmAgentflow",
                    {**MODEL, "llmEnableMemory": False, "llmUserMessage": SPAN % "question"},
                ),
            },
            "startAgentflow_0 > llmAgentflow_0",
            "llmAgentflow_0 > llmAgentflow_1",
            "llmAgentflow_1 > llmAgentflow_2",
        )
    )
    talk = [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Yes?"},
        {"role": "user", "content": "Go"},
    ]
    # What does not wait for another step runs at once here: the order is free.
    assert sorted(heard(one, talk), key=len, reverse=True) == [
        [("system", "Plan & go."), ("human", "Hi"), ("ai", "Yes?"), ("human", "Go")],
        [("human", "Go"), ("ai", "<Go>"), ("human", "Judge\n<Go>")],
        [("human", "Go")],
    ]


def test_only_the_way_that_is_taken_runs_and_answers():
    condition = {
        "conditions": [
            {
                "type": "string",
                "value1": SPAN % "question",
                "operation": "contains",
                "value2": "<p>refund</p>",
            }
        ]
    }
    one = imported(
        v2(
            {
                "startAgentflow_0": ("startAgentflow", {}),
                "conditionAgentflow_0": ("conditionAgentflow", condition),
                "agentAgentflow_0": (
                    "agentAgentflow",
                    {**AGENT, "agentMessages": system("Refunds.")},
                ),
                "agentAgentflow_1": (
                    "agentAgentflow",
                    {**AGENT, "agentMessages": system("Sales.")},
                ),
            },
            "startAgentflow_0 > conditionAgentflow_0",
            "conditionAgentflow_0:0 > agentAgentflow_0",
            "conditionAgentflow_0:1 > agentAgentflow_1",
        )
    )
    assert list(errors(validate(one.flow, CATALOG))) == []
    flow = LoadedFlow(listening(one.flow))
    for question, told in (("a refund", "Refunds."), ("a car", "Sales.")):
        Listening.heard.clear()
        said = [{"role": "user", "content": question}]
        done = run(flow, {"question": said}, environment=environment(catalog=CATALOG))
        assert Listening.heard == [[("system", told), ("human", question)]]
        assert done.outputs["answer"] == f"<{question}>"


def test_state_and_fields_become_wires():
    rows = [{"key": "topic", "type": "string", "description": "What it is about"}]
    update = [{"key": "t", "value": "<p>{{ output.topic }}</p>"}]
    one = imported(
        v2(
            {
                "startAgentflow_0": (
                    "startAgentflow",
                    {"startState": [{"key": "t", "value": "none"}]},
                ),
                "llmAgentflow_0": (
                    "llmAgentflow",
                    {**MODEL, "llmStructuredOutput": rows, "llmUpdateState": update},
                ),
                "directReplyAgentflow_0": (
                    "directReplyAgentflow",
                    {"directReplyMessage": f"<p>It is</p>{SPAN % '$flow.state.t'}"},
                ),
            },
            "startAgentflow_0 > llmAgentflow_0",
            "llmAgentflow_0 > directReplyAgentflow_0",
        )
    )
    pick = next(node for node in one.flow.nodes if node.kind == "data.pick")
    assert pick.params["fields"][0]["pointer"] == "/topic"
    ask = next(node for node in one.flow.nodes if node.kind == "model.ask")
    assert ask.params["json_schema"]["required"] == ["topic"]
    assert list(errors(validate(one.flow, CATALOG))) == []


def test_sequential_agents_use_the_model_of_the_start():
    one = imported(
        chatflow(
            {
                "m": ("chatOpenAI", {"modelName": "gpt-4o-mini"}),
                "start": ("seqStart", {}),
                "a": ("seqAgent", {"agentName": "Ann", "systemMessagePrompt": "I am Ann"}),
                "b": (
                    "seqLLMNode",
                    {
                        "llmNodeName": "Bo",
                        "systemMessagePrompt": "I am Bo",
                        "humanMessagePrompt": "End",
                    },
                ),
                "end": ("seqEnd", {}),
            },
            [
                "m.chatOpenAI > start.model",
                "start.seqStart > a.sequentialNode",
                "a.seqAgent > b.sequentialNode",
                "b.seqLLMNode > end.sequentialNode",
            ],
        )
    )
    assert heard(one, [{"role": "user", "content": "Go"}]) == [
        [("system", "I am Ann"), ("human", "Go")],
        [("system", "I am Bo"), ("human", "Go"), ("ai", "<Go>"), ("human", "End")],
    ]


def test_a_supervisor_and_its_workers_are_a_crew():
    one = imported(
        chatflow(
            {
                "m": ("chatOpenAI", {"modelName": "gpt-4o-mini"}),
                "boss": ("supervisor", {"supervisorName": "Boss"}),
                "w": (
                    "worker",
                    {
                        "workerName": "Coder",
                        "workerPrompt": "Write {lang}",
                        "promptValues": '{"lang": "C"}',
                    },
                ),
            },
            ["m.chatOpenAI > boss.model", "boss.supervisor > w.supervisor"],
        )
    )
    assert list(errors(validate(one.flow, CATALOG))) == []
    role = next(node for node in one.flow.nodes if node.kind == "agent.role")
    assert (role.params["role"], role.params["goal"]) == ("Coder", "Write C")
    assert {e.target.partition(".")[2] for e in one.flow.edges} >= {"manager", "agents", "tasks"}
