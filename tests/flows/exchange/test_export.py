# ruff: noqa: E501 - flows in one line
"""Exported scripts run by themselves and give what the flow gives; other forms name what is in the way."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from patchbay.flows.cli.app import build
from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_flow
from patchbay.flows.exchange.exports import exported
from patchbay.flows.exchange.notebook import to_notebook
from patchbay.flows.exchange.packages import langchain_package
from patchbay.flows.exchange.python_script import to_python
from patchbay.flows.problems import FlowError
from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.models.servers.provider.names import PROVIDERS
from tests.flows.runs.harness import flow

CATALOG = load_catalog()
SAVED = Path(__file__).parents[3] / "flows" / "saved"
FILES = sorted(SAVED.glob("*.json"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_saved_flow_is_a_script_and_a_notebook(path: Path):
    text = to_python(read_flow(path), CATALOG)
    ast.parse(text)
    notebook = json.loads(to_notebook(read_flow(path), CATALOG))
    code = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for source in code:
        ast.parse("" if source.startswith("%pip") else source)


PLAIN = flow(
    {
        "ask": ("io.input", {"name": "question", "default": "Hi"}),
        "prompt": ("prompt.template", {"template": "Say {{twice}}: {question}"}),
        "model": ("model.openai_compatible", {"base_url": "http://127.0.0.1:1/v1", "model": "m"}),
        "answer": ("model.ask", {"system": "Be brief.", "max_tokens": 9}),
        "out": ("io.output", {"name": "answer"}),
    },
    [
        "ask.value > prompt.question",
        "prompt.text > answer.prompt",
        "model.model > answer.model",
        "answer.text > out.value",
    ],
)


def test_plain_calls_need_nothing_of_ours():
    text = to_python(PLAIN, CATALOG)
    assert "patchbay" not in text.lower().replace("exported from patchbay", "")
    assert "ChatOpenAI(model='m'" in text
    assert '.bind(max_tokens=9).invoke([("system", \'Be brief.\'), ("human", prompt)]).text' in text


def test_a_script_is_a_program(tmp_path: Path):
    plain = flow(
        {
            "a": ("io.input", {"name": "class"}),
            "prompt": ("prompt.template", {"template": "<{x}>"}),
            "out": ("io.output", {"name": "answer"}),
        },
        ["a.value > prompt.x", "prompt.text > out.value"],
    )
    (tmp_path / "script.py").write_text(to_python(plain, CATALOG))
    command = [sys.executable, "script.py", "class_=a=b"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stdout == "answer: <a=b>\n", done.stderr


def test_langgraph_runs_where_all_calls_are_plain(monkeypatch: pytest.MonkeyPatch):
    files = exported(PLAIN, "langgraph", CATALOG, "x")
    ast.parse(files["x_langgraph.py"])
    two = flow(
        {
            "a": ("io.input", {"name": "word"}),
            "one": ("prompt.template", {"template": "<{x}>"}),
            "two": ("prompt.template", {"template": "({x})"}),
            "both": ("text.join", {"separator": "+"}),
            "out": ("io.output", {"name": "answer"}),
        },
        [
            "a.value > one.x",
            "a.value > two.x",
            "one.text > both.texts",
            "two.text > both.texts",
            "both.text > out.value",
        ],
    )
    space: dict[str, Any] = {"__name__": "script"}
    exec(exported(two, "langgraph", CATALOG, "x")["x_langgraph.py"], space)
    assert space["graph"].invoke({"word": "w"})["both"] == "<w>+(w)"


@pytest.mark.parametrize("form", ["langgraph", "haystack", "crewai"])
def test_what_stands_in_the_way_is_named(form: str):
    with pytest.raises(FlowError) as error:
        exported(read_flow(SAVED / "shorten_and_ask.json"), form, CATALOG)
    assert {problem.code for problem in error.value.problems} == {"export/node"}
    assert all(problem.fix for problem in error.value.problems)


def test_haystack_reads_what_is_written(monkeypatch: pytest.MonkeyPatch):
    from haystack import Pipeline

    nodes = tuple(
        n.model_copy(
            update={
                "kind": "model.provider",
                "params": {"model": "openai:gpt-4o-mini", "api_key": {"secret": "KEY_X"}},
            }
        )
        if n.id == "model"
        else n
        for n in PLAIN.nodes
    )
    text = exported(PLAIN.model_copy(update={"nodes": nodes}), "haystack", CATALOG)[
        "flow.haystack.yaml"
    ]
    monkeypatch.setenv("KEY_X", "none")
    pipeline = Pipeline.loads(text)
    assert set(pipeline.inputs()["prompt"]) >= {"question"}
    messages = pipeline.get_component("prompt").run(question="Hi")["prompt"]
    assert [(m.role.value, m.text) for m in messages] == [
        ("system", "Be brief."),
        ("user", "Say {twice}: Hi"),
    ]


CREW: Flow = flow(
    {
        "q": ("io.input", {"name": "topic"}),
        "model": ("model.provider", {"model": "openai:gpt-4o-mini"}),
        "who": ("agent.role", {"role": "R", "goal": "G", "backstory": "B"}),
        "do": ("agent.task", {"description": "Find {x}", "expected": "E"}),
        "crew": "agent.crew",
        "out": "io.output",
    },
    [
        "q.value > do.x",
        "model.model > who.model",
        "who.agent > do.agent",
        "do.task > crew.tasks",
        "crew.text > out.value",
    ],
)


def test_a_crew_becomes_two_files_that_come_back():
    from patchbay.flows.exchange.imports.crewai import agents_of, tasks_of
    from patchbay.flows.exchange.imports.plain_yaml import parse_yaml

    files = exported(CREW, "crewai", CATALOG)
    agents = agents_of(parse_yaml(files["agents.yaml"].encode()))
    tasks = tasks_of(parse_yaml(files["tasks.yaml"].encode()))
    assert agents["who"] == {
        "role": "R",
        "goal": "G",
        "backstory": "B",
        "llm": "openai/gpt-4o-mini",
    }
    assert tasks["do"] == {"description": "Find {topic}", "expected_output": "E", "agent": "who"}
    ast.parse(exported(CREW, "python", CATALOG)["flow.py"])
    assert "from crewai import" in exported(CREW, "python", CATALOG)["flow.py"]
    asks = exported(CREW.with_params({"do": {"human_input": True}}), "crewai", CATALOG)
    assert tasks_of(parse_yaml(asks["tasks.yaml"].encode()))["do"]["human_input"] is True


def test_variables_of_a_task_may_be_called_as_other_inputs_are():
    """a is the input "b", b the input "a": one name after the other would make them the same."""
    from patchbay.flows.exchange.imports.crewai import tasks_of
    from patchbay.flows.exchange.imports.plain_yaml import parse_yaml

    crew: Flow = flow(
        {
            "one": ("io.input", {"name": "b"}),
            "two": ("io.input", {"name": "a"}),
            "model": ("model.provider", {"model": "openai:gpt-4o-mini"}),
            "who": ("agent.role", {"role": "R", "goal": "G", "backstory": "B"}),
            "do": ("agent.task", {"description": "From {a} to {b}, {a}", "expected": "E"}),
            "crew": "agent.crew",
            "out": "io.output",
        },
        ["one.value > do.a", "two.value > do.b", "model.model > who.model", "who.agent > do.agent",
         "do.task > crew.tasks", "crew.text > out.value"],
    )  # fmt: skip
    tasks = tasks_of(parse_yaml(exported(crew, "crewai", CATALOG)["tasks.yaml"].encode()))
    assert tasks["do"]["description"] == "From {b} to {a}, {b}"


@pytest.mark.parametrize(
    ("model", "there", "for_langchain", "for_crewai"),
    [
        ("openai:gpt-5", "openai/gpt-5", "langchain-openai", "crewai"),
        (
            "google_genai:gemini-3",
            "gemini/gemini-3",
            "langchain-google-genai",
            "crewai[google-genai]",
        ),
        ("mistralai:m", "mistral/m", "langchain-mistralai", "crewai[litellm]"),
        ("groq:m", "groq/m", "langchain-groq", "crewai[litellm]"),
    ],
)
def test_scripts_say_what_they_need(model: str, there: str, for_langchain: str, for_crewai: str):
    asks = PLAIN.model_copy(
        update={
            "nodes": tuple(
                n.model_copy(update={"kind": "model.provider", "params": {"model": model}})
                if n.id == "model"
                else n
                for n in PLAIN.nodes
            )
        }
    )
    pip = next(line for line in to_notebook(asks, CATALOG).splitlines() if "%pip" in line)
    assert f"%pip install -q langchain langchain-core {for_langchain}" in pip
    assert f"pip install langchain langchain-core {for_langchain}" in to_python(asks, CATALOG)
    (graph,) = exported(asks, "langgraph", CATALOG).values()
    assert f"{for_langchain} langgraph" in graph
    crew = CREW.with_params({"model": {"model": model}})
    script = exported(crew, "python", CATALOG)["flow.py"]
    assert f"llm=LLM({there!r})" in script
    assert for_crewai in next(line for line in script.splitlines() if line.startswith("pip "))
    assert f"llm: {there}" in exported(crew, "crewai", CATALOG)["agents.yaml"]


def test_the_packages_of_providers_are_theirs():
    for name, integration in PROVIDERS.items():
        assert langchain_package(f"{name}:m").replace("-", "_") == integration.package


def test_what_agents_yaml_cannot_say_stands_in_the_way():
    bounded = CREW.with_params({"who": {"iterations": 3, "delegation": True}})
    agents = exported(bounded, "crewai", CATALOG)["agents.yaml"]
    assert "max_iter: 3" in agents
    assert "allow_delegation: true" in agents
    with pytest.raises(FlowError, match="temperature"):
        exported(CREW.with_params({"model": {"temperature": 0.0}}), "crewai", CATALOG)


def test_a_key_in_a_flow_is_not_exported():
    bad = flow(
        {"a": ("io.input", {"default": "sk-" + "a1B2" * 10}), "out": "io.output"},
        ["a.value > out.value"],
    )
    with pytest.raises(FlowError):
        to_python(bad, CATALOG)


def test_the_command_writes_a_file(tmp_path: Path):
    shutil.copy(SAVED / "ask.json", tmp_path)
    words = [
        "export",
        str(tmp_path / "ask.json"),
        "--to",
        "notebook",
        "-o",
        str(tmp_path / "ask.ipynb"),
    ]
    done = CliRunner().invoke(build("export"), words)
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "ask.ipynb").read_text())["nbformat"] == 4
