# ruff: noqa: E501 - flows in one line
"""Exported scripts run by themselves and give what the flow gives; other forms name what is in the way."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from patchbay.flows.cli import asker
from patchbay.flows.cli.app import build
from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_flow
from patchbay.flows.exchange.exports import exported
from patchbay.flows.exchange.python_script import to_notebook, to_python
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.api import load, run
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.running import LoadedFlow
from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.data import encode
from patchbay.nodes.questions import ApprovalWanted, Reply
from tests.flows.exchange.importing import CATALOG as WITH_ECHO
from tests.flows.exchange.importing import listening
from tests.flows.runs.harness import environment, flow

CATALOG = load_catalog()
SAVED = Path(__file__).parents[3] / "flows" / "saved"
FILES = sorted(SAVED.glob("*.json"))
QUICK = {"ask", "shorten", "few_shot", "fallback", "route_by_words"}
"""Saved flows whose scripts are run here; `make test-exchange` runs all of them."""
ALL = bool(os.environ.get("PATCHBAY_ALL_SCRIPTS"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_saved_flow_is_a_script_and_a_notebook(path: Path):
    text = to_python(read_flow(path), CATALOG)
    ast.parse(text)
    notebook = json.loads(to_notebook(read_flow(path), CATALOG))
    code = [cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for source in code:
        ast.parse("" if source.startswith("%pip") else source)


def script(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch, **inputs: Any) -> Any:
    """What the `main` of a script gives, run as a file of that folder."""
    module = types.ModuleType("__main__")
    module.__file__ = str(folder / "script.py")
    monkeypatch.setitem(sys.modules, "__main__", module)
    space: dict[str, Any] = {"__name__": "script"}
    exec(compile(text, "script.py", "exec"), space)
    return space["main"](**inputs)


@pytest.mark.parametrize(
    "path", [p for p in FILES if ALL or p.stem in QUICK], ids=lambda path: path.stem
)
def test_its_script_gives_what_the_flow_gives(path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOSTED_MODEL_KEY", "none")
    flow_ = load(path)
    monkeypatch.setattr(asker, "ask", _answering)
    env = replace(default_environment(use_cache=False), asker=_answering)
    wanted = run(flow_, {}, environment=env).outputs
    given = script(to_python(flow_.flow, CATALOG), SAVED, monkeypatch)
    given = {name: value for name, value in given.items() if value is not None}
    if path.stem in REWORDED:
        assert sorted(given) == sorted(wanted)
        return
    assert _steady(encode(given)) == _steady(encode(dict(wanted)))


REWORDED = {"chat_with_summary", "approve_mail", "agent_that_remembers"}
"""Here the second of two equal requests may be answered otherwise: llama.cpp has read a part of the
prompt already, so it computes in other portions, and the likeliest word can change. With a model
that echoes they are compared to the letter below."""


ECHOED = {
    "ask", "chat", "chat_with_summary", "approve_mail", "few_shot", "guarded_chat",
    "perspectives", "prompt_chain", "route", "zero_shot", "shorten", "compare_models",
}  # fmt: skip
"""Saved flows that ask a model nothing but texts: with one that echoes, script and flow agree to
the letter. (A real one may word things otherwise the second time, as its server has read the
beginning of the prompt already.)"""


async def _answering(event: Any, question: Any) -> Reply:
    """A person who agrees, and changes nothing."""
    if isinstance(question.wants, ApprovalWanted):
        return Reply(True, "ada", 0.0)
    return Reply(question.value, "ada", 0.0)


@pytest.mark.parametrize("name", sorted(ECHOED))
def test_with_a_model_that_echoes_they_agree_to_the_letter(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    from patchbay.flows.runs import script as helper

    flow_ = listening(read_flow(SAVED / f"{name}.json"))
    env = environment(catalog=WITH_ECHO, folder=SAVED, asker=_answering)
    monkeypatch.setattr(helper, "_environment", lambda folder: env)
    monkeypatch.setattr(asker, "ask", _answering)
    wanted = run(LoadedFlow(flow_, SAVED), {}, environment=env).outputs
    assert wanted
    given = script(to_python(flow_, WITH_ECHO), SAVED, monkeypatch)
    given = {key: value for key, value in given.items() if value is not None}
    assert _steady(encode(given)) == _steady(encode(dict(wanted)))


def _steady(value: Any) -> Any:
    """Without what differs from run to run: seconds and speeds."""
    text = json.dumps(value)
    if any(
        word in text
        for word in ("seconds", "tokens/s", "tokens a second", "Seconds", "Tokens a second")
    ):
        return sorted(value) if isinstance(value, dict) else type(value).__name__
    return value


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


def test_a_crew_becomes_two_files_that_come_back():
    from patchbay.flows.exchange.imports.crewai import agents_of, tasks_of
    from patchbay.flows.exchange.imports.plain_yaml import parse_yaml

    crew: Flow = flow(
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
    files = exported(crew, "crewai", CATALOG)
    agents = agents_of(parse_yaml(files["agents.yaml"].encode()))
    tasks = tasks_of(parse_yaml(files["tasks.yaml"].encode()))
    assert agents["who"] == {
        "role": "R",
        "goal": "G",
        "backstory": "B",
        "llm": "openai/gpt-4o-mini",
    }
    assert tasks["do"] == {"description": "Find {topic}", "expected_output": "E", "agent": "who"}
    ast.parse(exported(crew, "python", CATALOG)["flow.py"])
    assert "from crewai import" in exported(crew, "python", CATALOG)["flow.py"]
    asks = exported(crew.with_params({"do": {"human_input": True}}), "crewai", CATALOG)
    assert tasks_of(parse_yaml(asks["tasks.yaml"].encode()))["do"]["human_input"] is True


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
