"""The saved deep agent: it asks before it writes, exactly, and runs on the real model."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from patchbay.flows import History, LoadedFlow, load
from patchbay.flows.runs.answers import find, give, gone_on_with, recorded
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.environment import Environment
from patchbay.flows.runs.events import RunFinished, RunWaiting
from patchbay.flows.runs.running import Run, new_run_id
from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.testing import ScriptedModel
from tests.flows.scripts import SAVED, Script, scripted
from tests.flows.thread_counts import one_or_four_threads, with_threads
from tests.needs import needs

pytestmark = needs("deepagents")


def environment(folder: Path) -> Environment:
    catalog = Catalog([Script], table=BUILTIN)
    return replace(default_environment(catalog=catalog, use_cache=False), folder=folder)


async def test_it_waits_before_it_writes_and_asks_no_model_twice(tmp_path: Path) -> None:
    shutil.copytree(SAVED / "texts", tmp_path / "texts")
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    flow = scripted(
        "deep_agent_folder",
        ("task gives: Beech", '{"answer": "I wrote the note."}'),
        ("write_file gives", '{"answer": "I wrote the note."}'),
        ("What burns", '{"answer": "Beech burns."}'),
        ("Write the note", '{"tool": "write_file", "input": {"file_path": "/note.md", '
         '"content": "Beech only."}}'),
    )  # fmt: skip
    run_id = new_run_id()
    env = recorded(environment(tmp_path), history, run_id, flow, tmp_path)
    ScriptedModel.asked.clear()
    first = [e async for e in Run(LoadedFlow(flow, tmp_path), {}, env, run_id=run_id).events()]
    assert isinstance(first[-1], RunWaiting), getattr(first[-1], "problem", "")
    assert not (tmp_path / "texts" / "note.md").exists()
    asked = find(history, run_id, None)
    assert asked.title == "Save 1 file in texts?"
    calls = len(ScriptedModel.asked)
    assert give(history, asked, True, types=env.catalog.value_types, author="ada")
    rest = gone_on_with(history, run_id, environment(tmp_path))
    last = [event async for event in rest.events()][-1]
    assert isinstance(last, RunFinished)
    assert last.outputs == {"answer": "I wrote the note.", "files": {"/note.md": "Beech only."}}
    assert (tmp_path / "texts" / "note.md").read_text() == "Beech only."
    assert len(ScriptedModel.asked) == calls, "what the model had said was in the journal"


@pytest.mark.filterwarnings("ignore::DeprecationWarning:crewai")
async def test_a_team_writes_what_a_person_lets_pass(tmp_path: Path) -> None:
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    flow = scripted(
        "deep_agent_team",
        ("The crew was asked to do this:\nA slogan.", "Warm bread."),
        ("write_file gives", "It is written."),
        ("task gives: Warm bread.", '{"tool": "write_file", "input": {"file_path": "/slogan.md", '
         '"content": "Warm bread."}}'),
        ("Have the crew", '{"tool": "task", "input": {"description": "A slogan.", '
         '"subagent_type": "crew"}}'),
    )  # fmt: skip
    run_id = new_run_id()
    env = recorded(environment(SAVED), history, run_id, flow, SAVED)
    ScriptedModel.asked.clear()
    first = [e async for e in Run(LoadedFlow(flow, SAVED), {}, env, run_id=run_id).events()]
    assert isinstance(first[-1], RunWaiting), getattr(first[-1], "problem", "")
    asked = find(history, run_id, None)
    assert asked.asks["wants"]["arguments"]["content"] == "Warm bread."
    calls = len(ScriptedModel.asked)
    changed = {"file_path": "/slogan.md", "content": "Warm, good bread."}
    assert give(history, asked, {"decision": "edit", "arguments": changed}, author="ada")
    rest = gone_on_with(history, run_id, environment(SAVED))
    last = [event async for event in rest.events()][-1]
    assert isinstance(last, RunFinished)
    files = {"/slogan.md": "Warm, good bread."}
    assert last.outputs == {"answer": "It is written.", "files": files}
    assert len(ScriptedModel.asked) == calls + 1, "only the last answer was not in the journal"


@pytest.mark.timeout(3600)  # llama.cpp's threads wait for each other, also on cores that others use
@one_or_four_threads
async def test_the_real_model_writes_and_a_person_agrees(tmp_path: Path, threads: int) -> None:
    shutil.copytree(SAVED / "texts", tmp_path / "texts")
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    flow = with_threads(load(SAVED / "deep_agent_folder.json").flow, threads)
    run_id = new_run_id()
    env = recorded(environment(tmp_path), history, run_id, flow, tmp_path)
    first = [e async for e in Run(LoadedFlow(flow, tmp_path), {}, env, run_id=run_id).events()]
    assert isinstance(first[-1], RunWaiting), getattr(first[-1], "problem", first[-1])
    calls = [e.tool for e in first if e.type == "node_stepped" and e.what == "tool call"]
    assert calls[0] == "write_file"
    asked = find(history, run_id, None)
    assert asked.title.startswith("Save ")
    assert "+++ after/" in asked.asks["value"]
    assert give(history, asked, True, types=env.catalog.value_types, author="ada")
    rest = gone_on_with(history, run_id, environment(tmp_path))
    last = [event async for event in rest.events()][-1]
    assert isinstance(last, RunFinished)
    assert last.outputs["files"]
    for path, text in last.outputs["files"].items():
        assert (tmp_path / "texts" / path.lstrip("/")).read_text() == text
