"""What a flow needs is found, said where it is missing, and put into one file that runs apart."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.batch.bundling import _run, bundle
from patchbay.flows.batch.needs import needs_of, offline_problems
from patchbay.flows.batch.wheels import OtherPython
from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import FlowError
from patchbay.flows.runs.api import load
from patchbay.flows.runs.subflows import Prepared, prepare
from patchbay.nodes.home import weights_path
from patchbay.nodes.models.transformers.adapter import SHIPPED, find_adapter
from patchbay.nodes.weights.resolve import resolve
from tests.flows.runs.harness import CATALOG, OUT, flow
from tests.paths import ROOT, python_path


@pytest.fixture(autouse=True)
def weights() -> None:
    """A bundle takes weights along that are here, and fetches none."""
    resolve("smollm2-135m-instruct")


def made(folder: Path, document: Flow) -> tuple[Any, Prepared]:
    save_flow(document, folder / "main.json")
    loaded = load(folder / "main.json")
    return loaded, prepare(loaded.flow, CATALOG, folder)


def reading(path: str) -> Flow:
    """Loads documents, and runs another flow over some items."""
    loop = {"flow": "inner", "output": "out"}
    return flow(
        {
            "i": ("io.input", {"name": "items", "kind": "json"}),
            "e": ("logic.for_each", loop),
            "o": OUT,
            "d": ("retrieval.load", {"path": path}),
        },
        ["i.value > e.items", "e.results > o.value"],
    )


def modelled(**params: Any) -> Flow:
    return flow(
        {
            "i": ("io.input", {"name": "question"}),
            "m": ("model.gguf", params),
            "a": ("model.ask", {}),
            "o": OUT,
        },
        ["i.value > a.prompt", "m.model > a.model", "a.text > o.value"],
    )


def test_flows_and_files_of_the_folder_go_along(tmp_path: Path) -> None:
    inner = flow({"i": ("io.input", {"name": "item"}), "o": OUT}, ["i.value > o.value"])
    save_flow(inner, tmp_path / "inner.json")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.txt").write_text("a", encoding="utf-8")
    loaded, ready = made(tmp_path, reading("data"))
    held = dict(bundle(loaded, ready, tmp_path / "b.tar"))
    assert set(held) == {"main.json", "run.sh", "bundle.json", "inner.json", "data"}
    with tarfile.open(tmp_path / "b.tar") as archive:
        assert "b/data/a.txt" in archive.getnames()


@pytest.mark.parametrize("name", ["VERSION.json", "FLOW.json", 'a$(touch x)"`b`.json', "a b.json"])
def test_a_flow_may_be_called_anything(tmp_path: Path, name: str) -> None:
    """The script runs that flow, whatever of a shell's or of the script's own is in its name."""
    if os.name != "posix":
        pytest.skip("a script for shells of POSIX")
    python = tmp_path / ".venv" / "bin" / "python"
    for script in (_run(name, None), _run(name, OtherPython("3.12", "any"))):
        (tmp_path / "run.sh").write_text(script, encoding="utf-8")
        for command in (tmp_path / "bin" / "patchbay", python):
            command.parent.mkdir(parents=True, exist_ok=True)
            command.write_text('#!/bin/sh\nfor one; do printf "%s\\n" "$one"; done\n')
            command.chmod(0o755)
        (tmp_path / ".venv" / "installed").touch()
        env = {"PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["sh", tmp_path / "run.sh", "-q"], env=env, capture_output=True, text=True,
            check=True, cwd=tmp_path,
        )  # fmt: skip
        assert done.stdout.splitlines()[-2:] == [str(tmp_path / name), "-q"]
    assert not (tmp_path / "x").exists()
    assert "python3.12" in _run(name, OtherPython("3.12", "any"))


ASKED = {"tables": [{"name": "towns", "file": "towns.csv"}]}


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("data.sql", ASKED),
        ("tool.sql", ASKED),
        ("data.sql", {"url": "sqlite:///towns.csv"}),
        ("tool.sql", {"url": "duckdb:///towns.csv?access_mode=read_only"}),
        ("io.input", {"name": "text", "kind": "file", "default": "towns.csv"}),
    ],
)
def test_a_file_that_no_param_names_as_a_path_of_its_own_goes_along_too(
    tmp_path: Path, kind: str, params: dict[str, Any]
) -> None:
    asking = flow({"i": ("io.input", {"name": "x"}), "q": (kind, params), "o": OUT},
                  ["i.value > o.value"])  # fmt: skip
    loaded, ready = made(tmp_path, asking)
    (problem,) = offline_problems(needs_of(ready, tmp_path))
    assert (problem.code, problem.node) == ("offline/file", "q")
    (tmp_path / "towns.csv").write_text("name\nAalborg\n", encoding="utf-8")
    held = dict(bundle(loaded, ready, tmp_path / "b.tar"))
    assert "towns.csv" in held


def adapted(base: str, **params: Any) -> Flow:
    return flow(
        {
            "i": ("io.input", {"name": "question"}),
            "m": (base, {}),
            "l": ("model.lora", params),
            "a": ("model.ask", {}),
            "o": OUT,
        },
        ["i.value > a.prompt", "m.model > l.model", "l.model > a.model", "a.text > o.value"],
    )


def test_an_adapter_goes_along_where_it_does_not_ship(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SHIPPED / "pirate", "adapters/mine")
    loaded, ready = made(tmp_path, adapted("model.transformers", adapter="./adapters/mine"))
    held = dict(bundle(loaded, ready, tmp_path / "b.tar"))
    assert held["adapters/mine"] > 100_000
    _, ready = made(tmp_path, adapted("model.transformers", adapter="hf:some/adapter"))
    assert "offline/weights" in {p.code for p in offline_problems(needs_of(ready, tmp_path))}
    _, ready = made(tmp_path, adapted("model.transformers", adapter="pirate"))
    assert [need.kind for need in needs_of(ready, tmp_path)] == ["weights"] * 2


def test_adapters_in_a_row_of_a_model_go_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SHIPPED / "pirate", "mine/one")
    used = [{"weights": "mine/one"}, {"weights": "pirate"}]
    loaded, ready = made(tmp_path, modelled(adapters=used))
    assert "mine/one" in dict(bundle(loaded, ready, tmp_path / "b.tar"))


def test_what_lies_beside_the_flow_goes_along_from_wherever_it_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(SHIPPED / "pirate", Path("flows") / "mine" / "one")
    loaded, ready = made(tmp_path / "flows", adapted("model.transformers", adapter="mine/one"))
    held = dict(bundle(loaded, ready, tmp_path / "b.tar"))
    assert "mine/one" in held
    with tarfile.open(tmp_path / "b.tar") as archive:
        text = archive.extractfile("b/main.json").read().decode()  # type: ignore[union-attr]
    assert '"mine/one"' in text


@pytest.mark.parametrize("kind", ["absolute", "from elsewhere", "a file"])
def test_a_path_that_holds_on_this_machine_only_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """What goes along would not be found there."""
    monkeypatch.chdir(tmp_path)
    inside = Path("flows") / "mine" / "one"
    shutil.copytree(SHIPPED / "pirate", inside)
    name = str(inside) if kind == "from elsewhere" else str(inside.resolve())
    if kind == "a file":
        document = flow({"d": ("tool.files", {"root": name}), "i": ("io.input", {}), "o": OUT},
                        ["i.value > o.value"])  # fmt: skip
    else:
        document = adapted("model.transformers", adapter=name)
    loaded, ready = made(tmp_path / "flows", document)
    with pytest.raises(FlowError, match=r"on this machine only\. Write mine/one"):
        bundle(loaded, ready, tmp_path / "b.tar")


def test_the_script_of_a_bundle_leads_to_its_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path begins at the working folder, and at the bundle's where that has none."""
    elsewhere, here = tmp_path / "elsewhere", tmp_path / "bundle"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    shutil.copytree(SHIPPED / "pirate", here / "adapters" / "mine")
    assert find_adapter("adapters/mine") is None
    assert 'PATCHBAY_BUNDLE="$here"' in _run("flow.json", None)
    monkeypatch.setenv("PATCHBAY_BUNDLE", str(here))
    assert find_adapter("adapters/mine") == here / "adapters" / "mine"
    assert weights_path("a/model.gguf") == here / "a" / "model.gguf"
    (elsewhere / "a").mkdir()
    (elsewhere / "a" / "model.gguf").touch()
    assert weights_path("a/model.gguf") == Path("a/model.gguf")


