"""Pictures of flows: they carry the flow, and hold nothing that could act."""

from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image

from patchbay import flows
from patchbay.flows.document.model import Edge, Flow, Group, NodeInstance, Note
from patchbay.flows.document.reading import read_flow
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.problems import FlowError
from patchbay.nodes.catalog import load_catalog
from patchbay.studio.documents.importing import flow_from
from patchbay.studio.pictures.picture import draw

SAVED = sorted((Path(flows.__file__).parent / "saved").glob("*.json"))
CATALOG = load_catalog()
EVIL = "]]></metadata><script>alert(1)</script>\" onload='x' &amp; \x00\x1b"


@pytest.mark.parametrize("path", SAVED, ids=lambda path: path.stem)
def test_pictures_carry_their_flow(path: Path) -> None:
    flow = read_flow(path)
    text, picture = canonical_text(flow), draw(flow, CATALOG)
    assert flow_from(picture.png(text)) == flow
    assert flow_from(picture.svg(text).encode()) == flow
    assert len(picture.boxes) == len(flow.nodes)
    assert len(picture.lines) == len(flow.edges)


TALLER, LINE, STREAMED = 12, 20, 60
"""Pixels: how much taller a node is on the canvas; what it writes and streams below itself."""


def test_below_each_node_of_a_template_is_room_for_what_it_writes() -> None:
    covered = []
    for path in SAVED:
        boxes = draw(read_flow(path), CATALOG).boxes
        for above in boxes:
            ports = {dot.name for dot in above.inputs}, {dot.name for dot in above.outputs}
            answers = "model" in ports[0] and "text" in ports[1]
            end = above.y + above.h + TALLER + (STREAMED if answers else LINE)
            covered += [
                f"{path.stem}: {above.id} above {below.id}" for below in boxes
                if above.y < below.y < end and abs(above.x - below.x) < min(above.w, below.w)
            ]  # fmt: skip
    assert covered == []


def test_hostile_text_stays_text() -> None:
    name = "".join(c for c in EVIL if c.isprintable())
    flow = Flow(
        name=name,
        nodes=(
            NodeInstance(id="a", kind=EVIL, title=name),
            NodeInstance(id="b", kind="prompt.template", params={"template": EVIL}),
        ),
        edges=(Edge(source="a.x", target="b.y"),),
        notes=(Note(id="n", text=EVIL),),
        groups=(Group(id="g", title=name, nodes=("a",)),),
    )
    text = canonical_text(flow)
    svg = draw(flow, CATALOG).svg(text)
    root = ElementTree.fromstring(svg)  # our own
    assert {element.tag.rpartition("}")[2] for element in root.iter()} <= {
        "svg", "title", "metadata", "rect", "path", "circle", "text", "tspan", "g",
    }  # fmt: skip
    names = {name for element in root.iter() for name in element.attrib}
    assert not any(name.startswith("on") or "href" in name for name in names)
    assert flow_from(svg.encode()) == flow
    assert flow_from(draw(flow, CATALOG).png(text)) == flow


def test_flows_without_layout_wires_or_nodes_are_drawn() -> None:
    ring = Flow(
        nodes=tuple(NodeInstance(id=i, kind="none") for i in "abc"),
        edges=(
            Edge(source="a.o", target="b.i"),
            Edge(source="b.o", target="a.i"),
            Edge(source="gone.o", target="c.i"),
        ),
    )
    for flow in (Flow(), ring):
        image = Image.open(io.BytesIO(draw(flow, CATALOG).png()))
        assert min(image.size) > 100


def test_a_large_flow_fits_a_picture() -> None:
    flow = Flow(nodes=tuple(NodeInstance(id=f"n{i}", kind="text.join") for i in range(300)))
    assert max(Image.open(io.BytesIO(draw(flow, CATALOG).png())).size) <= 4000


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + b"\xff" * 40,
        b"<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        b"",
        b"GIF89a",
    ],
)
def test_files_without_a_flow_are_refused_in_words(data: bytes) -> None:
    with pytest.raises(FlowError) as refused:
        flow_from(data)
    assert refused.value.problems[0].code.startswith("file/")
