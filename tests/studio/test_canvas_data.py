"""What goes down to the browser is small, and enough."""

from __future__ import annotations

import json

from patchbay.flows.checks.validate import validate
from patchbay.flows.document.model import Edge, Flow, NodeInstance, Note, Place
from patchbay.flows.document.operations import EditNote, SetParams
from patchbay.nodes.catalog import Catalog, load_catalog
from patchbay.nodes.contract import Node, Ports
from patchbay.studio.canvas.component import _Memory, document_data, take
from patchbay.studio.canvas.views import CatalogView, problem_changes
from patchbay.studio.documents.document import FlowDocument

CATALOG = load_catalog()
VIEW = CatalogView(CATALOG)


def big(count: int) -> Flow:
    kinds = ["io.input", "prompt.template", "io.output"]
    nodes = [NodeInstance(id=f"n{i}", kind=kinds[i % 3]) for i in range(count)]
    edges = [
        Edge(source=f"n{i}.value", target=f"n{i + 1}.question") for i in range(0, count - 2, 3)
    ]
    places = {f"n{i}": Place(x=i * 10, y=0) for i in range(count)}
    return Flow(nodes=tuple(nodes), edges=tuple(edges), layout=places)


def opened(flow: Flow) -> tuple[FlowDocument, _Memory]:
    return FlowDocument(None, flow, check=lambda flow: validate(flow, CATALOG)), _Memory()


def up(
    document: FlowDocument, memory: _Memory, ops: list, revision: int | None, setup: str = ""
) -> dict:
    payload = {
        "doc": document.id,
        "client": "me",
        "rev": revision,
        "catalog": VIEW.digest,
        "setup": setup,
        "ops": ops,
    }
    take(payload, memory, {document.id: document}.get)
    return payload


def test_the_first_data_holds_everything_and_the_next_almost_nothing():
    document, memory = opened(big(500))
    first = document_data(document, VIEW, "me", memory)
    assert first["snap"]["nodes"][0]["id"] == "n0"
    assert {"catalog", "problems"} <= first.keys()
    up(document, memory, [], 0)
    assert len(json.dumps(document_data(document, VIEW, "me", memory))) < 400


def test_an_edit_costs_less_than_two_kilobytes_each_way():
    document, memory = opened(big(500))
    document_data(document, VIEW, "me", memory)
    up(document, memory, [], 0)
    document_data(document, VIEW, "me", memory)
    op = {"op": "move", "places": {"n7": {"x": 320, "y": 64}}}
    payload = up(document, memory, [{"seq": 1, "at": 0, "op": op}], 0)
    data = document_data(document, VIEW, "me", memory)
    assert len(json.dumps(payload)) < 2000
    assert len(json.dumps(data)) < 2000
    other = document_data(document, VIEW, "you", _Memory())
    assert "snap" in other


GIVEN = {"events": "news?doc=d&token=t", "dock": {"panels": ["Run"], "front": ("Run", 1)}}


def test_what_seldom_changes_is_sent_until_the_browser_names_it():
    document, memory = opened(big(3))
    first = document_data(document, VIEW, "me", memory, GIVEN)["setup"]
    assert first == {"digest": first["digest"], "client": "me", **GIVEN}
    up(document, memory, [], 0)  # an answer to something older
    assert document_data(document, VIEW, "me", memory, GIVEN)["setup"] == first
    up(document, memory, [], 0, first["digest"])
    told = document_data(document, VIEW, "me", memory, GIVEN)
    assert told.keys() == {"doc", "rev", "ack", "undo", "base", "ops"}


def test_what_changes_is_sent_again_even_where_a_message_of_it_was_lost():
    document, memory = opened(big(3))
    first = document_data(document, VIEW, "me", memory, GIVEN)["setup"]
    up(document, memory, [], 0, first["digest"])
    now = GIVEN | {"events": "news?doc=d&token=other"}
    for _ in range(2):  # the first of them did not arrive
        assert document_data(document, VIEW, "me", memory, now)["setup"]["events"] == now["events"]
        up(document, memory, [], 0, first["digest"])


def test_another_page_is_told_everything():
    document, memory = opened(big(3))
    first = document_data(document, VIEW, "me", memory, GIVEN)
    up(document, memory, [], 0, first["setup"]["digest"])
    other = document_data(document, VIEW, "you", _Memory(), GIVEN)
    assert {"snap", "catalog", "setup"} <= other.keys()
    # A page that outlives its session names what another one gave it.
    memory = _Memory()
    up(document, memory, [], 0, first["setup"]["digest"])
    assert document_data(document, VIEW, "you", memory, GIVEN)["setup"]["client"] == "you"


