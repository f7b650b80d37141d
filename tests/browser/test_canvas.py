"""The canvas in a real browser, handled as a person would."""

from __future__ import annotations

import json
import re
from itertools import combinations
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.canvas_page import CanvasPage, three_nodes
from tests.browser.editor_page import still
from tests.browser.flow_files import wait_for
from tests.browser.harness import Server, serve


def test_drop_wire_and_find_it_in_the_file(canvas: CanvasPage):
    three_nodes(canvas)
    canvas.connect("flow-input.value", "prompt-template.question")
    canvas.connect("prompt-template.text", "flow-output.value")
    canvas.wait_wires(
        [
            ("flow-input.value", "prompt-template.question"),
            ("prompt-template.text", "flow-output.value"),
        ]
    )
    assert [n["id"] for n in canvas.saved()["nodes"]] == [
        "flow-input",
        "prompt-template",
        "flow-output",
    ]
    canvas.page.reload()
    expect(canvas.nodes()).to_have_count(3)
    expect(canvas.wire("flow-input.value", "prompt-template.question")).to_have_count(1)


def test_undo_and_redo_of_everything(canvas: CanvasPage):
    three_nodes(canvas)
    canvas.connect("flow-input.value", "prompt-template.question")
    canvas.wait_wires([("flow-input.value", "prompt-template.question")])
    canvas.node("prompt-template").locator(".pb-head").click()
    canvas.press("Delete")
    expect(canvas.nodes()).to_have_count(2)
    canvas.wait_wires([])
    canvas.press("Control+z")
    canvas.wait_wires([("flow-input.value", "prompt-template.question")])
    canvas.press("Control+z")
    canvas.wait_wires([])
    canvas.press("Control+Shift+z")
    canvas.wait_wires([("flow-input.value", "prompt-template.question")])
    for _ in range(4):
        canvas.press("Control+z")
    expect(canvas.nodes()).to_have_count(0)
    expect(canvas.page.get_by_text("Draw your first flow")).to_be_visible()


def test_copy_and_paste_between_two_flows(canvas: CanvasPage, context: BrowserContext):
    three_nodes(canvas)
    canvas.connect("flow-input.value", "prompt-template.question")
    canvas.wait_wires([("flow-input.value", "prompt-template.question")])
    canvas.pan_free_spot()
    canvas.press("Control+a")
    canvas.press("Control+c")
    other = CanvasPage(context.new_page(), canvas.server, f"{canvas.name}b")
    other.pan_free_spot()
    other.press("Control+v")
    other.wait_wires([("flow-input.value", "prompt-template.question")])
    other.press("Control+v")
    expect(other.nodes()).to_have_count(6)
    other.wait_saved(lambda flow: len(flow["nodes"]) == 6)
    assert ("flow-input-2.value", "prompt-template-2.question") in other.wires()
    text = other.page.evaluate("navigator.clipboard.readText()")
    assert '"kind": "prompt.template"' in text


