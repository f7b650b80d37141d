"""A selection becomes a flow of its own: what is in it, how it is wired, and when it cannot be."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from patchbay.flows.checks.extraction import Extraction, extract
from patchbay.flows.checks.resolve import resolve_once
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.edit import EditError
from patchbay.flows.document.model import Flow, FlowVariable, Group, Note, Place
from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import errors
from patchbay.flows.runs.inputs import flow_inputs, flow_outputs
from tests.flows.runs.harness import CATALOG, events_of, flow

SAVED = Path(__file__).parents[3] / "flows" / "saved"
PROMPT = "prompt.template"


def prompt(template: str) -> tuple[str, dict[str, str]]:
    return PROMPT, {"template": template}


def texts() -> Flow:
    """question → first → second → answer; `first` goes to `other` and another output, too."""
    return flow(
        {
            "question": "io.input",
            "first": prompt("1 {question}"),
            "second": prompt("2 {text} of {question}"),
            "other": prompt("3 {text}"),
            "answer": "io.output",
            "rest": ("io.output", {"name": "rest"}),
        },
        [
            "question.value > first.question",
            "first.text > second.text",
            "question.value > second.question",
            "second.text > answer.value",
            "first.text > other.text",
            "other.text > rest.value",
        ],
    )


def extracted(old: Flow, *chosen: str, title: str = "Part") -> Extraction:
    return extract(resolve_once(old, CATALOG), set(chosen), title)


def wires(made: Flow) -> list[str]:
    return [f"{edge.source} > {edge.target}" for edge in made.edges]


def test_wires_that_cross_the_border_become_inputs_and_outputs() -> None:
    made = extracted(texts(), "first", "second")
    assert wires(made.flow) == [
        "question.value > first.question",
        "first.text > second.text",
        "question.value > second.question",
        "second.text > answer.value",
        "first.text > text.value",
    ]
    assert [(n.id, n.kind) for n in made.flow.nodes] == [
        ("question", "io.input"), ("first", PROMPT), ("second", PROMPT),
        ("answer", "io.output"), ("text", "io.output"),
    ]  # fmt: skip
    node = made.running("part").node(made.node)
    assert node.kind == "logic.run_flow"
    assert node.params == {
        "flow": "part",
        "inputs": {"question": "text"},
        "outputs": {"answer": "text", "text": "text"},
    }
    assert wires(made.rest) == [
        "question.value > part.question",
        "part.answer > answer.value",
        "part.text > other.text",
        "other.text > rest.value",
    ]


def test_names_that_meet_are_told_apart() -> None:
    old = flow(
        {
            "a": ("io.input", {"name": "a"}),
            "one": prompt("{text} {a}"), "two": prompt("{text} {a}"),
            "left": prompt("{a}"), "right": prompt("{a}"),
            "x": ("io.output", {"name": "x"}), "y": ("io.output", {"name": "y"}),
        },
        [
            "a.value > left.a", "a.value > right.a", "left.text > one.text",
            "right.text > two.text", "a.value > one.a", "a.value > two.a",
            "one.text > x.value", "two.text > y.value",
        ],
    )  # fmt: skip
    node = extracted(old, "one", "two").running("p").node("part")
    assert list(node.params["inputs"]) == ["text", "text_2", "a"]
    assert list(node.params["outputs"]) == ["x", "y"]


async def test_the_flow_gives_what_it_gave_before(tmp_path: Path) -> None:
    old = texts()
    made = extracted(old, "first", "second")
    save_flow(made.flow, tmp_path / "part.json")
    given = {"question": "Why?"}
    before = (await events_of(old, given))[-1]
    after = (await events_of(made.running("part"), given, folder=tmp_path))[-1]
    assert before.outputs == after.outputs
    assert before.outputs["answer"] == "2 1 Why? of Why?"


def test_inputs_and_outputs_of_the_flow_stay_where_they_are() -> None:
    old = texts()
    made = extracted(old, *(node.id for node in old.nodes))
    assert [n.id for n in made.rest.nodes] == ["question", "part", "answer", "rest"]
    assert [f.name for _, f in flow_inputs(resolve_once(made.rest, CATALOG))] == ["question"]
    assert list(flow_outputs(resolve_once(made.rest, CATALOG))) == ["answer", "rest"]


def test_types_are_kept() -> None:
    old = flow(
        {
            "docs": ("io.input", {"name": "docs", "kind": "documents"}),
            "split": "retrieval.split",
            "join": prompt("{texts}"),
            "answer": "io.output",
        },
        [
            "docs.value > split.documents",
            "split.chunks > join.texts",
            "join.text > answer.value",
        ],
    )
    made = extracted(old, "split")
    node = made.rest.node(made.node)
    assert node.params["inputs"] == {"docs": "documents"}
    assert node.params["outputs"] == {"chunks": "documents"}
    assert made.flow.node("docs").params == {"name": "docs", "kind": "documents"}


def test_a_model_goes_along_and_stays_where_others_need_it() -> None:
    old = read_flow(SAVED / "prompt_chain.json")
    asking = [node.id for node in old.nodes if node.kind == "model.ask"]
    alone = extracted(old, *asking[:1])
    models = [n.id for n in old.nodes if n.kind.startswith("model.") and n.id not in asking]
    assert all(model in alone.flow.by_id() for model in models)
    assert all(model in alone.rest.by_id() for model in models), "others ask it"
    assert alone.copied
    ask = read_flow(SAVED / "ask.json")
    node = next(n.id for n in ask.nodes if n.kind == "model.ask")
    moved = extracted(ask, node)
    assert not moved.copied
    assert not [n for n in moved.rest.nodes if n.kind == "model.gguf"], "nobody needs it any more"


def test_notes_groups_and_variables_go_along() -> None:
    old = texts()
    template = {"template": {"variable": "words"}}
    nodes = tuple(n.model_copy(update={"params": template}) if n.id == "other" else n
                  for n in old.nodes)  # fmt: skip
    old = old.model_copy(
        update={
            "nodes": nodes,
            "variables": (FlowVariable(name="words", value="3 {text}"), FlowVariable(name="no")),
            "notes": (Note(id="mine", text="m"), Note(id="yours", text="y")),
            "groups": (Group(id="g", nodes=("other",)), Group(id="h", nodes=("other2", "first"))),
            "layout": {"other": Place(x=600, y=300), "mine": Place(x=0, y=0)},
        }
    )
    made = extracted(old, "other", "mine")
    assert [each.name for each in made.flow.variables] == ["words"]
    assert [each.id for each in made.flow.notes] == ["mine"]
    assert [each.id for each in made.rest.notes] == ["yours"]
    assert [each.id for each in made.flow.groups] == ["g"]
    assert [each.id for each in made.rest.groups] == ["h"]
    assert made.rest.layout[made.node] == Place(x=600, y=300)
    assert made.flow.layout["text"].x < 600 < made.flow.layout["rest"].x


def test_the_node_in_its_place_lies_on_no_other() -> None:
    ask = read_flow(SAVED / "ask.json")
    moved = extracted(ask, "ask", "model")  # the middle of both is where the prompt lies
    assert moved.rest.layout[moved.node] == ask.layout["ask"]


def test_a_node_whose_output_goes_nowhere_gives_it() -> None:
    old = flow({"question": "io.input", "one": prompt("{question}")},
               ["question.value > one.question"])  # fmt: skip
    assert list(extracted(old, "one").rest.node("part").params["outputs"]) == ["text"]


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ((), "Choose the nodes"),
        (("question", "answer"), "stay where they are"),
        (("gone",), "Choose the nodes"),
    ],
)
def test_nothing_to_make_a_flow_of(chosen: tuple[str, ...], said: str) -> None:
    with pytest.raises(EditError, match=said):
        extracted(texts(), *chosen)


def test_a_wire_that_comes_back_is_refused() -> None:
    old = flow(
        {"a": "io.input", "x": prompt("{a}"), "y": prompt("{a}"), "z": prompt("{a} {b}"),
         "o": "io.output"},
        ["a.value > x.a", "x.text > y.a", "y.text > z.a", "x.text > z.b", "z.text > o.value"],
    )  # fmt: skip
    with pytest.raises(EditError, match=r'comes back by way of "Prompt template".*too'):
        extracted(old, "x", "z")
    assert extracted(old, "x", "y", "z").rest.by_id().keys() == {"a", "part", "o"}


def test_what_cannot_be_handed_in_is_named() -> None:
    old = read_flow(SAVED / "ask_folder.json")
    search = next(n.id for n in old.nodes if n.kind == "retrieval.search")
    with pytest.raises(EditError, match=r"gives retriever.*Take that node"):
        extracted(old, search)


def test_ways_that_part_are_refused() -> None:
    old = read_flow(SAVED / "route.json")
    resolved = resolve_once(old, CATALOG)
    parts = next(i for i, n in resolved.nodes.items() if len(n.exclusive) > 1)
    behind = set(resolved.links.after[parts])
    with pytest.raises(EditError, match="not always reached in the same run"):
        extracted(old, *behind, *(a for b in behind for a in resolved.links.after[b]))


def test_a_description_alone_is_refused() -> None:
    old = read_flow(SAVED / "ask.json")
    model = next(n.id for n in old.nodes if n.kind == "model.gguf")
    with pytest.raises(EditError, match="alone"):
        extracted(old, model)


@pytest.mark.parametrize("path", sorted(SAVED.glob("*.json")), ids=lambda path: path.stem)
def test_any_part_of_a_saved_flow_is_a_flow_or_refused(path: Path, tmp_path: Path) -> None:
    """Both flows have no errors, and what the flow asks for and gives is what it was."""
    old = read_flow(path)
    resolved, chance = resolve_once(old, CATALOG), random.Random(path.stem)
    shutil.copytree(SAVED, tmp_path, dirs_exist_ok=True)
    for _ in range(3):
        chosen = chance.sample([n.id for n in old.nodes], chance.randint(1, len(old.nodes)))
        try:
            made = extract(resolved, chosen)
        except EditError:
            continue
        save_flow(made.flow, tmp_path / "made.json")
        for each in (made.flow, made.running("made")):
            found = errors(validate(each, CATALOG, tmp_path))
            assert [str(problem) for problem in found] == []
        rest = resolve_once(made.rest, CATALOG)
        assert _asked(rest) == _asked(resolved)
        assert set(flow_outputs(rest)) == set(flow_outputs(resolved))
        assert json.loads((tmp_path / "made.json").read_text())["name"] == made.flow.name


def _asked(resolved: object) -> list[tuple[str, str]]:
    return sorted((f.name, f.kind) for _, f in flow_inputs(resolved))  # type: ignore[arg-type]