def test_files_elsewhere_are_refused_and_missing_ones_named(tmp_path: Path) -> None:
    inner = flow({"i": ("io.input", {"name": "item"}), "o": OUT}, ["i.value > o.value"])
    for folder in ("in", "out"):
        (tmp_path / folder).mkdir()
    save_flow(inner, tmp_path / "in" / "inner.json")
    loaded, ready = made(tmp_path / "in", reading(str(tmp_path / "out")))
    with pytest.raises(FlowError, match="lies outside the flow's folder"):
        bundle(loaded, ready, tmp_path / "b.tar")
    _, ready = made(tmp_path / "in", reading("nowhere"))
    (problem,) = offline_problems(needs_of(ready, tmp_path / "in"))
    assert (problem.code, problem.node) == ("offline/file", "d")


def test_weights_that_are_not_here_are_named_with_the_command(tmp_path: Path) -> None:
    loaded, ready = made(tmp_path, modelled(weights="hf:some/where/model.gguf"))
    (problem,) = offline_problems(needs_of(ready, tmp_path))
    assert (problem.code, problem.node) == ("offline/weights", "m")
    assert "patchbay models pull hf:some/where/model.gguf" in problem.fix
    with pytest.raises(FlowError, match="is not here"):
        bundle(loaded, ready, tmp_path / "b.tar")
    assert not list(tmp_path.glob("*.tar*"))


def test_a_bundle_runs_where_there_is_no_network(tmp_path: Path) -> None:
    """With the real model, and without any network where the system lets us go without."""
    document = modelled(weights="smollm2-135m-instruct", max_tokens=4, temperature=0)
    loaded, ready = made(tmp_path, document)
    held = dict(bundle(loaded, ready, tmp_path / "b.tar"))
    assert max(held.values()) > 90_000_000
    with pytest.raises(FlowError, match="there already"):
        bundle(loaded, ready, tmp_path / "b.tar")
    apart = tmp_path / "apart"
    with tarfile.open(tmp_path / "b.tar") as archive:
        archive.extractall(apart, filter="data")
    (tmp_path / "b.tar").unlink()
    command = tmp_path / "bin" / "patchbay"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m patchbay.flows "$@"\n')
    command.chmod(0o755)
    env = {
        **os.environ,
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "PYTHONPATH": python_path(ROOT),
        "PATCHBAY_HOME": str(tmp_path / "home"),
    }
    alone = ["unshare", "-rn"] if _may_unshare() else []
    words = [*alone, str(apart / "b" / "run.sh"), "--input", "question=Say hello.", "--json"]
    done = subprocess.run(words, env=env, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["outputs"]["out"]


def _may_unshare() -> bool:
    if shutil.which("unshare") is None:
        return False
    return (
        subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode == 0
    )