def test_what_was_rejected_is_told_until_the_browser_has_heard_of_it():
    document, memory = opened(big(3))
    wrong = {"seq": 1, "at": 0, "op": {"op": "rename", "node": "none", "title": "T"}}
    up(document, memory, [wrong], 0)
    for _ in range(2):
        (told,) = document_data(document, VIEW, "me", memory)["rejected"]
        assert told["seq"] == 1
        up(document, memory, [wrong], 0)  # the answer did not arrive: it is sent again
    right = {"seq": 2, "at": 0, "op": {"op": "rename", "node": "n0", "title": "T"}}
    up(document, memory, [right], 0)
    assert "rejected" not in document_data(document, VIEW, "me", memory)


def test_ports_follow_the_params():
    flow = Flow(nodes=(NodeInstance(id="p", kind="prompt.template"),))
    document, memory = opened(flow)
    document_data(document, VIEW, "me", memory)
    up(document, memory, [], 0)
    document.apply(SetParams(node="p", params={"template": "{topic} in {language}"}))
    view = document_data(document, VIEW, "me", memory)["views"]["p"]
    assert [port["name"] for port in view["inputs"]] == ["topic", "language"]
    assert "outputs" not in view  # as the kind says
    document.apply(SetParams(node="p", unset=("template",)))
    # The browser still shows what revision 0 had; it needs nothing, or the kind's own again.
    assert document_data(document, VIEW, "me", memory).get("views", {}).get("p", {}) == {}


def test_unknown_and_broken_nodes_are_said_to_be():
    flow = Flow(
        nodes=(
            NodeInstance(id="u", kind="no.such"),
            NodeInstance(id="b", kind="prompt.template", params={"template": 7}),
        )
    )
    assert VIEW.views(flow) == {"u": {"unknown": True}, "b": {"broken": True}}


def test_badges_come_as_differences():
    one, two = {"a": ["x"], "b": ["y"]}, {"b": ["z"], "c": ["w"]}
    assert problem_changes(two, one) == {"a": [], "b": ["z"], "c": ["w"]}
    assert problem_changes(one, one) == {}


def test_an_edit_finds_its_document_after_the_page_has_moved_on():
    document, memory = opened(big(3))
    other, _ = opened(big(3))
    edit = {"seq": 1, "at": 0, "op": {"op": "rename", "node": "n0", "title": "T"}}
    payload = {"doc": document.id, "client": "me", "rev": 0, "ops": [edit]}
    take(payload, memory, {one.id: one for one in (other, document)}.get)
    assert document.flow.node("n0").title == "T"
    assert other.revision == 0


def test_a_payload_that_makes_no_sense_does_no_harm():
    document, memory = opened(big(3))
    find = {document.id: document}.get
    for payload in ({}, {"doc": document.id}, {"doc": document.id, "ops": "x", "rev": "y"}):
        assert take(payload, memory, find) == []
    bad = {"doc": document.id, "ops": [{"seq": True}, {"seq": 1}], "rev": 99, "client": "c"}
    take(bad, memory, find)
    assert document.revision == 0


class NeedsMore(Node):
    """Does something with a package that nobody has."""

    kind, title, family = "test.needs_more", "Needs more", "Test"
    requires = ("no_such_package_here",)

    async def run(self, inputs, params, ctx) -> Ports:
        return self.Outputs()


def test_a_missing_package_greys_the_kind_out_with_what_to_type():
    (kind,) = CatalogView(Catalog([NeedsMore])).kinds
    assert kind["install"] == "pip install no-such-package-here"
    assert "install" not in VIEW.kinds[0]


def test_the_palette_gets_the_words_by_which_people_look_for_a_kind():
    kinds = {kind["kind"]: kind for kind in VIEW.kinds}
    assert "if" in kinds["logic.branch"]["synonyms"]
    assert "synonyms" not in CatalogView(Catalog([NeedsMore])).kinds[0]


def test_the_catalog_changes_its_digest_with_what_is_in_it():
    assert CatalogView(Catalog([NeedsMore])).digest != VIEW.digest
    assert CatalogView(load_catalog()).digest == VIEW.digest


def test_notes_come_with_what_their_markdown_says_and_only_when_they_change():
    notes = (Note(id="a", text="**one**"), Note(id="b", text="two"), Note(id="c"))
    document, memory = opened(Flow(notes=notes))
    first = document_data(document, VIEW, "me", memory)["words"]
    assert set(first) == {"a", "b"}
    strong = {"is": "strong", "in": [{"is": "text", "text": "one"}]}
    assert first["a"] == {"text": "**one**", "parts": [{"is": "paragraph", "in": [strong]}]}
    up(document, memory, [], 0)
    assert "words" not in document_data(document, VIEW, "me", memory)
    document.apply(EditNote(note="b", text="_two_"))
    words = document_data(document, VIEW, "me", memory)["words"]
    assert {note: item["text"] for note, item in words.items()} == {"b": "_two_"}


def test_the_browser_is_told_which_param_names_a_node():
    kinds = {kind["kind"]: kind for kind in VIEW.kinds}
    assert kinds["agent.role"]["named_by"] == "role"
    assert "named_by" not in kinds["agent.task"]
    for node in CATALOG:
        assert node.named_by == "" or node.named_by in node.Params.model_fields, node.kind
