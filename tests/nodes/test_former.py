"""Imports from before `patchbay.*` give the same modules, with a warning, for one version.

Each script runs in a process of its own: what it finds depends on what was imported before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest

from patchbay.nodes.former import names, now
from tests.paths import ROOT, python_path

MODULES = (ROOT / "tests" / "fixtures" / "former-modules.txt").read_text("utf-8").split()

PLUGINS_NAMES = {
    "nodes.contract": (
        "NodeError NodeParams Field InputField SubflowUse Node DescribingNode Widget Context "
        "StepKind UNSET Port Ports port SecretRef Value ValueKind"
    ),
    "nodes.values": "PortType compatible port_type describe as_text decode Promptable ValueKind",
    "nodes.specs": (
        "Opening Spec ModelSpec EmbeddingsSpec RetrieverSpec ToolSpec AgentSpec TaskSpec"
    ),
    "nodes.ports": "Port port Ports",
    "nodes.context": "Context StepKind",
    "nodes.models.answer": "Answer ask",
    "flows": "FlowError LoadedFlow Problem Run RunError RunResult arun load run stream",
}
"""What authors of plugins and scripts imported."""

HEAD = """
import importlib, json, sys, warnings
said = []
warnings.simplefilter("always")
warnings.showwarning = lambda message, kind, file, line, *more: said.append(
    [kind.__name__, str(message), file, line])
"""
TAIL = """
ours = [m for n, m in sys.modules.items() if n.partition(".")[0] in ("nodes", "flows", "studio")]
assert all(m.__name__.startswith("patchbay.") for m in ours), ours
assert len({id(m) for m in sys.modules.values() if "/contract.py" in str(getattr(m, "__file__", ""))}) < 2
print(json.dumps(said))
"""  # noqa: E501


def warned(script: str, folder: Path, path: str) -> list[tuple[str, str, str, int]]:
    """The warnings of a script: kind, text, file and line. The script stands in `folder`."""
    file = folder / "script.py"
    file.write_text(f"{HEAD}{script}{TAIL}", encoding="utf-8")
    environ = {**os.environ, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, str(file)], cwd=folder, env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return [tuple(said) for said in json.loads(done.stdout)]


@pytest.mark.parametrize("former", MODULES)
def test_every_former_module_is_somewhere(former: str) -> None:
    """Looked for, not imported. A module that moves again needs its line in `former.tsv`."""
    assert find_spec(now(former)) is not None, f"{former} should be {now(former)}"


RENAMED = {
    "in its place": ("nodes.retrieval.filters", "Condition", "MetadataFilter"),
    "in a module that moved": ("nodes.models.hf.batch", "Batch", "RunningBatch"),
    "a type that is no class": ("flows.migrate", "Document", "RawFlow"),
    "in a module that was a folder": ("studio.document", "Document", "FlowDocument"),
}


@pytest.mark.parametrize(("module", "former", "name"), RENAMED.values(), ids=RENAMED)
def test_what_has_another_name_is_had_by_the_former_one(
    module: str, former: str, name: str, tmp_path: Path
) -> None:
    script = (
        f"from {module} import {former}\n"
        f"assert {former} is importlib.import_module({now(module)!r}).{name}\n"
    )

    said = warned(script, tmp_path, python_path(ROOT))

    where = now(module).removeprefix("patchbay.")
    ((kind, file, number),) = {
        (kind, Path(file).name, number)
        for kind, text, file, number in said
        if f"{where}.{former} is {name} now" in text
    }
    assert (kind, file, number) == ("DeprecationWarning", "script.py", HEAD.count("\n") + 1)


def test_every_former_name_is_somewhere() -> None:
    lost = [
        f"{module}.{name}"
        for module, renamed in names().items()
        for name in renamed.values()
        if not hasattr(import_module(module), name)
    ]
    assert lost == []


def test_a_name_that_never_was_is_said_as_python_says_it(tmp_path: Path) -> None:
    script = (
        "from nodes.retrieval import filters\n"
        "try:\n    filters.Nonsense\nexcept AttributeError as error:\n"
        "    assert 'Nonsense' in str(error)\n"
    )

    assert warned(script, tmp_path, python_path(ROOT))


SCRIPTS = {
    "a module": ("from nodes.contract import Node", "nodes.contract", "Node"),
    "one that moved": ("from nodes.models.gguf import GgufModel", "nodes.models.gguf", "GgufModel"),
    "one inside a folder that moved": (
        "from flows.rules.nodes import version",
        "flows.rules.nodes",
        "version",
    ),
    "one that is a folder now": (
        "from nodes.models.fallback import FallbackModel",
        "nodes.models.fallback",
        "FallbackModel",
    ),
    "a layer": ("from flows import load", "flows", "load"),
}


@pytest.mark.parametrize(("line", "former", "name"), SCRIPTS.values(), ids=SCRIPTS)
def test_it_is_the_same_object_and_the_warning_names_the_new_import(
    line: str, former: str, name: str, tmp_path: Path
) -> None:
    script = f"{line}\nassert {name} is importlib.import_module({now(former)!r}).{name}\n"
    said = warned(script, tmp_path, python_path(ROOT))

    ((kind, file, number),) = {
        (kind, Path(file).name, number)
        for kind, text, file, number in said
        if f"{former} is {now(former)} now" in text
    }
    assert (kind, file, number) == ("DeprecationWarning", "script.py", HEAD.count("\n") + 1)


@pytest.mark.parametrize(
    "script",
    [
        "from nodes.models import gguf; assert gguf.GgufModel",
        "import nodes.models.gguf; assert nodes.models.gguf.GgufModel",
        "from nodes.models import fallback; assert fallback.FallbackModel",
        "import patchbay.nodes.models.fallback.spec as new\n"
        "import nodes.models.fallback as old\n"
        "import patchbay.nodes.models.fallback\n"
        "assert patchbay.nodes.models.fallback.spec is new and old.FallbackModel",
        "import patchbay.nodes.values as new, nodes.values as old; assert new is old",
        "import nodes.values as old, patchbay.nodes.values as new; assert new is old",
        "import studio.documents, studio.timeline; assert studio.timeline.Timeline",
    ],
)
def test_however_it_is_imported(script: str, tmp_path: Path) -> None:
    assert warned(script + "\n", tmp_path, python_path(ROOT))


def test_plugins_find_every_name(tmp_path: Path) -> None:
    lines = [
        f"from {former} import {', '.join(names.split())}\n"
        for former, names in PLUGINS_NAMES.items()
    ]

    assert warned("".join(lines), tmp_path, python_path(ROOT))


def test_the_new_names_warn_of_nothing(tmp_path: Path) -> None:
    script = "from patchbay.flows import load, run\nfrom patchbay.nodes.contract import Node\n"

    assert warned(script, tmp_path, python_path(ROOT)) == []


@pytest.mark.parametrize("module", ["flows", "flows.schema", "patchbay.flows"])
def test_commands_run_by_either_name(module: str) -> None:
    rest = ["--check"] if module == "flows.schema" else ["validate", "flows/saved/ask.json"]
    command = [sys.executable, "-W", "ignore", "-m", module, *rest]

    assert subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0
