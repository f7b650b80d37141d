"""The flows that Flowise and Langflow ship: `make exchange-peers` fetches them, outside CI."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.checks.validate import validate
from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.writing import canonical_text, save_flow
from patchbay.flows.exchange.imports.reading import Imported, import_file
from patchbay.flows.problems import Problem, errors
from patchbay.flows.runs.api import run
from patchbay.flows.runs.running import LoadedFlow
from patchbay.nodes.catalog import load_catalog
from tests.exchange_lfx import KNOWN, QUESTION, SAID
from tests.flows.exchange.importing import CATALOG as WITH_LISTENER
from tests.flows.exchange.importing import Listening, listening
from tests.flows.runs.harness import environment

FOLDER = Path(os.environ.get("PATCHBAY_PEERS", ".exchange-peers"))
FILES = sorted(path for path in FOLDER.rglob("*.json") if path.parent != FOLDER)
CATALOG = load_catalog()
CLEAN = 70
"""How many of the 78 validate clean; it only grows."""

pytestmark = pytest.mark.skipif(not FILES, reason="run `make exchange-peers` first")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_it_opens_can_be_saved_and_tells_of_every_node(path: Path):
    for one in import_file(path, CATALOG):
        assert read_text(canonical_text(one.flow)) == one.flow
        assert one.report.entries


def to_name(one: Imported, error: Problem) -> bool:
    """Whether an error only says what the report asks the person to name: where a database is."""
    node = next((n for n in one.flow.nodes if n.id == error.node), None)
    asked = any("in the param url" in entry.words for entry in one.report.of("name"))
    return node is not None and node.kind == "retrieval.store" and asked and "url" in error.fix


def test_so_many_validate_clean(tmp_path: Path):
    """Clean: no error, nothing refused. What is to be named (a key, a folder) does not count."""
    clean: Counter[str] = Counter()
    for path in FILES:
        (one,) = import_file(path, CATALOG)
        for name, part in one.parts.items():
            save_flow(part, tmp_path / name)
        wrong = [e for e in errors(validate(one.flow, CATALOG, tmp_path)) if not to_name(one, e)]
        clean[path.parent.name] += not wrong and not one.report.of("refused")
    print(f"{sum(clean.values())} of {len(FILES)} validate clean: {dict(clean)}")
    assert len(FILES) == 78
    assert sum(clean.values()) >= CLEAN


LFX = FOLDER / "lfx.json"


@pytest.mark.skipif(not LFX.exists(), reason="run `make exchange-lfx` first")
@pytest.mark.parametrize("name", list(json.loads(LFX.read_text("utf-8"))) if LFX.exists() else [])
def test_its_models_hear_what_langflow_sends(name: str, tmp_path: Path):
    """The messages, in order, as `lfx` sends them. Spaces at the ends do not count."""
    Listening.heard.clear()
    kept = json.loads(LFX.read_text("utf-8"))[name]
    file = FOLDER / "langflow" / f"{name}.json"
    if "flow" in kept:  # made by lfx itself
        file = tmp_path / "made.json"
        file.write_text(json.dumps(kept["flow"]), "utf-8")
    (one,) = import_file(file, WITH_LISTENER)
    flow = listening(one.flow, says=SAID)
    if any(node.kind == "retrieval.load" for node in flow.nodes):
        flow = with_base(flow, tmp_path / "base")
    for part_name, part in one.parts.items():
        save_flow(listening(part, says=SAID), tmp_path / part_name)
    given = {node.params["name"]: QUESTION for node in flow.nodes if node.kind == "io.input"}
    run(LoadedFlow(flow, tmp_path), given, environment=environment(catalog=WITH_LISTENER))
    roles = {"user": "human", "assistant": "ai"}
    wanted = [
        [(roles.get(m["role"], m["role"]), str(m["content"]).strip()) for m in call["messages"]]
        for call in kept["heard"]
    ]
    told = [[(role, text.strip()) for role, text in call] for call in Listening.heard]
    assert _undated(told) == _undated(wanted)


def with_base(flow: Flow, folder: Path) -> Flow:
    """The flow with the folder named that it asks for: what lfx was told that it finds."""
    folder.mkdir()
    for number, text in enumerate(KNOWN):
        (folder / f"{number}.txt").write_text(text, "utf-8")
    loads = [node.id for node in flow.nodes if node.kind == "retrieval.load"]
    return flow.with_params({name: {"path": str(folder)} for name in loads})


def _undated(calls: Any) -> Any:
    """Without the date and what stands around it, and the model, which the file leaves open."""
    text = json.dumps(calls, ensure_ascii=False)
    text = re.sub(r"(Today's date: ).*?\\n", r"\1…\\n", text)
    return re.sub(r"(- Model: ).*?(\\n|\")", r"\1…\2", text)
