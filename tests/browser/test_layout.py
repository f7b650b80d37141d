"""Where nodes lie: flows without places, what fit shows, wires that skip a column."""

from __future__ import annotations

import itertools
import json
import re
from typing import Any

from playwright.sync_api import Page, expect

from tests.browser.canvas_page import CanvasPage
from tests.browser.editor_page import dock, edit, node, shoot, still
from tests.browser.flow_files import put
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
    still(canvas.page)
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
    expect(shown).to_have_text("30 %")
    expect(canvas.page.locator(".pb-minimap")).to_be_visible()  # there is more than is in view
    canvas.page.locator(".pb-canvas").focus()
    canvas.press("f")
    expect(shown).to_have_text("10 %")
    canvas.press("f")
    expect(shown).to_have_text("30 %")


def test_a_crew_that_was_saved_as_one_row_opens_whole_and_in_titles_one_can_read(
    empty_page: Page, bare: Server
) -> None:
    flow = json.loads((ROOT / "flows" / "saved" / "research_crew.json").read_text())
    row = {node["id"]: {"x": i * 208, "y": i % 3 * 180} for i, node in enumerate(flow["nodes"])}
    empty_page.set_viewport_size({"width": 1600, "height": 900})
    canvas = opened(empty_page, bare, "crew-in-a-row", {**flow, "layout": row})
    for name in (flow["nodes"][0]["id"], flow["nodes"][-1]["id"]):
        expect(canvas.node(name)).to_be_in_viewport(ratio=0.99)
    title = canvas.node("researcher").locator(".pb-title")
    expect(title).to_have_text("Researcher")  # a role is called by its name
    still(canvas.page)
    size = title.evaluate(
        "e => parseFloat(getComputedStyle(e).fontSize) * e.getBoundingClientRect().width"
        " / e.offsetWidth"
    )
    assert size >= 10.9
    expect(canvas.page.locator(".pb-minimap")).to_have_count(0)


