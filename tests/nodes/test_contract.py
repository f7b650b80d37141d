"""Every node of the catalog keeps the contract. A new node is covered by being in the catalog."""

from __future__ import annotations

import ast
import inspect
import json
import re
from pathlib import Path
from typing import get_args

import pytest

from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import SAID_BY_THE_TYPE, Field, Node, Ports, Widget, port
from patchbay.nodes.declaration import default_params, node_declaration
from patchbay.nodes.docs import PAGE
from patchbay.nodes.icons import ICONS
from patchbay.nodes.values import Promptable

TESTS = Path(__file__).parent
CATALOG = Catalog(table=BUILTIN)
PROMPTABLE = Ports.of({"name": (Promptable, port(doc="Any."))})
every_node = pytest.mark.parametrize("node", CATALOG, ids=lambda node: node.kind)


@every_node
def test_the_kind_is_family_dot_what(node: type[Node]):
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*\.[a-z]+(_[a-z]+)*", node.kind)
    assert node.version >= 1
    assert set(node.migrations) == set(range(1, node.version))  # each older version can be read


@every_node
def test_it_says_what_it_is(node: type[Node]):
    assert re.fullmatch(r"([A-Z]|vLLM )[\w\- ]{2,30}", node.title)
    assert node.family
    assert node.icon in ICONS, f"{source(node)} says an icon that nodes/icons.py does not have"
    first = node.doc().split("\n\n")[0]
    assert first.endswith(".")
    assert len(first.split()) >= 5


@every_node
def test_synonyms_are_words_that_people_type(node: type[Node]):
    assert node.synonyms, f"{source(node)} says no other words for {node.title}"
    assert len(set(node.synonyms)) == len(node.synonyms)
    assert all(word == word.strip().lower() != "" for word in node.synonyms)
    assert node.title.lower() not in node.synonyms  # the title is found anyway


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("loop", "logic.for_each"), ("if", "logic.branch"), ("router", "logic.branch"),
        ("rag", "retrieval.index"), ("rag", "retrieval.answer"), ("image", "io.picture"),
        ("gpt", "model.provider"), ("gemini", "model.provider"), ("groq", "model.provider"),
        ("loop", "logic.loop"), ("memory", "memory.conversation"), ("sql", "data.sql"),
        ("sql", "tool.sql"), ("webhook", "tool.http_request"), ("router", "logic.switch"),
        ("llm", "model.ask"), ("cot", "technique.chain_of_thought"), ("url", "tool.http_get"),
    ],
)  # fmt: skip
def test_the_palette_understands_the_words_that_people_use(word: str, kind: str):
    said = {node.kind: {*node.synonyms, *node.title.lower().split()} for node in CATALOG}
    assert word in said[kind]


@every_node
def test_every_param_says_a_widget_that_is_there(node: type[Node]):
    said = {n: p["widget"] for n, p in node_declaration(node)["params"].items() if "widget" in p}
    unknown = {name: word for name, word in said.items() if word not in get_args(Widget)}
    assert not unknown, (
        f"{source(node)} says widgets that nodes/contract.py does not have: {unknown}"
    )


def source(node: type[Node]) -> str:
    """The file that a node is declared in."""
    return str(inspect.getsourcefile(node))


@pytest.mark.parametrize("word", SAID_BY_THE_TYPE)
def test_a_widget_that_the_type_says_is_left_out_with_a_warning(word: str):
    with pytest.warns(DeprecationWarning, match=f'widget="{word}" does nothing') as caught:
        field = Field([], widget=word)  # type: ignore[arg-type]
    assert caught[0].filename == __file__
    assert field.json_schema_extra is None


@every_node
def test_what_is_edited_on_the_node_is_a_param_of_it(node: type[Node]):
    named = [node.front] if isinstance(node.front, str) else list(node.front)
    assert {name for name in named if name} <= set(node.Params.model_fields), source(node)
    assert 1 <= len(named) <= 3
    assert isinstance(node.front, str) or len(named) > 1  # one is said without a tuple


@pytest.mark.parametrize("node", [n for n in CATALOG if n.variables_of], ids=lambda node: node.kind)
def test_variables_of_a_text_become_inputs_by_their_names(node: type[Node]):
    """The canvas draws them while the text is typed, before it has asked."""
    text = "Say {one} and {two}, {one}."
    default = node.Params.model_fields[node.variables_of].default
    value = text if not isinstance(default, list) else [{"role": "user", "text": text}]
    plain = default_params(node)
    known = set(node.input_ports(plain).declared) if plain else set()
    params = node.Params(**{**(plain.model_dump() if plain else {}), node.variables_of: value})
    found = node.input_ports(params).declared
    made = [name for name in found if name not in known or name in ("one", "two")]
    assert made == ["one", "two"]
    assert all(found[name].required for name in made)
    assert {str(found[name].type) for name in made} == {str(PROMPTABLE.declared["name"].type)}


