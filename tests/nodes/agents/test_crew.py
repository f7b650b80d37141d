"""A crew, exactly: on scripted models, through the real engine and the real CrewAI."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from patchbay.flows.runs.events import NodeStepped, RunCancelled
from patchbay.flows.runs.running import Run
from patchbay.nodes.contract import DescribingNode, Ports, port
from patchbay.nodes.values import EmbeddingsSpec, Opening
from tests.flows.runs import harness
from tests.nodes.agents.conftest import (
    CATALOG,
    environment,
    events,
    outputs,
    problem,
    steps,
    warnings,
)
from tests.nodes.agents.scripted import ASKED, answer, call
from tests.paths import python_path

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:crewai")
ROOT = Path(__file__).parents[3]

OUT = {"text": ("io.output", {"name": "text"}), "usage": ("io.output", {"name": "usage"}),
       "done": ("io.output", {"name": "done"})}  # fmt: skip
WIRES = ["crew.text > text.value", "crew.usage > usage.value", "crew.tasks > done.value"]


def crew(**params: Any) -> dict[str, Any]:
    """Two roles: one that calculates, one that writes."""
    return {
        "thinker": ("test.scripted", {"name": "thinker", "lines": params.pop("thinker")}),
        "writer": ("test.scripted", {"name": "writer", "lines": params.pop("writer", ["Done."])}),
        "calculator": "tool.calculator",
        "analyst": ("agent.role", {"role": "Analyst", **params.pop("analyst", {})}),
        "author": ("agent.role", {"role": "Author", **params.pop("author", {})}),
        "work": ("agent.task", {"description": "Work out 17 * 24.", "expected": "A number."}),
        "report": ("agent.task", {"description": "Write it down.", **params.pop("report", {})}),
        "crew": ("agent.crew", params),
        **OUT,
    }


CREW_WIRES = [
    "thinker.model > analyst.model",
    "calculator.tool > analyst.tools",
    "writer.model > author.model",
    "analyst.agent > work.agent",
    "author.agent > report.agent",
    "work.task > report.context",
    "work.task > crew.tasks",
    "report.task > crew.tasks",
    *WIRES,
]


async def test_two_roles_do_their_tasks_and_each_step_is_told():
    happened = await events(
        crew(
            thinker=[call("calculator", expression="17 * 24"), answer("It is 408.")],
            writer=["The product is 408."],
        ),
        CREW_WIRES,
    )
    assert steps(happened) == [
        ("Analyst", "tool call", '{"expression": "17 * 24"}'),
        ("Analyst", "tool result", "408"),
        ("Analyst", "answer", "It is 408."),
        ("Author", "answer", "The product is 408."),
    ]
    given = outputs(happened)
    assert given["text"] == "The product is 408."
    assert [(t["agent"], t["result"], t["done"]) for t in given["done"]] == [
        ("Analyst", "It is 408.", True),
        ("Author", "The product is 408.", True),
    ]
    rows = [row[:5] for row in given["usage"].rows]
    assert rows == [("Analyst", 2, 1, 20, 10), ("Author", 1, 0, 10, 5), ("all", 3, 1, 30, 15)]
    assert "It is 408." in ASKED["writer"][0][-1][1]  # the context arrived
    assert warnings(happened) == []


PRODUCT = [call("calculator", expression="17 * 24"), answer("It is 408.")]


async def crew_run(**params: Any) -> list[Any]:
    return await events(crew(**{"thinker": PRODUCT, **params}), CREW_WIRES)


async def test_a_role_without_a_task_belongs_to_the_crew():
    """Free work: one task without anybody, roles beside it, a manager who may choose them."""
    nodes = crew(thinker=["Paris."], process="hierarchical")
    nodes["boss"] = ("test.scripted", {"name": "boss", "lines": ["It is Paris."]})
    wires = [
        "thinker.model > analyst.model", "writer.model > author.model", "boss.model > crew.manager",
        "analyst.agent > crew.agents", "author.agent > crew.agents", "work.task > crew.tasks",
        *WIRES,
    ]  # fmt: skip
    happened = await events({k: v for k, v in nodes.items() if k != "report"}, wires)
    assert outputs(happened)["text"] == "It is Paris."
    asked = "\n".join(text for _, text in ASKED["boss"][0])
    assert "Analyst" in asked
    assert "Author" in asked


async def test_a_role_that_is_in_a_task_and_in_the_crew_counts_once():
    happened = await events(crew(thinker=PRODUCT), [*CREW_WIRES, "analyst.agent > crew.agents"])
    rows = [row[0] for row in outputs(happened)["usage"].rows]
    assert rows == ["Analyst", "Author", "all"]


async def test_a_model_with_tool_calls_of_its_own():
    nodes = crew(thinker=[PRODUCT[0], "It is 408."])
    nodes["thinker"][1]["native"] = True
    happened = await events(nodes, CREW_WIRES)
    assert outputs(happened)["done"][0]["result"] == "It is 408."
    assert ("Analyst", "tool result", "408") in steps(happened)


async def test_tools_in_crewais_text_format():
    lines = [
        'Thought: a product\nAction: calculator\nAction Input: {"expression": "17 * 24"}',
        "Thought: I know\nFinal Answer: It is 408.",
    ]
    happened = await crew_run(thinker=lines, analyst={"tool_format": "text"})
    assert outputs(happened)["done"][0]["result"] == "It is 408."
    assert ("Analyst", "tool result", "408") in steps(happened)
    assert "Action Input:" in ASKED["thinker"][0][0][1]  # CrewAI has told it the format


async def test_a_result_that_follows_a_schema():
    shape = {
        "type": "object",
        "properties": {"value": {"type": "integer"}},
        "required": ["value"],
    }
    report = {"output_schema": shape}
    happened = await crew_run(writer=['{"value": 408}'], report=report)
    assert outputs(happened)["done"][1]["json"] == {"value": 408}
    found = problem(await crew_run(writer=["408"], report=report))
    assert (found.code, "does not follow its schema" in found.message) == ("agent/not-json", True)


async def test_a_role_that_may_delegate_hands_work_over():
    work = {"task": "Write it.", "context": "408", "coworker": "Author"}
    happened = await crew_run(
        thinker=[call("delegate_work_to_coworker", **work), answer("Author did it.")],
        analyst={"delegation": True},
        writer=["I wrote 408.", "Done."],
    )
    assert [(who, what) for who, what, _ in steps(happened)] == [
        ("Analyst", "delegation"),
        ("Author", "answer"),
        ("Analyst", "answer"),
        ("Author", "answer"),
    ]
    assert outputs(happened)["done"][0]["result"] == "Author did it."


async def test_a_manager_gives_the_tasks_to_the_roles():
    work = {"task": "17 * 24", "context": "none", "coworker": "Analyst"}
    nodes = crew(thinker=PRODUCT, process="hierarchical")
    lines = [call("delegate_work_to_coworker", **work), answer("408"), answer("All done.")]
    nodes["boss"] = ("test.scripted", {"name": "boss", "lines": lines})
    del nodes["author"], nodes["writer"]
    wires = [wire for wire in CREW_WIRES if "author" not in wire]
    happened = await events(nodes, [*wires, "boss.model > crew.manager"])
    assert [(who, what) for who, what, _ in steps(happened)] == [
        ("Crew Manager", "delegation"),
        ("Analyst", "tool call"),
        ("Analyst", "tool result"),
        ("Analyst", "answer"),
        ("Crew Manager", "answer"),
        ("Crew Manager", "answer"),
    ]
    given = outputs(happened)
    assert given["text"] == "All done."
    assert [row[0] for row in given["usage"].rows] == ["Crew Manager", "Analyst", "all"]


# --- bad input -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("habit", "observed"),
    [("raises", "Error: the tool broke"), ("hangs", "did not answer within 0.3 s")],
)
async def test_a_tool_that_misbehaves(habit: str, observed: str):
    nodes = crew(thinker=[call("odd", text="go"), answer("Without it.")])
    nodes["calculator"] = ("test.odd_tool", {"habit": habit})
    happened = await events(nodes, CREW_WIRES)
    assert outputs(happened)["done"][0]["result"] == "Without it."
    [result] = [text for _, what, text in steps(happened) if what == "tool result"]
    assert observed in result


async def test_a_role_that_loops_has_to_answer():
    lines = [call("calculator", expression=f"{n} + 1") for n in range(3)]
    happened = await crew_run(thinker=[*lines, "Well then."], analyst={"iterations": 3})
    assert outputs(happened)["done"][0]["result"] == "Well then."


async def test_a_model_that_fails_or_says_nothing():
    assert "the provider is down" in problem(await crew_run(thinker=["(fails)"])).message
    happened = await crew_run(thinker=[answer("")])
    assert outputs(happened)["done"][0]["result"] == "(no answer)"
    assert warnings(happened) == ["Analyst gave an empty answer."]


# --- budgets -------------------------------------------------------------------------------------


async def test_a_role_whose_budget_is_spent_hands_over_what_it_has():
    thinks = '{"thought": "It is about 400.", "tool": "calculator", "input": {"expression": "1"}}'
    happened = await crew_run(thinker=[thinks, "never"], analyst={"max_tokens": 12})
    given = outputs(happened)
    assert [t["result"] for t in given["done"]] == ["It is about 400.", "Done."]
    assert warnings(happened) == ["Analyst stopped early: the 12 tokens of Analyst are spent."]


async def test_a_crew_whose_budget_is_spent_keeps_what_is_done():
    happened = await crew_run(max_tokens=25)
    given = outputs(happened)
    assert [(t["result"], t["done"]) for t in given["done"]] == [("It is 408.", True), ("", False)]
    assert given["text"] == "It is 408."
    assert warnings(happened) == [
        "The crew stopped early: the 25 tokens of the crew are spent. What is done is kept."
    ]


async def test_a_budget_of_calls_leaves_an_answer():
    lines = [call("calculator", expression="1"), call("calculator", expression="2"), "Enough."]
    happened = await crew_run(thinker=lines, max_tool_calls=2)
    assert outputs(happened)["done"][0]["result"] == "Enough."
    assert outputs(happened)["usage"].rows[0][2] == 2


async def test_a_crew_with_nothing_to_show_fails():
    found = problem(await crew_run(max_seconds=1e-9))
    assert found.code == "agent/budget"


async def test_cancelling_stops_a_crew_while_a_model_thinks():
    nodes = crew(thinker=PRODUCT)
    nodes["writer"][1]["delay_s"] = 600
    run = Run(harness.flow(nodes, CREW_WIRES), {}, environment(), ())
    happened = []
    async with asyncio.timeout(240):
        async for event in run.events():
            happened.append(event)
            if isinstance(event, NodeStepped) and event.what == "answer":
                await asyncio.sleep(0.5)
                run.cancel()
    assert isinstance(happened[-1], RunCancelled)


# --- memory --------------------------------------------------------------------------------------


class Letters(EmbeddingsSpec):
    """Counts letters: a toy, but texts with the same letters are alike."""

    backend: ClassVar[str] = "letters"

    def open(self, opening: Opening) -> Any:
        from langchain_core.embeddings import Embeddings

        class Counting(Embeddings):
            def embed_documents(self, texts: list[str]) -> list[list[float]]:
                return [[float(t.lower().count(c)) for c in "abcdefghij0123456789"] for t in texts]

            def embed_query(self, text: str) -> list[float]:
                return self.embed_documents([text])[0]

        return Counting()


class LettersNode(DescribingNode):
    """Embeddings by letters, for tests."""

    kind, title, family = "test.letters", "Letters", "Test"

    class Outputs(Ports):
        embeddings: Letters = port(doc="The embeddings.")

    @classmethod
    def describe(cls, params: Any, inputs: Ports) -> Outputs:
        return cls.Outputs(embeddings=Letters())


async def test_a_crew_with_memory_remembers_at_home(at_home: Path):
    nodes = crew(thinker=PRODUCT, memory="local") | {"letters": "test.letters"}
    flow = harness.flow(nodes, [*CREW_WIRES, "letters.embeddings > crew.embeddings"])
    env = environment(catalog=CATALOG.extended([LettersNode]))
    await harness.events_of(flow, {}, env)
    assert "It is 408." not in ASKED["thinker"][0][-1][1]
    env = environment(catalog=CATALOG.extended([LettersNode]))
    happened = await harness.events_of(flow, {}, env)
    assert outputs(happened)["text"] == "Done."
    assert "Result: It is 408." in ASKED["thinker"][0][-1][1]  # of the first run
    assert (at_home / "crewai" / "memory" / "crew").is_dir()


# --- quiet, and at home --------------------------------------------------------------------------

SCRIPT = """
import asyncio
from tests.nodes.agents.test_crew import CREW_WIRES, PRODUCT, crew
from tests.nodes.agents.conftest import events, outputs

import socket

def refuse(*args, **kwargs):
    raise AssertionError(f"a connection: {args}")

socket.socket.connect = refuse
happened = asyncio.run(events(crew(thinker=PRODUCT), CREW_WIRES))
assert outputs(happened)["text"] == "Done."
"""


def test_it_is_silent_and_writes_nothing_outside_of_the_home_folder(tmp_path: Path):
    """In a process of its own: much of what CrewAI does by itself, it does when imported."""
    places = {name: tmp_path / name for name in ("user", "temporary", "here", "ours")}
    for place in places.values():
        place.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith("XDG_")}
    env |= {
        "HOME": str(places["user"]),
        "USERPROFILE": str(places["user"]),
        "TMPDIR": str(places["temporary"]),
        "PATCHBAY_HOME": str(places["ours"]),
        "PYTHONPATH": python_path(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=places["here"],
        env=env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=840,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    written = {name: sorted(place.rglob("*")) for name, place in places.items()}
    assert written["ours"]
    assert [written["user"], written["temporary"], written["here"]] == [[], [], []]
