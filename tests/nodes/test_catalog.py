"""The catalog reports what it cannot offer, and loads without anything heavy."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog, install_command, load_catalog, missing_packages
from patchbay.nodes.contract import Node, Ports
from patchbay.nodes.declaration import node_declaration

HEAVY = [
    "langchain", "langchain_core", "xllamacpp", "sqlalchemy", "numpy", "networkx", "httpx",
    "requests", "streamlit", "torch", "transformers", "psutil", "filelock", "platformdirs",
    "typer", "jinja2", "yaml", "aiohttp", "pandas",
]  # fmt: skip


class Echo(Node):
    """Give back what came in."""

    kind, title, family = "test.echo", "Echo", "Test"

    async def run(self, inputs, params, ctx):
        return self.Outputs()


class OtherEcho(Echo):
    """Another node that wants the same kind."""


class Needy(Echo):
    """A node that needs packages which nobody has."""

    kind = "test.needy"
    requires = ("json", "no_such_package", "also_missing")


def test_two_nodes_of_one_kind_are_reported_and_the_first_stays():
    catalog = Catalog([Echo, OtherEcho])
    assert catalog.get("test.echo") is Echo
    (problem,) = catalog.problems
    assert "OtherEcho" in problem.source
    assert "'test.echo' is already taken by" in problem.message


def test_the_same_node_twice_is_no_problem():
    catalog = Catalog([Echo, Echo])
    assert len(catalog) == 1
    assert catalog.problems == []


def test_it_can_be_extended_without_changing():
    catalog = Catalog([Echo])
    more = catalog.extended([Needy])
    assert more.kinds() == ["test.echo", "test.needy"]
    assert "test.needy" not in catalog
    assert catalog.get("test.needy") is None


def test_a_missing_package_is_named_with_the_command():
    assert missing_packages(Needy) == ["no_such_package", "also_missing"]
    assert install_command(["no_such_package"]) == "pip install no-such-package"
    described = node_declaration(Needy)
    assert described["missing"] == ["no_such_package", "also_missing"]
    assert described["install"] == "pip install no-such-package also-missing"


# --- installed packages ------------------------------------------------------------------------

PLUGIN = '''
from patchbay.nodes.contract import Node, Ports, port

class Twice(Node):
    """Say a text twice in a row."""

    kind, title, family = "plugin.twice", "Twice", "Plugin"

    class Inputs(Ports):
        text: str = port(doc="What to say.")

    class Outputs(Ports):
        text: str = port(doc="Said twice.")

    async def run(self, inputs, params, ctx):
        return self.Outputs(text=inputs.text * 2)

class Thief(Twice):
    """Takes the kind of a node that ships."""

    kind = "prompt.template"

MANY = [Twice, Thief]
'''


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Install a distribution with entry points: real metadata in a folder on `sys.path`."""

    def install(name: str, code: str, entries: dict[str, str]) -> None:
        (tmp_path / f"{name}.py").write_text(textwrap.dedent(code))
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        lines = "".join(f"{key} = {value}\n" for key, value in entries.items())
        (info / "entry_points.txt").write_text("[patchbay.nodes]\n" + lines)
        monkeypatch.delitem(sys.modules, name, raising=False)

    monkeypatch.syspath_prepend(str(tmp_path))
    return install


def test_an_installed_package_adds_its_nodes(install):
    install("plugin_one", PLUGIN, {"twice": "plugin_one:Twice"})
    catalog = load_catalog()
    assert node_declaration(catalog.get("plugin.twice"))["inputs"][0]["doc"] == "What to say."
    assert catalog.problems == []
    assert catalog.kinds()[: len(BUILTIN)] == list(BUILTIN)


def test_a_flow_of_kinds_that_ship_imports_no_package(install):
    install("plugin_three", PLUGIN, {"twice": "plugin_three:Twice"})
    catalog = load_catalog()
    assert catalog.get("prompt.template") is not None
    assert "plugin_three" not in sys.modules
    assert catalog.get("plugin.twice") is not None
    assert "plugin_three" in sys.modules


def test_a_package_cannot_take_the_kind_of_a_node_that_ships(install):
    install("plugin_two", PLUGIN, {"many": "plugin_two:MANY"})
    catalog = load_catalog()
    assert "plugin.twice" in catalog
    assert catalog.get("prompt.template").__module__ == "patchbay.nodes.prompts.template"
    assert [problem.source for problem in catalog.problems] == ["plugin_two.Thief"]


@pytest.mark.parametrize(
    ("code", "entry", "words"),
    [
        ("raise RuntimeError('no licence')", "broken:X", "RuntimeError: no licence"),
        ("import no_such_library", "broken:X", "No module named 'no_such_library'"),
        ("", "broken:Missing", "AttributeError"),
        ("", "not_there:X", "ModuleNotFoundError"),
        ("class X(", "broken:X", "SyntaxError"),
    ],
)
def test_a_broken_package_is_reported_and_breaks_nothing(install, code, entry, words):
    install("broken", code, {"x": entry})
    catalog = load_catalog()
    (problem,) = catalog.problems
    assert problem.source == entry
    assert words in problem.message
    assert len(catalog) == len(BUILTIN)


# --- weight --------------------------------------------------------------------------------------


def imported_by(code: str) -> set[str]:
    """The heavy libraries that a fresh interpreter has loaded after running `code`."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(HEAVY) & set(json.loads(done.stdout))


def test_the_check_itself_sees_an_import():
    assert imported_by("import networkx") >= {"networkx"}


@pytest.mark.parametrize(
    "code",
    [
        "from patchbay.nodes.catalog import load_catalog; load_catalog()",
        "from patchbay.nodes.catalog import load_catalog\n"
        "from patchbay.nodes.declaration import node_declaration\n"
        "[node_declaration(node) for node in load_catalog()]",
        "import patchbay.nodes.docs",
    ],
)
def test_loading_the_catalog_imports_no_heavy_library(code):
    assert imported_by(code) == set()


def test_the_catalog_knows_the_descriptions_on_its_wires():
    class Fresh(Echo):
        """Gives nothing new."""

        class Outputs(Ports):
            text: str

    assert Catalog([Fresh]).value_types == {}


def test_a_kind_is_imported_when_somebody_asks_for_it():
    code = (
        "from patchbay.nodes.catalog import load_catalog\n"
        "catalog = load_catalog()\n"
        "assert len(catalog.kinds()) == len(catalog) and 'model.gguf' in catalog\n"
        "assert 'patchbay.nodes.models.llama.node' not in sys.modules\n"
        "assert catalog.get('model.gguf').__name__ == 'QuantizedModel'\n"
        "assert 'patchbay.nodes.models.ask' not in sys.modules"
    )
    assert imported_by(code) == set()


def test_more_nodes_leave_the_others_unloaded():
    catalog = Catalog(table=BUILTIN).extended([Echo])
    assert list(catalog.loaded()) == [Echo]
    assert catalog.kinds() == [*BUILTIN, "test.echo"]
    assert catalog.value_types["chat model/gguf"].__name__ == "GgufModel"