@every_node
def test_every_param_and_port_is_documented(node: type[Node]):
    described = node_declaration(node)
    bare = [name for name, param in described["params"].items() if not param.get("description")]
    bare += [
        port["name"]
        for side in ("inputs", "outputs")
        for port in described[side]
        if not port["doc"]
    ]
    assert bare == []


@every_node
def test_the_description_is_plain_json(node: type[Node]):
    described = node_declaration(node)
    assert json.loads(json.dumps(described, allow_nan=False)) == described


@every_node
def test_a_freshly_dropped_node_has_valid_params_and_ports(node: type[Node]):
    params = default_params(node)
    assert params is not None, "a param without a default leaves a dropped node without ports"
    assert node.Params.model_validate(params.model_dump(mode="json")) == params
    assert issubclass(node.input_ports(params), Ports)
    declared = node.output_ports(params).declared
    assert declared
    assert set(node.exclusive_outputs(params)) <= set(declared)
    assert isinstance(node.summary(params), str)
    assert "\n" not in node.summary(params)


@every_node
def test_params_refuse_what_they_do_not_know(node: type[Node]):
    assert node.Params.model_config["extra"] == "forbid"
    assert node.Params.model_config["frozen"]


@every_node
def test_a_flow_output_has_the_port_that_the_run_reads(node: type[Node]):
    params = default_params(node)
    if node.flow_output(params) is not None:
        assert "value" in node.output_ports(params).declared


@every_node
def test_run_is_async(node: type[Node]):
    assert inspect.iscoroutinefunction(node.run)


@every_node
def test_it_is_on_the_catalog_page(node: type[Node]):
    there = f"### {node.title} (`{node.kind}`)\n" in PAGE.read_text(encoding="utf-8")
    assert there, f"{source(node)} is not on {PAGE.name}: make generate"


@every_node
def test_it_has_a_test_of_its_own(node: type[Node]):
    """The test file stands where the node stands: nodes/a/b.py has tests/nodes/a/test_b.py."""
    _, _, *rooms, module = node.__module__.split(".")
    file = TESTS.joinpath(*rooms, f"test_{module}.py")
    assert file.is_file(), f"write {file.relative_to(TESTS.parents[1])}"


def test_families_stand_together_in_the_palette():
    families = [node.family for node in CATALOG]
    runs = [f for i, f in enumerate(families) if i == 0 or families[i - 1] != f]
    assert len(runs) == len(set(families))


def test_every_node_class_in_the_package_is_offered():
    """A node file that nobody put into `BUILTIN` would be dead code; what is no kind is a base."""
    package = Path(inspect.getfile(Node)).parent
    bases: dict[str, set[str]] = {}
    files: dict[str, str] = {}
    for path in package.rglob("*.py"):
        for made in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(made, ast.ClassDef):
                bases[made.name] = {base.id for base in made.bases if isinstance(base, ast.Name)}
                files[made.name] = path.relative_to(package).as_posix()
    nodes, more = {"Node"}, {"Node"}
    while more:
        more = {name for name, its in bases.items() if its & nodes} - nodes
        nodes |= more
    offered = {node.__name__ for node in CATALOG}
    inherited_from = set().union(*bases.values())
    forgotten = {name: files[name] for name in nodes - offered - inherited_from}
    assert not forgotten, f"no line in nodes/builtin.py for {forgotten}"
    assert offered <= nodes


def test_no_source_says_a_widget_that_the_type_says():
    words = "|".join(SAID_BY_THE_TYPE)
    nodes = Path(str(inspect.getsourcefile(Node))).parent
    found = [
        f"{file.relative_to(nodes)}: {said[0]}"
        for file in nodes.rglob("*.py")
        for said in re.finditer(rf'widget="({words})"', file.read_text("utf-8"))
        if file.name != "contract.py"
    ]
    assert found == []


_NEVER_WAITS = {"warn", "progress", "stream"}


@every_node
def test_one_that_only_tells_awaits_nothing_else(node: type[Node]):
    if not node.only_tells:
        return
    (tree,) = ast.parse("if 1:\n" + inspect.getsource(node.run)).body
    awaited = [found.value for found in ast.walk(tree) if isinstance(found, ast.Await)]
    assert awaited, f"{source(node)} awaits nothing: leave only_tells out"
    for call in awaited:
        assert isinstance(call, ast.Call)
        assert isinstance(call.func, ast.Attribute)
        assert isinstance(call.func.value, ast.Name)
        assert call.func.value.id == "ctx"
        assert call.func.attr in _NEVER_WAITS
    assert not any(isinstance(found, ast.AsyncWith | ast.AsyncFor) for found in ast.walk(tree))