def test_the_overview_lies_over_no_node_unless_it_is_asked_for(
    empty_page: Page, bare: Server
) -> None:
    nodes = [{"id": f"n{i}", "kind": "io.input", "params": {"name": f"n{i}"}} for i in range(400)]
    layout = {f"n{i}": {"x": i % 20 * 288, "y": i // 20 * 144} for i in range(400)}
    canvas = opened(
        empty_page, bare, "many", {"format": 1, "nodes": nodes, "edges": [], "layout": layout}
    )
    expect(canvas.node("n0")).to_be_visible()
    show = canvas.page.get_by_role("button", name="Show the overview")
    expect(show).to_be_visible()
    expect(canvas.page.locator(".pb-minimap")).to_have_count(0)
    show.click()
    expect(canvas.page.locator(".pb-minimap")).to_be_visible()
    canvas.page.get_by_role("button", name="Hide the overview").click()
    expect(canvas.page.locator(".pb-minimap")).to_have_count(0)


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
    canvas.page.wait_for_function(
        """(path) => {
      const root = path.getRootNode();
      const box = root.querySelector('[data-id="between"]').getBoundingClientRect();
      const matrix = path.getScreenCTM(), long = path.getTotalLength();
      for (let at = 0; at <= long; at += 4) {
        const { x, y } = path.getPointAtLength(at).matrixTransform(matrix);
        if (x > box.left && x < box.right && y > box.top && y < box.bottom) return false;
      }
      return true;
    }""",
        arg=line.element_handle(),
    )
    expect(canvas.page.locator(".pb-minimap")).to_have_count(0)  # all is in view: it gives way


# --- the fit and what lies over the canvas --------------------------------------------------------

BESIDE = """([first, last, dock]) => {
  const [start, end, edge] = [first, last, dock].map((it) => it.getBoundingClientRect());
  return start.left > 0 && start.right < end.left && end.right <= edge.left
    && end.right > edge.left - 60;
}"""
"""All of it can be seen beside the dock, and as large as that allows."""


def fitted_row(studio: Server, page: Page, name: str, count: int = 4) -> None:
    """The editor on a row of nodes that fills a window, the dock folded."""
    page.set_viewport_size({"width": 1440, "height": 900})
    nodes = [{"id": f"n{i}", "kind": "io.input", "params": {"name": f"n{i}"}} for i in range(count)]
    layout = {f"n{i}": {"x": i * 320, "y": 0} for i in range(count)}
    put(studio, name, {"format": 1, "nodes": nodes, "edges": [], "layout": layout})
    edit(studio, page, name, f"n{count - 1}")
    still(page)
    page.locator(".pb-canvas").focus()


def wait_beside(page: Page) -> None:
    parts = [node(page, "n0"), node(page, "n3"), dock(page)]
    page.wait_for_function(BESIDE, arg=[part.element_handle() for part in parts])


def test_what_was_fitted_is_fitted_beside_the_dock(studio: Server, page: Page) -> None:
    fitted_row(studio, page, "beside")
    shown = page.locator(".pb-bar.zoom .wide")
    alone = shown.inner_text()
    node(page, "n2").locator(".pb-head").click()  # its settings come
    expect(dock(page)).to_be_visible()
    wait_beside(page)
    shoot(page, "fit-beside-the-dock")
    splitter = dock(page).get_by_role("separator", name="Width of the dock")
    for _ in range(3):
        splitter.press("ArrowLeft")
    wait_beside(page)
    for _ in range(3):
        splitter.press("ArrowRight")
    wait_beside(page)
    dock(page).get_by_role("button", name="Fold the dock", exact=True).click()
    expect(shown).to_have_text(alone)
    page.locator(".pb-canvas").focus()
    page.keyboard.press("i")
    wait_beside(page)
    page.set_viewport_size({"width": 1024, "height": 768})
    wait_beside(page)
    shoot(page, "fit-beside-the-dock-1024")


def test_a_view_that_a_person_moved_stays_when_the_dock_comes(studio: Server, page: Page) -> None:
    fitted_row(studio, page, "moved")
    fitted = still(page)
    box = page.locator(".pb-canvas").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 600, box["y"] + 600)
    page.mouse.wheel(0, 120)
    page.wait_for_function(
        "([it, before]) => it.style.transform !== before",
        arg=[page.locator(".react-flow__viewport").element_handle(), fitted],
    )
    moved = still(page)
    page.keyboard.press("i")
    expect(dock(page)).to_be_visible()
    page.set_viewport_size({"width": 1300, "height": 860})
    expect(dock(page)).to_be_in_viewport(ratio=0.99)  # as wide as the window is now
    assert still(page) == moved


def test_what_is_chosen_stays_in_sight_where_not_all_of_it_can_be(
    studio: Server, page: Page
) -> None:
    fitted_row(studio, page, "far", 9)
    node(page, "n8").locator(".pb-head").click()
    expect(dock(page)).to_be_visible()
    page.wait_for_function(
        "([it, dock]) => it.getBoundingClientRect().right <= dock.getBoundingClientRect().left",
        arg=[node(page, "n8").element_handle(), dock(page).element_handle()],
    )
    expect(node(page, "n8")).to_be_in_viewport()


def test_a_worker_lays_out_and_the_page_itself_where_it_gets_none(
    studio: Server, page: Page
) -> None:
    nodes = [{"id": f"n{i}", "kind": "prompt.template"} for i in range(3)]
    edges = [{"from": f"n{i}.text", "to": f"n{i + 1}.question"} for i in range(2)]
    heap = {f"n{i}": {"x": 16 * i, "y": 16 * i} for i in range(3)}
    apart = """([a, b]) => a.getBoundingClientRect().right < b.getBoundingClientRect().left"""
    for name, refused in (("beside-worker", False), ("beside-page", True)):
        put(studio, name, {"format": 1, "nodes": nodes, "edges": edges, "layout": heap})
        if refused:
            page.add_init_script("delete window.Worker")
        edit(studio, page, name, "n2")
        page.locator(".pb-canvas").focus()
        if refused:
            page.keyboard.press("l")
        else:
            with page.expect_worker(lambda worker: "part-layout" in worker.url):
                page.keyboard.press("l")
        ends = [node(page, "n0").element_handle(), node(page, "n2").element_handle()]
        page.wait_for_function(apart, arg=ends)