def test_keyboard_only(canvas: CanvasPage):
    canvas.page.locator(".pb-canvas").focus()
    for count, words in enumerate(("flow input", "prompt template"), 1):
        canvas.press("Escape")  # nothing is selected: what is added is wired to nothing
        canvas.press("n")
        canvas.page.keyboard.type(words)
        canvas.press("Enter")
        expect(canvas.nodes()).to_have_count(count)
    canvas.press("w")
    canvas.page.keyboard.type("value question")
    canvas.press("Enter")
    canvas.wait_wires([("flow-input.value", "prompt-template.question")])
    before = canvas.saved()["layout"]["prompt-template"]
    canvas.press("ArrowRight")
    canvas.press("ArrowRight")
    canvas.wait_saved(lambda flow: flow["layout"]["prompt-template"]["x"] == before["x"] + 32)
    canvas.press("F2")
    canvas.page.keyboard.type("My prompt")
    canvas.press("Enter")
    canvas.wait_saved(lambda flow: flow["nodes"][1].get("title") == "My prompt")
    canvas.press("e")
    canvas.wait_saved(lambda flow: flow["nodes"][1].get("disabled") is True)
    canvas.press("Enter")
    canvas.press("?")
    expect(canvas.page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    canvas.press("Escape")
    canvas.press("Control+f")
    canvas.page.keyboard.type("flow inp")
    canvas.press("Enter")
    expect(canvas.page.get_by_text("selected: flow-input", exact=True)).to_be_visible()


SHOWN = """(title) => getComputedStyle(title).visibility !== 'visible' ? 0
  : parseFloat(getComputedStyle(title).fontSize) * title.getBoundingClientRect().width
    / title.offsetWidth"""
"""Pixels on the screen of a title's letters; 0 where it is not shown."""


def test_a_title_is_in_letters_one_can_read_at_every_zoom(canvas: CanvasPage):
    canvas.drop("Flow input", 130, 120)
    title = canvas.nodes().first.locator(".pb-title")
    name = canvas.nodes().first.locator(".pb-port-name").first
    zoom = canvas.page.locator(".pb-bar.zoom .wide")
    expect(title).to_be_visible()
    canvas.page.locator(".pb-canvas").focus()
    shown: dict[int, float] = {}
    while not shown or min(shown) > 10:
        before = zoom.inner_text()
        shown[int(before.split()[0])] = float(title.evaluate(SHOWN))
        if 24 < min(shown) < 54:
            expect(canvas.page.locator(".pb-canvas.far")).to_have_count(1)
            expect(name).to_be_hidden()  # there is the title, and the state
            expect(canvas.port("flow-input.value", "out")).to_be_visible()
        canvas.press("-")
        if min(shown) > 10:
            expect(zoom).not_to_have_text(before)
            still(canvas.page)
    assert all(size >= 10.9 for percent, size in shown.items() if percent >= 24), shown
    assert shown[10] == 0, "where none fits there is a box of the node's color"
    canvas.nodes().first.hover()
    expect(canvas.page.get_by_role("tooltip")).to_contain_text("Flow input")


def overlapping(flow: dict[str, Any]) -> list[tuple[str, str]]:
    """Nodes and notes that lie on each other, by the file."""
    notes = {note["id"] for note in flow.get("notes", [])}
    boxes = {
        name: (at["x"], at["y"], at.get("w", 240), at.get("h", 144 if name in notes else 90))
        for name, at in flow["layout"].items()
    }
    return [
        (one, other)
        for (one, (x, y, w, h)), (other, (x2, y2, w2, h2)) in combinations(boxes.items(), 2)
        if x < x2 + w2 and x2 < x + w and y < y2 + h2 and y2 < y + h
    ]


def test_what_is_pasted_doubled_or_noted_lies_on_nothing_and_in_view(canvas: CanvasPage):
    three_nodes(canvas)
    canvas.pan_free_spot()
    canvas.press("Control+a")
    canvas.press("Control+c")
    canvas.page.mouse.move(*canvas.middle(canvas.node("prompt-template")))
    canvas.press("Control+v")
    expect(canvas.nodes()).to_have_count(6)
    expect(canvas.node("prompt-template-2")).to_be_in_viewport(ratio=0.99)
    canvas.press("Control+d")
    expect(canvas.nodes()).to_have_count(9)
    expect(canvas.node("prompt-template-3")).to_be_in_viewport(ratio=0.99)
    canvas.page.mouse.move(*canvas.middle(canvas.node("prompt-template")))
    canvas.press("m")
    expect(canvas.page.locator(".pb-note textarea")).to_be_focused()
    expect(canvas.page.locator(".pb-note")).to_be_in_viewport(ratio=0.99)
    flow = canvas.wait_saved(lambda flow: len(flow["nodes"]) == 9 and bool(flow.get("notes")))
    assert overlapping(flow) == []


def test_streamlits_own_keys_do_not_fire_from_the_canvas(canvas: CanvasPage):
    canvas.drop("Flow input", 130, 120)
    canvas.node("flow-input").locator(".pb-head").click()
    canvas.press("c")
    canvas.press("r")
    canvas.page.wait_for_timeout(300)
    expect(canvas.page.get_by_role("dialog")).to_have_count(0)
    expect(canvas.nodes()).to_have_count(1)


def test_full_screen_by_a_key_and_back(canvas: CanvasPage):
    canvas.page.locator(".pb-canvas").focus()
    canvas.press("v")
    canvas.page.wait_for_function("document.fullscreenElement !== null")
    canvas.press("v")
    canvas.page.wait_for_function("document.fullscreenElement === null")


def test_names_cannot_bring_markup(bare: Server, empty_page: Page):
    title = "<img src=x onerror=window.hit=1><b>bold</b>"
    (bare.home / "evil.json").write_text(
        json.dumps(
            {
                "format": 1,
                "name": title,
                "nodes": [
                    {"id": "a", "kind": "io.input", "version": 1, "title": title},
                    {"id": "b", "kind": title[:90], "version": 1},
                ],
                "edges": [],
                "groups": [{"id": "g", "title": title, "nodes": ["a"]}],
                "layout": {"a": {"x": 0, "y": 0}, "b": {"x": 340, "y": 0}},
            }
        )
    )
    canvas = CanvasPage(empty_page, bare, "evil")
    expect(canvas.node("a").get_by_text("<b>bold</b>").first).to_be_visible()
    expect(canvas.node("b").get_by_text("No installed package knows")).to_be_visible()
    assert canvas.page.locator(".pb-canvas img, .pb-canvas b").count() == 0
    assert canvas.page.evaluate("window.hit") is None


def test_a_drag_moves_only_the_layout(canvas: CanvasPage):
    three_nodes(canvas)
    before = canvas.wait_saved(lambda flow: len(flow["nodes"]) == 3)
    head = canvas.middle(canvas.node("prompt-template").locator(".pb-title"))
    for by in (64, 128, 32):
        here = canvas.middle(canvas.node("prompt-template").locator(".pb-title"))
        canvas.drag(here, (head[0] + by, head[1] + by))

    def shown() -> list[float]:
        style = canvas.node("prompt-template").get_attribute("style") or ""
        return [float(part) for part in re.findall(r"translate\((-?\d+)px, (-?\d+)px\)", style)[0]]

    after = canvas.wait_saved(
        lambda flow: (
            flow["layout"] != before["layout"]
            and [flow["layout"]["prompt-template"][k] for k in "xy"] == shown()
        )
    )
    assert {**after, "layout": None} == {**before, "layout": None}
    for _ in range(3):
        canvas.press("Control+z")
    canvas.wait_saved(lambda flow: flow == before)


def test_below_a_base_path(tmp_path: Path, empty_page: Page):
    script = Path(__file__).with_name("harness_app.py")
    with serve(script, tmp_path / "home", base="lab/patch") as server:
        canvas = CanvasPage(empty_page, server, "one")
        canvas.drop("Flow input", 130, 120)
        expect(canvas.nodes()).to_have_count(1)
        canvas.wait_saved(lambda flow: len(flow["nodes"]) == 1)


def test_dark_and_light(canvas: CanvasPage, context: BrowserContext):
    canvas.drop("Flow input", 130, 120)

    def brightness() -> int:
        color = canvas.page.locator(".pb-node").evaluate("e => getComputedStyle(e).backgroundColor")
        return sum(int(float(part)) for part in re.findall(r"[\d.]+", color)[:3])

    light = brightness()
    canvas.page.emulate_media(color_scheme="dark")
    expect(canvas.page.locator(".pb-host.dark")).to_have_count(1)
    wait_for(canvas.page, lambda: brightness() < 300 < light)


def test_automatic_layout_and_alignment(canvas: CanvasPage):
    three_nodes(canvas)
    canvas.connect("flow-input.value", "prompt-template.question")
    canvas.connect("prompt-template.text", "flow-output.value")
    canvas.wait_saved(lambda flow: len(flow["edges"]) == 2)
    canvas.pan_free_spot()
    canvas.press("Control+a")
    canvas.page.get_by_role("button", name="Align left").click()
    canvas.wait_saved(lambda flow: len({p["x"] for p in flow["layout"].values()}) == 1)
    canvas.pan_free_spot()
    canvas.press("l")
    flow = canvas.wait_saved(lambda flow: len({p["x"] for p in flow["layout"].values()}) == 3)
    layout = flow["layout"]
    xs = [layout[name]["x"] for name in ("flow-input", "prompt-template", "flow-output")]
    assert xs == sorted(xs)
