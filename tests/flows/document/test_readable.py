"""What could not be read back is refused at the edit, in words; the flow stays as it was."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from patchbay.flows.document.edit import EditError, apply
from patchbay.flows.document.model import Flow, Group, NodeInstance, Note, Place
from patchbay.flows.document.operations import (
    AddNode,
    Batch,
    EditNote,
    GroupSlot,
    Move,
    NodeSlot,
    NoteSlot,
    Patch,
    Replace,
    SetMeta,
    SetParams,
    SetRun,
)
from patchbay.flows.document.readable import PARAM_DEPTH, refuse_unreadable
from patchbay.flows.document.reading import MAX_BYTES, read_text
from patchbay.flows.document.writing import canonical_text, save_flow
from patchbay.flows.problems import FlowError
from patchbay.studio.documents.timeline import Timeline

FLOW = Flow(
    nodes=(NodeInstance(id="n", kind="test.box"), NodeInstance(id="m", kind="test.box")),
    notes=(Note(id="note", text="hi"),),
    groups=(Group(id="box"),),
)
BOX = NodeInstance(id="n", kind="test.box")


def nested(levels: int, kind: str = "list") -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if kind == "list" else {"a": value}
    return value


def param(value: Any) -> SetParams:
    return SetParams.model_construct(node="n", params={"x": value}, unset=())


BAD = {
    "97 deep": (param(nested(97)), '"x" of "n" is nested more than 96 levels'),
    "97 deep, objects": (param(nested(97, "object")), "nested more than 96"),
    "thousands deep": (param(nested(5000)), "nested more than 96"),
    "17 MB": (param("x" * 17 * 2**20), "would take 17.8 MB; a flow file may have 16.8 MB"),
    "17 MB of control characters": (param("\0" * 3 * 2**20), "would take 18.9 MB"),
    "17 MB of small lists": (param([[[]]] * 446_000), "MB; a flow file may have 16.8 MB"),
    "infinity": (param(math.inf), '"x" of "n" holds a number that is not finite'),
    "1e999 inside": (param({"a": [float("1e999")]}), "not finite"),
    "no number": (param([math.nan]), "not finite"),
    "a time without end": (SetRun(node="n", run={"timeout_s": math.inf}), "finite number"),
    "too many digits": (param(10**5000), "of thousands of digits"),
    "half a character": (param("a\ud800"), "half a character"),
    "half a character in a key": (param({"\udc00": 1}), "half a character"),
    "half a character in the name": (SetMeta.model_construct(name="\ud800"), "half a character"),
    "half a character in a note": (
        EditNote.model_construct(note="note", text="\ud800", color=None),
        "half a character",
    ),
    "a place nowhere": (
        Move.model_construct(places={"n": Place(x=math.inf, y=0.0)}),
        'place of "n"',
    ),
    "an id doubled by a patch": (
        Patch(nodes=(NodeSlot(key="n", index=0, value=BOX),)),
        '"n"',
    ),
    "an id doubled inside a patch": (
        Patch(nodes=tuple(NodeSlot(key="z", index=i, value=BOX.model_copy(update={"id": "z"}))
                          for i in (0, 1))),
        '"z"',
    ),
    "an id doubled between nodes and notes": (
        Patch(notes=(NoteSlot(key="n", index=0, value=Note(id="n")),)),
        '"n" would stand there twice',
    ),
    "an id doubled under another key": (
        Patch(groups=(GroupSlot(key="other", index=0, value=Group(id="m")),)),
        '"m" would stand there twice',
    ),
    "ids doubled by a whole flow": (Replace(flow=Flow(nodes=(BOX, BOX))), '"n" would stand'),
    "among other edits": (Batch(ops=(SetMeta(name="x"), param(nested(97)))), "nested more"),
    "in a new node": (
        AddNode.model_construct(
            node=NodeInstance.model_construct(
                id="new", kind="k", version=1, title=None, disabled=False,
                params={"p": nested(97)}, run=BOX.run,
            ),
            at=None,
        ),
        '"p" of "new" is nested',
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_it_is_refused_and_the_flow_stays(case: str) -> None:
    op, words = BAD[case]
    timeline = Timeline(FLOW, lambda: 0.0)
    with pytest.raises(EditError) as refused:
        timeline.make("client", op)
    assert words in str(refused.value)
    assert timeline.flow is FLOW
    assert timeline.revision == 0
    assert timeline.travel("client", "undo") is None


def test_the_limits_themselves_can_be_read() -> None:
    for op in (param(nested(PARAM_DEPTH)), param("x" * (MAX_BYTES - 1000)), param(10**4000)):
        after = apply(FLOW, op)
        assert read_text(canonical_text(after)) == after


@pytest.mark.parametrize("value", [nested(97), nested(4000), "x" * 17 * 2**20, "1e999"])
def test_a_browser_hears_why(value: Any) -> None:
    timeline = Timeline(FLOW, lambda: 0.0)
    sent = float(value) if value == "1e999" else value
    op = {"op": "set_params", "node": "n", "params": {"x": sent}}
    timeline.submit("client", [{"seq": 1, "op": op}])
    (rejected,) = timeline.since("client", 0)["rejected"]
    assert "malformed" not in rejected["message"]
    assert timeline.flow is FLOW


@pytest.mark.parametrize("value", [nested(97), math.inf, "x" * 17 * 2**20])
def test_nothing_is_saved_that_cannot_be_opened(value: Any, tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    save_flow(FLOW, path)
    before = path.read_bytes()
    bad = FLOW.with_params({"n": {"x": value}})
    with pytest.raises(FlowError):
        save_flow(bad, path)
    with pytest.raises(FlowError):
        refuse_unreadable(bad)
    assert path.read_bytes() == before


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
some_ids = st.sampled_from(["n", "m", "note", "box", "z"])
boxes = st.builds(lambda i: BOX.model_copy(update={"id": i}), some_ids)
edits = st.one_of(
    st.builds(lambda v: param(v), json_values),
    st.builds(
        lambda slots: Patch(nodes=tuple(slots)),
        st.lists(st.builds(lambda k, i, v: NodeSlot(key=k, index=i, value=v), some_ids,
                           st.none() | st.integers(0, 3), st.none() | boxes), max_size=4),
    ),
    st.builds(
        lambda slots: Patch(notes=tuple(slots)),
        st.lists(st.builds(lambda k: NoteSlot(key=k, index=0, value=Note(id=k)), some_ids),
                 max_size=2),
    ),
    st.builds(lambda nodes: Replace(flow=Flow(nodes=tuple(nodes))), st.lists(boxes, max_size=3)),
    st.builds(lambda text: SetMeta.model_construct(description=text), st.text(max_size=9)),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(edits, max_size=5))
def test_whatever_is_edited_can_be_read_again(ops: list[Any]) -> None:
    flow = FLOW
    for op in ops:
        try:
            flow = apply(flow, op)
        except EditError:
            continue
        assert read_text(canonical_text(flow)) == flow
