"""Where nodes lie: flows without places, what fit shows, wires that skip a column."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.canvas_page import CanvasPage
from tests.browser.harness import ROOT, Server

WIDTH, HEIGHT = 240, 90
"""Of a node at the least."""


def opened(page: Page, bare: Server, name: str, flow: dict[str, Any]) -> CanvasPage:
    (bare.home / f"{name}.json").write_text(json.dumps(flow))
    return CanvasPage(page, bare, name)


def saved(name: str) -> dict[str, Any]:
    """A flow that ships, without its places."""
    flow: dict[str, Any] = json.loads((ROOT / "flows" / "saved" / f"{name}.json").read_text())
    return {**flow, "layout": {}}


def zoom(page: Page) -> int:
    return int(page.locator(".pb-bar.zoom .wide").inner_text().split()[0])


def test_a_flow_without_places_is_laid_out_once_and_can_be_read(
    empty_page: Page, bare: Server
) -> None:
    canvas = opened(empty_page, bare, "crew-without-places", saved("research_crew"))
    flow = canvas.wait_saved(lambda flow: len(flow.get("layout", {})) == len(flow["nodes"]))
    for one, other in itertools.combinations(flow["layout"].values(), 2):
        assert abs(one["x"] - other["x"]) >= WIDTH or abs(one["y"] - other["y"]) >= HEIGHT
    expect(canvas.page.locator(".pb-bar.zoom .wide")).not_to_have_text("100 %")
    assert zoom(canvas.page) >= 42
    canvas.page.locator(".pb-canvas").focus()
    canvas.press("Control+z")
    canvas.wait_saved(lambda flow: not flow.get("layout"), "one undo takes it back")
    canvas.press("Control+Shift+z")
    canvas.wait_saved(lambda now: now.get("layout") == flow["layout"])
    canvas.page.reload()
    expect(canvas.nodes()).to_have_count(len(flow["nodes"]))
    assert canvas.saved()["layout"] == flow["layout"]


def test_a_long_flow_is_shown_from_its_beginning_and_whole_when_asked_again(
    empty_page: Page, bare: Server
) -> None:
    nodes = [{"id": f"n{i}", "kind": "io.input", "params": {"name": f"n{i}"}} for i in range(60)]
    layout = {f"n{i}": {"x": i * 320, "y": 0} for i in range(60)}
    canvas = opened(
        empty_page, bare, "long-row", {"format": 1, "nodes": nodes, "edges": [], "layout": layout}
    )
    expect(canvas.node("n0")).to_be_visible()
    shown = canvas.page.locator(".pb-bar.zoom .wide")
    expect(shown).to_have_text("42 %")
    expect(canvas.page.locator(".pb-minimap")).to_be_visible()  # there is more than is in view
    canvas.page.locator(".pb-canvas").focus()
    canvas.press("f")
    expect(shown).to_have_text("10 %")
    canvas.press("f")
    expect(shown).to_have_text("42 %")


def test_a_wire_that_skips_a_column_does_not_run_behind_a_node(
    empty_page: Page, bare: Server
) -> None:
    flow = {
        "format": 1,
        "nodes": [
            {"id": "first", "kind": "io.input", "params": {"name": "a"}},
            {"id": "between", "kind": "io.input", "params": {"name": "b"}},
            {"id": "last", "kind": "io.output", "params": {"name": "c"}},
        ],
        "edges": [{"from": "first.value", "to": "last.value"}],
        "layout": {
            "first": {"x": 0, "y": 0},
            "between": {"x": 340, "y": 0},
            "last": {"x": 680, "y": 0},
        },
    }
    canvas = opened(empty_page, bare, "over-a-node", flow)
    line = canvas.wire("first.value", "last.value").locator("path.pb-wire")
    expect(line).to_have_attribute("d", re.compile("L"))  # a straight stretch: a lane
    touches = line.evaluate("""(path) => {
      const root = path.getRootNode();
      const box = root.querySelector('[data-id="between"]').getBoundingClientRect();
      const matrix = path.getScreenCTM(), long = path.getTotalLength();
      for (let at = 0; at <= long; at += 4) {
        const { x, y } = path.getPointAtLength(at).matrixTransform(matrix);
        if (x > box.left && x < box.right && y > box.top && y < box.bottom) return true;
      }
      return false;
    }""")
    assert not touches
    expect(canvas.page.locator(".pb-minimap")).to_have_count(0)  # all is in view: it gives way
