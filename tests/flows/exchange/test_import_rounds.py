# ruff: noqa: E501 - flows in one line
"""Flowise's ways back, iterations and questions to people: what each model hears, round by round."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from patchbay.flows.checks.validate import validate
from patchbay.flows.document.writing import save_flow
from patchbay.flows.exchange.imports.reading import Imported
from patchbay.flows.problems import errors
from patchbay.flows.runs.api import run
from patchbay.flows.runs.history import History
from patchbay.flows.runs.running import LoadedFlow
from tests.flows.exchange.importing import CATALOG, Listening, chatflow, imported, listening
from tests.flows.exchange.test_import_flowise import statuses
from tests.flows.exchange.test_import_steps import AGENT, MODEL, SPAN, system, v2
from tests.flows.runs.harness import environment


def loaded(one: Imported, folder: Path) -> LoadedFlow:
    """The flow with what it runs beside it, and a model that listens in all of them."""
    for name, part in one.parts.items():
        save_flow(listening(part), folder / name)
    flow = listening(one.flow)
    assert list(errors(validate(flow, CATALOG, folder))) == []
    return LoadedFlow(flow, folder)


def answer(one: Imported, folder: Path, question: Any, **more: Any) -> Any:
    done = run(
        loaded(one, folder),
        {"question": question, **more},
        environment=environment(catalog=CATALOG),
    )
    return done.outputs["answer"]


def count(text: str, most: str) -> dict[str, Any]:
    row = {
        "type": "number",
        "value1": SPAN % text,
        "operation": "smallerEqual",
        "value2": f"<p>{most}</p>",
    }
    return {"conditions": [row]}


def test_two_who_talk_until_enough_was_said(tmp_path: Path):
    """Flowise: `runtime_messages_length` counts what was said in this run after the question."""
    one = imported(
        v2(
            {
                "startAgentflow_0": ("startAgentflow", {"startEphemeralMemory": True}),
                "llmAgentflow_0": ("llmAgentflow", {**MODEL, "llmMessages": system("Ann")}),
                "llmAgentflow_1": ("llmAgentflow", {**MODEL, "llmMessages": system("Bo"), "llmReturnResponseAs": "assistantMessage"}),
                "conditionAgentflow_0": ("conditionAgentflow", count("runtime_messages_length", "3")),
                "loopAgentflow_0": ("loopAgentflow", {"loopBackToNode": "llmAgentflow_0-Ann", "maxLoopCount": "9"}),
                "llmAgentflow_2": ("llmAgentflow", {**MODEL, "llmUserMessage": "<p>Sum up</p>"}),
            },
            "startAgentflow_0 > llmAgentflow_0",
            "llmAgentflow_0 > llmAgentflow_1",
            "llmAgentflow_1 > conditionAgentflow_0",
            "conditionAgentflow_0:0 > loopAgentflow_0",
            "conditionAgentflow_0:1 > llmAgentflow_2",
        )
    )  # fmt: skip
    Listening.script[:] = ["a1", "b1", "a2", "b2", "done"]
    assert answer(one, tmp_path, "Go") == "done"
    talk = [("human", "Go"), ("human", "a1"), ("ai", "b1"), ("human", "a2"), ("ai", "b2")]
    assert Listening.heard == [
        [("system", "Ann"), *talk[:1]],
        [("system", "Bo"), *talk[:2]],
        [("system", "Ann"), *talk[:3]],
        [("system", "Bo"), *talk[:4]],
        [*talk, ("human", "Sum up")],
    ]
    loop = next(n for n in one.flow.nodes if n.kind == "logic.loop")
    assert loop.params["most"] == 9
    assert any("until a round answers" in line for line in statuses(one)["approximated"])


def test_writer_and_teacher_stop_after_so_many_messages(tmp_path: Path):
    """Sequential agents: the end of a condition answers with what was said last."""
    ui = [
        {
            "variable": "$flow.state.messages.length",
            "operation": "Less Than or Equal To",
            "value": "2",
            "output": "Grading",
        }
    ]
    one = imported(
        chatflow(
            {
                "m": ("chatOpenAI", {"modelName": "gpt-4o-mini"}),
                "start": ("seqStart", {}),
                "w": ("seqLLMNode", {"llmNodeName": "Writer", "systemMessagePrompt": "Write"}),
                "c": ("seqCondition", {"conditionUI": json.dumps(ui)}),
                "t": ("seqLLMNode", {"llmNodeName": "Teacher", "systemMessagePrompt": "Grade"}),
                "end": ("seqEnd", {}),
                "loop": ("seqLoop", {"loopToName": "Writer"}),
            },
            [
                "m.chatOpenAI > start.model",
                "start.seqStart > w.sequentialNode",
                "w.seqLLMNode > c.sequentialNode",
                "c.grading > t.sequentialNode",
                "c.end > end.sequentialNode",
                "t.seqLLMNode > loop.sequentialNode",
            ],
        )
    )
    Listening.script[:] = ["essay 1", "grade 1", "essay 2"]
    said = [{"role": "user", "content": "Cats"}]
    assert answer(one, tmp_path, said) == "essay 2"
    assert Listening.heard == [
        [("system", "Write"), ("human", "Cats")],
        [("system", "Grade"), ("human", "Cats"), ("ai", "essay 1")],
        [("system", "Write"), ("human", "Cats"), ("ai", "essay 1"), ("ai", "grade 1")],
    ]


def test_a_supervisor_hands_on_by_the_state(tmp_path: Path):
    """The state that a step writes decides the way, and goes into the next round."""
    rows = [
        {"key": "next", "type": "enum", "enumValues": "FINISH, WORK"},
        {"key": "todo", "type": "string"},
    ]
    update = [
        {"key": "next", "value": "<p>{{ output.next }}</p>"},
        {"key": "todo", "value": "<p>{{ output.todo }}</p>"},
    ]
    row = {
        "type": "string",
        "value1": SPAN % "$flow.state.next",
        "operation": "equal",
        "value2": "<p>WORK</p>",
    }
    one = imported(
        v2(
            {
                "startAgentflow_0": ("startAgentflow", {"startState": [{"key": "next", "value": ""}, {"key": "todo", "value": "nothing"}]}),
                "llmAgentflow_0": ("llmAgentflow", {**MODEL, "llmUserMessage": f"<p>Who? Last was</p>{SPAN % '$flow.state.todo'}", "llmStructuredOutput": rows, "llmUpdateState": update}),
                "conditionAgentflow_0": ("conditionAgentflow", {"conditions": [row]}),
                "llmAgentflow_1": ("llmAgentflow", {**MODEL, "llmUserMessage": SPAN % "$flow.state.todo"}),
                "llmAgentflow_2": ("llmAgentflow", {**MODEL, "llmUserMessage": "<p>Now all</p>"}),
                "loopAgentflow_0": ("loopAgentflow", {"loopBackToNode": "llmAgentflow_0-Supervisor"}),
            },
            "startAgentflow_0 > llmAgentflow_0",
            "llmAgentflow_0 > conditionAgentflow_0",
            "conditionAgentflow_0:0 > llmAgentflow_1",
            "conditionAgentflow_0:1 > llmAgentflow_2",
            "llmAgentflow_1 > loopAgentflow_0",
        )
    )  # fmt: skip
    work, over = '{"next": "WORK", "todo": "dig"}', '{"next": "FINISH", "todo": "rest"}'
    Listening.script[:] = [work, "dug", over, "all done"]
    assert answer(one, tmp_path, [{"role": "user", "content": "Go"}]) == "all done"
    told = [[m for m in heard if m[0] != "system"] for heard in Listening.heard]
    begin = [("human", "Go"), ("human", work), ("human", "dug")]
    assert told == [
        [*begin[:1], ("human", "Who? Last was\nnothing")],
        [*begin[:2], ("human", "dig")],
        [*begin, ("human", "Who? Last was\ndig")],
        [*begin, ("human", over), ("human", "Now all")],
    ]


def test_an_iteration_runs_its_steps_for_each_item(tmp_path: Path):
    """Each item begins anew: it hears the question, and not what others said."""
    data = v2(
        {
            "startAgentflow_0": ("startAgentflow", {}),
            "iterationAgentflow_0": ("iterationAgentflow", {"iterationInput": '<p>[{"name": "x"}, {"name": "y"}]</p>'}),
            "llmAgentflow_0": ("llmAgentflow", {**MODEL, "llmUserMessage": "<p>Say {{ $iteration.name }}</p>"}),
            "llmAgentflow_1": ("llmAgentflow", {**MODEL, "llmUserMessage": SPAN % "iterationAgentflow_0"}),
        },
        "startAgentflow_0 > iterationAgentflow_0",
        "iterationAgentflow_0 > llmAgentflow_1",
    )  # fmt: skip
    data["nodes"][2]["parentNode"] = "iterationAgentflow_0"
    one = imported(data)
    Listening.script[:] = ["X", "Y", "end"]
    assert answer(one, tmp_path, [{"role": "user", "content": "Go"}]) == "end"
    assert Listening.heard == [
        [("human", "Go"), ("human", "Say x")],
        [("human", "Go"), ("human", "Say y")],
        [("human", "Go"), ("human", "X\nY")],
    ]
    assert any("For each" in line for line in statuses(one)["approximated"])


def test_a_person_rejects_and_the_agent_tries_again(tmp_path: Path):
    """What the person is asked and says is part of the conversation, as there."""
    one = imported(
        v2(
            {
                "startAgentflow_0": ("startAgentflow", {}),
                "agentAgentflow_0": ("agentAgentflow", {**AGENT, "agentMessages": system("Write a mail")}),
                "humanInputAgentflow_0": ("humanInputAgentflow", {"humanInputDescriptionType": "fixed", "humanInputDescription": "<p>Send it?</p>", "humanInputEnableFeedback": True}),
                "loopAgentflow_0": ("loopAgentflow", {"loopBackToNode": "agentAgentflow_0-Agent", "maxLoopCount": 5}),
                "llmAgentflow_0": ("llmAgentflow", {**MODEL, "llmUserMessage": "<p>Now as JSON</p>"}),
            },
            "startAgentflow_0 > agentAgentflow_0",
            "agentAgentflow_0 > humanInputAgentflow_0",
            "humanInputAgentflow_0:0 > llmAgentflow_0",
            "humanInputAgentflow_0:1 > loopAgentflow_0",
        )
    )  # fmt: skip
    Listening.script[:] = ["mail 1", "mail 2", "{}"]
    history = History(f"sqlite:///{tmp_path}/runs.sqlite")
    flow, env = loaded(one, tmp_path), environment(catalog=CATALOG)
    said = {"question": [{"role": "user", "content": "Bo"}]}
    done = run(flow, said, environment=env, record=True, history=history)
    assert done.status == "waiting"
    done = done.answer(approve=False, comment="Shorter")
    assert done.status == "waiting"
    done = done.answer(approve=True)
    assert done.outputs["answer"] == "{}"
    first = [("human", "Bo"), ("ai", "mail 1\n\nSend it?"), ("human", "Shorter")]
    first[1] = ("human", "mail 1")
    asked = [*first[:2], ("ai", "mail 1\n\nSend it?"), ("human", "Shorter")]
    assert Listening.heard == [
        [("system", "Write a mail"), ("human", "Bo")],
        [("system", "Write a mail"), *asked],
        [*asked, ("human", "mail 2"), ("ai", "mail 2\n\nSend it?"), ("human", "Now as JSON")],
    ]


def test_a_way_back_to_nowhere_is_refused_and_the_rest_opens():
    one = imported(
        v2(
            {
                "startAgentflow_0": ("startAgentflow", {}),
                "llmAgentflow_0": ("llmAgentflow", MODEL),
                "loopAgentflow_0": ("loopAgentflow", {"loopBackToNode": "llmAgentflow_7-X"}),
            },
            "startAgentflow_0 > llmAgentflow_0",
            "llmAgentflow_0 > loopAgentflow_0",
        )
    )
    assert any("Loop" in line for line in statuses(one)["refused"])
    assert [n.kind for n in one.flow.nodes if n.disabled] == ["flowise:loopAgentflow"]
