"""What a flow takes of the machine's memory, from its descriptions alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from patchbay.flows.checks.memory import MemoryPlan, memory_plan
from patchbay.flows.checks.resolve import resolve
from patchbay.flows.checks.validate import validate
from patchbay.flows.cli.app import build
from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.writing import canonical_text
from patchbay.nodes.catalog import Catalog
from tests.flows.checks import rules_kit as kit
from tests.flows.checks.rules_kit import flow, node

WIRES = ("a.model > t.model", "in.value > t.prompt", "t.text > out.value")
ENDS = [node("in", "in"), node("t", "talk"), node("out", "out")]
MB = 10**6


def plan(document: Flow, folder: Path | None = None) -> MemoryPlan:
    return memory_plan(resolve(document, kit.CATALOG), folder)


def test_what_two_nodes_share_counts_once() -> None:
    nodes = [node("a", "plain"), node("b", "plain"), *ENDS, node("t2", "talk"), node("o2", "out")]
    nodes[-1] = node("o2", "out", name="second")
    both = flow(nodes, *WIRES, "b.model > t2.model", "in.value > t2.prompt", "t2.text > o2.value")
    assert plan(both).by_node() == {"a": MB}
    other = flow(
        [nodes[0], node("b", "plain", size="large"), *nodes[2:]], *WIRES,
        "b.model > t2.model", "in.value > t2.prompt", "t2.text > o2.value",
    )  # fmt: skip
    assert plan(other).by_node() == {"b": 3_000 * MB, "a": MB}
    assert plan(other).total == 3_001 * MB


def test_what_is_described_and_never_opened_does_not_count() -> None:
    unused = flow([node("a", "plain"), node("b", "plain", size="large"), *ENDS], *WIRES)
    assert plan(unused).by_node() == {"a": MB}
    disabled = flow(
        [node("a", "plain"), ENDS[0], node("t", "talk", disabled=True), ENDS[2]], *WIRES
    )
    assert plan(disabled) == MemoryPlan()


def test_what_waits_for_the_run_counts_with_what_it_is_given() -> None:
    nodes = [node("a", "plain"), node("m", "model"), node("both", "pair"), *ENDS]
    wires = ("a.model > both.one", "m.model > both.two", "both.model > t.model", *WIRES[1:])
    assert plan(flow(nodes, *wires)).by_node() == {"a": MB}


def test_what_is_not_known_is_told_apart() -> None:
    found = plan(flow([node("a", "plain", size="odd"), *ENDS], *WIRES))
    assert found.total == 0
    assert [share.node for share in found.unknown] == ["a"]


def test_the_flows_that_it_runs_count(tmp_path: Path) -> None:
    inner = flow([node("a", "plain", size="large"), *ENDS], *WIRES, name="inner")
    (tmp_path / "inner.json").write_text(canonical_text(inner))
    nodes = [node("in", "in"), node("r", "inner", flow="inner"), node("s", "inner", flow="inner")]
    outer = flow([*nodes, node("out", "out")], "in.value > r.question", "r.answer > out.value")
    assert plan(outer, tmp_path).by_node() == {"r/a": 3_000 * MB}
    assert plan(outer) == MemoryPlan()
    (tmp_path / "inner.json").write_text("{")
    assert plan(outer, tmp_path) == MemoryPlan()


def test_nothing_is_said_where_it_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    document = flow([node("a", "plain", size="large"), *ENDS], *WIRES)
    for limit, codes in ((5_000 * MB, []), (3_000 * MB, ["resources/memory"])):
        monkeypatch.setattr("patchbay.flows.machine.memory_limit", lambda limit=limit: limit)
        assert [p.code for p in validate(document, kit.CATALOG)] == codes


def gguf(**params: object) -> Flow:
    nodes = (
        NodeInstance(id="model", kind="model.gguf", params=params),
        NodeInstance(id="ask", kind="model.ask"),
        NodeInstance(id="in", kind="io.input", params={"name": "question"}),
        NodeInstance(id="out", kind="io.output", params={"name": "answer"}),
    )
    wires = ("model.model > ask.model", "in.value > ask.prompt", "ask.text > out.value")
    edges = tuple(Edge(source=a, target=b) for a, b in (wire.split(" > ") for wire in wires))
    return Flow(name="Ask", nodes=nodes, edges=edges)


@pytest.mark.parametrize(
    ("limit", "fix"),
    [
        (
            600 * MB,
            'Give "model" 3 parallel requests instead of 4 or a context of 3,584 tokens instead of '
            "4,096 or weights in Q2_K (about 3.2 bits each).",
        ),
        (220 * MB, 'Give "model" a context of 256 tokens instead of 4,096.'),
        (100 * MB, "Take smaller models, or fewer of them."),
    ],
)
def test_the_quantized_model_says_what_would_fit(
    monkeypatch: pytest.MonkeyPatch, catalog: Catalog, limit: int, fix: str
) -> None:
    monkeypatch.setattr("patchbay.flows.machine.memory_limit", lambda: limit)
    (problem,) = validate(gguf(), catalog)
    assert (problem.code, problem.severity) == ("resources/memory", "warning")
    assert problem.node == "model"
    assert problem.message == (
        f'This flow needs about 515 MB of memory ("model" 515 MB), but this machine has '
        f"{limit * 4 // 5 // MB} MB for models."
    )
    assert problem.fix == fix


def test_a_coarser_quantization_may_do(monkeypatch: pytest.MonkeyPatch, catalog: Catalog) -> None:
    monkeypatch.setattr("patchbay.flows.machine.memory_limit", lambda: 160 * MB)
    (problem,) = validate(gguf(context=256, parallel=1), catalog)
    assert problem.fix == 'Give "model" weights in Q4_K_M (about 4.9 bits each).'


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    from patchbay.flows.runs.defaults import default_catalog

    return default_catalog()


def test_the_command_line_says_the_sum(tmp_path: Path) -> None:
    path = tmp_path / "ask.json"
    path.write_text(canonical_text(gguf(context=1024, parallel=1)))
    assert read_text(path.read_text())
    result = CliRunner().invoke(build(), ["validate", str(path)])
    assert result.exit_code == 0
    assert "memory: about 161 MB (model 161 MB)" in result.stderr


def on_cards(monkeypatch: pytest.MonkeyPatch, **places: int | None) -> None:
    """Models of a size lie on a card; the others in the machine's memory."""
    monkeypatch.setattr(kit.Plain, "gpu", property(lambda self: places.get(self.size)))


def test_what_lies_on_a_graphics_card_counts_against_its_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    nodes = [node("a", "plain", size="large"), *ENDS, node("b", "plain"), node("t2", "talk"),
             node("o2", "out", name="second")]  # fmt: skip
    document = flow(nodes, *WIRES, "b.model > t2.model", "in.value > t2.prompt",
                    "t2.text > o2.value")  # fmt: skip
    on_cards(monkeypatch, large=1)
    assert {place: part.total for place, part in plan(document).by_place().items()} == {
        None: MB,
        1: 3_000 * MB,
    }
    assert plan(document).words() == "about 1 MB (b 1 MB) and about 3 GB of GPU memory (a 3 GB)"
    monkeypatch.setattr("patchbay.flows.machine.memory_limit", lambda: 100 * MB)
    for allowed, said in (
        (4_000 * MB, []),
        (2_000 * MB, ['This flow needs about 3 GB of GPU memory ("a" 3 GB), but graphics card 1 '
                      "has 2 GB for models."]),
    ):  # fmt: skip
        monkeypatch.setattr("patchbay.nodes.gpus.allowed_on", lambda _, allowed=allowed: allowed)
        assert [p.message for p in validate(document, kit.CATALOG)] == said
