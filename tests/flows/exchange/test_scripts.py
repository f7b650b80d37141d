"""The script of every saved flow runs, and gives what the flow gives, to the letter.

Where a flow asks a language model, one that answers always alike stands in its place, in the flow
and in all flows that it uses; embeddings are real, and networks that are changed, adapted or
measured are small real ones. None is left out: no saved flow needs a server or a network, and the
person whom some ask answers as at a terminal. Two run on the real local model, too.
"""

from __future__ import annotations

import datetime
import json
import os
import shutil
import sys
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from patchbay.flows.cli import asker
from patchbay.flows.document.reading import read_flow
from patchbay.flows.exchange.naming import RESERVED
from patchbay.flows.exchange.notebook import to_notebook
from patchbay.flows.exchange.python_script import to_python
from patchbay.flows.runs import script as helper
from patchbay.flows.runs.api import run
from patchbay.flows.runs.defaults import default_environment
from patchbay.flows.runs.running import LoadedFlow
from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.data import encode
from patchbay.nodes.home import cache_dir, weights_dir
from patchbay.nodes.questions import (
    ApprovalWanted,
    ChoiceWanted,
    DecisionWanted,
    FormWanted,
    Reply,
)
from patchbay.nodes.tools import clock
from tests.flows.exchange.obliging import ObligingModel, plainest
from tests.flows.runs.harness import environment, flow
from tests.needs import needs
from tests.nodes.models import tiny
from tests.nodes.models.transformers import variants

pytestmark = needs("crewai", "deepagents", "duckdb", "haystack", "semantic_kernel", "torch")

SAVED = Path(__file__).parents[3] / "flows" / "saved"
NAMES = sorted(path.stem for path in SAVED.glob("*.json"))
CATALOG = Catalog([ObligingModel], table=BUILTIN)
MODELS = {"model.gguf", "model.provider", "model.ollama", "model.openai_compatible"}
NETWORKS = {
    "adapters", "export_adapter", "fewer_bits", "quantization_report", "train_adapter",
    "one_task", "reinforce", "train_preference",
}  # fmt: skip
"""Flows that are about the weights themselves; they get a small network, the others a stand-in."""
ALL = bool(os.environ.get("PATCHBAY_ALL_SCRIPTS"))
LONG = set() if ALL else {"export_adapter", "one_task", "reinforce", "train_preference"}
"""They train, as `train_adapter` does, which stands for them; `make test-exchange` runs all."""
REAL = NAMES if ALL else ["classify", "explain_for"]
"""Flows that run on the real model, too; `make test-exchange` runs all of them so."""
TIMES = {"tokens a second", "first token (s)", "seconds"}
"""Columns of tables that are measured, and so differ from run to run."""


class StoppedClock(datetime.datetime):
    """It is always noon."""

    @classmethod
    def now(cls, tz: datetime.tzinfo | None = None) -> StoppedClock:
        return cls(2026, 11, 29, 12, tzinfo=tz)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The saved flows with their texts, over models that answer always alike."""
    made = tmp_path_factory.mktemp("saved")
    shutil.copytree(SAVED / "texts", made / "texts")
    network = tiny.folder_of(tiny.network(), made / "network")
    adapters = [str(variants.write(variants.Variant(), made / f"a{n}", seed=n)) for n in (1, 2)]
    for path in SAVED.glob("*.json"):
        document = json.loads(path.read_text(encoding="utf-8"))
        spare = iter(adapters)
        for node in document["nodes"]:
            small = path.stem in NETWORKS
            if node["kind"] in MODELS or (node["kind"] == "model.transformers" and not small):
                node |= {"kind": "test.obliging", "version": 1, "params": {}}
            elif node["kind"] == "model.transformers":
                node["params"] |= {"weights": str(network), "context": 128, "temperature": 0}
            elif node["kind"] == "model.lora" and "adapter" in node.get("params", {}):
                node["params"]["adapter"] = next(spare)
            elif "steps" in node.get("params", {}):
                node["params"]["steps"] = 2  # of a training
        (made / path.name).write_text(json.dumps(document), encoding="utf-8")
    return made


def copied(saved: Path, to: Path) -> Path:
    """Flows and texts in a folder that a flow may write to: whoever comes next finds none of it."""
    shutil.copytree(saved / "texts", to / "texts")
    for path in saved.glob("*.json"):
        shutil.copy(path, to)
    return to


@pytest.fixture(autouse=True)
def _a_home_and_a_person_at_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is kept by content, an index or a training, lies in a home of the test's own."""
    monkeypatch.setenv("PATCHBAY_CACHE", str(cache_dir()))
    monkeypatch.setenv("PATCHBAY_WEIGHTS", str(weights_dir()))
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(asker, "ask", answering)
    # An agent that looks at the clock is told the same time by the flow and by the script.
    stopped = SimpleNamespace(datetime=StoppedClock, UTC=datetime.UTC, tzinfo=datetime.tzinfo)
    monkeypatch.setattr(clock, "datetime", stopped)


