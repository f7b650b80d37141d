"""A small experiment of the tests: what goes in comes out."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.experiments.cases import read_case_table
from patchbay.flows.experiments.keeping import ExperimentCell, KeptCells
from patchbay.flows.experiments.running import Experiment
from patchbay.flows.experiments.variants import read_axis, variants_of
from patchbay.flows.runs.environment import Environment
from tests.flows.cli.conftest import Patchbay, environ, patchbay, plugin, ready  # noqa: F401
from tests.flows.runs.harness import CATALOG, environment, flow

ECHO = flow(
    {
        "ask": ("io.input", {"name": "text"}),
        "say": ("prompt.template", {"template": "{text}"}),
        "out": ("io.output", {"name": "answer"}),
    },
    ["ask.value > say.text", "say.text > out.value"],
    name="Echo",
)


TABLE = "text,expected\none,one\ntwo,two\nthree,3\nfour,four\n"
AXIS = 'say.template=["{text}", "{text}!", "no {text}"]'


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATCHBAY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def made(tmp_path: Path, *axes: str, table: str = TABLE, document: Flow = ECHO) -> Experiment:
    path = tmp_path / "cases.csv"
    path.write_text(table, encoding="utf-8")
    variants = variants_of(document, [read_axis(axis) for axis in axes], CATALOG, tmp_path)
    return Experiment(
        variants, read_case_table(path, ["text"]).cases, "answer", KeptCells("echo"), tmp_path
    )


def ran(experiment: Experiment, env: Environment | None = None) -> list[ExperimentCell]:
    cells: list[ExperimentCell] = []
    work = experiment.run(env or environment(), lambda cell, done, total: cells.append(cell))
    asyncio.run(work)
    return cells