async def answering(event: Any, question: Any) -> Reply:
    """A person who agrees, takes the first choice, and fills in what has to be."""
    match question.wants:
        case ApprovalWanted():
            return Reply(True, "ada", 0.0)
        case DecisionWanted():
            return Reply({"decision": "approve"}, "ada", 0.0)
        case ChoiceWanted(options=options):
            return Reply(options[0], "ada", 0.0)
        case FormWanted(schema=schema):
            return Reply(plainest(schema, schema, "words"), "ada", 0.0)
    return Reply(question.value, "ada", 0.0)


def as_main(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Where a script of that folder runs, as the program of its process."""
    module = types.ModuleType("__main__")
    module.__file__ = str(folder / "script.py")
    monkeypatch.setitem(sys.modules, "__main__", module)
    return {"__name__": "script"}


def plain(outputs: Any) -> dict[str, Any]:
    """Outputs as JSON, without what is measured."""
    found = encode({name: value for name, value in outputs.items() if value is not None})
    for table in (one for one in found.values() if isinstance(one, dict) and "columns" in one):
        keep = [n for n, name in enumerate(table["columns"]) if name not in TIMES]
        table["rows"] = [[row[n] for n in keep] for row in table["rows"]]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("name", [name for name in NAMES if name not in LONG])
def test_the_script_of_a_saved_flow_gives_what_the_flow_gives(
    name: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    flow_ = read_flow(folder / f"{name}.json")
    first, second = copied(folder, tmp_path / "flow"), copied(folder, tmp_path / "script")
    env = environment(catalog=CATALOG, folder=first, asker=answering)
    wanted = plain(run(LoadedFlow(flow_, first), {}, environment=env).outputs)
    assert wanted

    again = environment(catalog=CATALOG, folder=second, asker=answering)
    monkeypatch.setattr(helper, "_environment", lambda folder: again)
    space = as_main(second, monkeypatch)
    exec(compile(to_python(flow_, CATALOG), "script.py", "exec"), space)
    assert plain(space["main"]()) == wanted


@pytest.mark.timeout(3600 if ALL else 1200)  # three times dozens of questions, on two busy cores
@pytest.mark.parametrize("name", REAL)
def test_on_the_real_model_too(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOSTED_MODEL_KEY", "none")
    flow_ = read_flow(SAVED / f"{name}.json")
    env = replace(default_environment(use_cache=False), asker=answering)

    def by_flow(time: str) -> dict[str, Any]:
        own = copied(SAVED, tmp_path / time)
        return plain(run(LoadedFlow(flow_, own), {}, environment=env).outputs)

    wanted = by_flow("first")
    space = as_main(copied(SAVED, tmp_path / "script"), monkeypatch)
    exec(compile(to_python(flow_, env.catalog), "script.py", "exec"), space)
    given = plain(space["main"]())
    # llama.cpp may have read a part of the prompt already, and answers in one batch with others
    # what the script asks alone: it then computes in other portions, and the likeliest word can
    # change, from one run of the flow to its next too.
    assert given == wanted or (sorted(given) == sorted(wanted) and by_flow("second") != wanted)


def test_nodes_may_have_the_names_that_a_script_uses_itself(monkeypatch: pytest.MonkeyPatch):
    """A node "ask" took the place of what asks people, and the script failed before it began."""
    names = sorted(RESERVED)
    prompts = {name: ("prompt.template", {"template": f"{name} {{x}}"}) for name in names}
    ends = dict(zip(names, ["first.value", *(f"{name}.text" for name in names)], strict=False))
    flow_ = flow(
        {
            "first": ("io.input", {"name": "class", "default": "Hi"}),
            **prompts,
            "approve": ("people.approve", {"question": "Fine?"}),
            "out": ("io.output", {"name": "out"}),
        },
        [
            *(f"{end} > {name}.x" for name, end in ends.items()),
            f"{names[-1]}.text > approve.value",
            "approve.approved > out.value",
        ],
    )
    env = environment(asker=answering)
    wanted = plain(run(flow_, {}, environment=env).outputs)
    space = as_main(SAVED, monkeypatch)
    exec(compile(to_python(flow_, env.catalog), "script.py", "exec"), space)
    assert plain(space["main"]()) == wanted
    assert wanted["out"].startswith(" ".join(reversed(names)))


def cells(notebook: str) -> Iterator[str]:
    """The code of a notebook, cell by cell."""
    for cell in json.loads(notebook)["cells"]:
        if cell["cell_type"] == "code" and not cell["source"].startswith("%pip"):
            yield cell["source"]


@pytest.mark.parametrize("name", ["perspectives", "route", "classify_lines"])
def test_a_notebook_gives_it_cell_by_cell(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch):
    flow_ = read_flow(folder / f"{name}.json")
    env = environment(catalog=CATALOG, folder=folder)
    wanted = plain(run(LoadedFlow(flow_, folder), {}, environment=env).outputs)
    monkeypatch.setattr(helper, "_environment", lambda folder: env)
    space = as_main(folder, monkeypatch)
    *steps, last = cells(to_notebook(flow_, CATALOG))
    for step in steps:
        exec(compile(step, "cell", "exec"), space)
    assert plain(eval(last, space)) == wanted
