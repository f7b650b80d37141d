"""Drawing a first flow in the editor: what the canvas offers by itself, in a real browser."""

from __future__ import annotations

import contextlib
import re
from typing import Any

from playwright.sync_api import Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from patchbay.flows.document.reading import read_flow
from tests.browser.editor_page import (
    dock,
    finished,
    front,
    node,
    press_to,
    run,
    settings,
    shoot,
    side,
    still,
    tab,
    toolbar,
)
from tests.browser.flow_files import put, two_steps, wait_for
from tests.browser.harness import Server

MIDDLE = """(path) => {
  const { x, y } = path.getPointAtLength(path.getTotalLength() / 2)
    .matrixTransform(path.getScreenCTM());
  return { x, y };
}"""
"""The middle of a wire, on the page."""
SIDE_BY_SIDE = {
    "given": {"x": 0, "y": 0}, "prompt": {"x": 340, "y": 120}, "out": {"x": 680, "y": 0},
}  # fmt: skip


def opened(studio: Server, page: Page, file: str, **flow: Any) -> None:
    """Open a flow of these parts in the editor."""
    put(studio, file, {"format": 1, "nodes": [], "edges": [], **flow})
    page.goto(f"{studio.url}/editor?flow={file}")
    expect(page.locator(".pb-canvas")).to_be_visible()
    expect(page.locator(".pb-item").first).to_be_visible()
    expect(page.locator(".react-flow__node")).to_have_count(len(flow.get("nodes", [])))


def wires(studio: Server, name: str) -> set[tuple[str, str]]:
    flow = read_flow(studio.home / "flows" / f"{name}.json")
    return {(edge.source, edge.target) for edge in flow.edges}


def wait_for_wires(page: Page, studio: Server, name: str, wanted: set[tuple[str, str]]) -> None:
    wait_for(page, lambda: wires(studio, name) == wanted)
    assert wires(studio, name) == wanted


def test_the_five_to_start_with_run_by_two_clicks(studio: Server, page: Page) -> None:
    opened(studio, page, "first-five")
    page.get_by_role("button", name="Start with these five").click()
    expect(page.locator(".pb-node")).to_have_count(5)
    expect(page.locator(".pb-badge")).to_have_count(0)  # nothing is wrong with it
    legend = page.get_by_role("list", name="What the ports give")
    expect(legend).to_contain_text("chat model")
    page.get_by_test_id("stMain").get_by_role("button", name="Run", exact=True).first.click()
    expect(side(page).get_by_text("Finished").first).to_be_visible()
    page.locator(".pb-canvas").focus()
    page.keyboard.press("Control+z")
    expect(page.locator(".pb-node")).to_have_count(0)


MARK = """(mark) => [mark.classList.value.match(/plain|record|model|tool/)?.[0],
  getComputedStyle(mark).getPropertyValue("--c").trim()]"""
"""The outline and the color of a port, or of its mark in the legend."""


def test_the_legend_names_what_the_flow_gives_in_the_shapes_of_its_ports(
    studio: Server, page: Page
) -> None:
    nodes = [
        {"id": "text", "kind": "io.value", "params": {"value": "a", "type": "text"}},
        {"id": "model", "kind": "model.gguf"},
        {"id": "tool", "kind": "tool.calculator"},
        {"id": "split", "kind": "retrieval.split"},
    ]
    opened(studio, page, "first-legend", nodes=nodes, layout={
        node["id"]: {"x": 320 * number, "y": 0} for number, node in enumerate(nodes)
    })  # fmt: skip
    legend = page.get_by_role("list", name="What the ports give").get_by_role("listitem")
    ports = {"chat model": "model.model", "tool": "tool.tool", "documents": "split.chunks"}
    for name in ports:
        expect(legend.filter(has_text=name).first).to_be_visible()
    told = dict(zip(legend.all_inner_texts(), range(legend.count()), strict=True))
    for name, port in ports.items():
        (place,) = [place for words, place in told.items() if words.strip() == name]
        mark = legend.nth(place).locator(".pb-mark").evaluate(MARK)
        assert mark == page.locator(f'[data-port="{port}"]').evaluate(MARK), name
    outlines = [mark.evaluate(MARK)[0] for mark in legend.locator(".pb-mark").all()]
    assert outlines == sorted(outlines, key=["plain", "record", "model", "tool"].index)
    assert len(set(outlines)) > 2


def test_plus_adds_what_fits_and_wires_it_and_nothing_is_red_before_a_try(
    studio: Server, page: Page
) -> None:
    opened(
        studio,
        page,
        "first-grow",
        nodes=[{"id": "ask", "kind": "model.ask", "title": "The answerer"}],
        layout={"ask": {"x": 0, "y": 0}},
    )
    badge = node(page, "ask").locator(".pb-badge")
    expect(badge).to_have_class("pb-badge todo")
    node(page, "ask").hover()
    node(page, "ask").get_by_role("button", name="Add a node after text").click()
    wait_for_wires(page, studio, "first-grow", {("ask.text", "flow-output.value")})
    flow = read_flow(studio.home / "flows" / "first-grow.json")
    assert flow.layout["flow-output"].x >= 240
    tab(page, "Problems")
    card = dock(page).get_by_role("listitem").filter(has_text="(model)")
    expect(card).to_contain_text("The answerer")
    expect(card).to_contain_text("still to do")
    card.get_by_role("button", name="Add the local model").click()
    wanted = {("ask.text", "flow-output.value"), ("quantized-local-model.model", "ask.model")}
    wait_for_wires(page, studio, "first-grow", wanted)
    count = page.locator(".pb-dock [role=tab] b")
    expect(count).to_have_class("todo")
    node(page, "ask").locator(".pb-head").click()
    said = settings(page).locator(".pb-problem")
    expect(said).to_have_class("pb-problem todo")
    expect(said).to_contain_text("“The answerer” (prompt) takes")
    toolbar(page, "Validate").click()  # a try
    expect(toolbar(page, "1 error")).to_be_visible()
    expect(count).to_have_class("error")
    expect(front(page)).to_contain_text("Problems")
    expect(badge).to_have_class("pb-badge error")
    card = dock(page).get_by_role("listitem").filter(has_text="(prompt)")
    expect(card).to_contain_text("error")


def test_the_command_palette_does_adds_finds_and_opens(studio: Server, page: Page) -> None:
    opened(studio, page, "first-other", name="Quite another flow")
    nodes = [{"id": "in", "kind": "io.input"}]
    opened(studio, page, "first-commands", nodes=nodes, layout={"in": {"x": 0, "y": 0}})
    node(page, "in").locator(".pb-head").click()
    choices = page.get_by_role("dialog", name="Commands")
    page.locator(".pb-canvas").focus()
    page.keyboard.press("Control+k")
    choices.get_by_role("combobox").fill("prompt template")
    expect(choices.get_by_role("option").first).to_contain_text("Add ·")
    page.keyboard.press("Enter")  # beside what is selected, and wired to it
    wait_for_wires(page, studio, "first-commands", {("in.value", "prompt-template.question")})
    page.keyboard.press("Control+k")
    choices.get_by_role("combobox").fill("undo")
    page.keyboard.press("Enter")
    wait_for_wires(page, studio, "first-commands", set())
    page.keyboard.press("Control+k")
    choices.get_by_role("combobox").fill("quite another")
    expect(choices.get_by_role("option", name="Quite another flow")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("flow=first-other"))


def test_what_matters_most_is_edited_on_the_node(studio: Server, page: Page) -> None:
    nodes = [{"id": "p", "kind": "prompt.template"}]
    opened(studio, page, "first-here", nodes=nodes, layout={"p": {"x": 0, "y": 0}})
    node(page, "p").hover()
    node(page, "p").get_by_role("button", name="Edit Template here").click()
    field = node(page, "p").get_by_role("textbox", name="Template")
    expect(field).to_be_focused()
    expect(node(page, "p").get_by_role("button", name="Open Template in large")).to_have_count(0)
    field.fill("Say {word}")
    page.keyboard.press("Escape")
    expect(field).to_have_count(0)
    expect(page.locator('[data-port="p.word"].pb-handle')).to_have_count(1)


def test_up_to_three_settings_are_edited_on_the_node_and_a_port_comes_while_one_types(
    studio: Server, page: Page
) -> None:
    nodes = [{"id": "ask", "kind": "model.ask"}, {"id": "p", "kind": "prompt.template"}]
    layout = {"ask": {"x": 0, "y": 0}, "p": {"x": 400, "y": 0}}
    opened(studio, page, "first-three", nodes=nodes, layout=layout)
    node(page, "ask").hover()
    name = "Edit System, Temperature, Max tokens here"
    node(page, "ask").get_by_role("button", name=name).click()
    node(page, "ask").get_by_role("spinbutton", name="Temperature").fill("0.3")
    node(page, "ask").get_by_role("spinbutton", name="Max tokens").fill("21")
    page.keyboard.press("Escape")

    def kept() -> dict[str, Any]:
        return dict(read_flow(studio.home / "flows" / "first-three.json").node("ask").params)

    wait_for(page, lambda: kept() == {"temperature": 0.3, "max_tokens": 21})
    node(page, "p").locator(".pb-head").click()
    field = settings(page).get_by_role("textbox", name="Template")
    page.context.set_offline(True)  # Python says nothing now
    field.fill("Say {word} in {tongue}")
    expect(page.locator('[data-port="p.tongue"].pb-handle')).to_have_count(1)
    expect(page.locator('[data-port="p.question"].pb-handle')).to_have_count(0)
    page.context.set_offline(False)


def test_a_double_click_goes_into_a_flow_that_a_node_runs_and_there_is_a_way_back(
    studio: Server, page: Page
) -> None:
    opened(studio, page, "first-inner", name="The inner one")
    nodes = [{"id": "run", "kind": "logic.run_flow", "params": {"flow": "first-inner"}}]
    layout = {"run": {"x": 0, "y": 0}}
    opened(studio, page, "first-outer", name="The outer one", nodes=nodes, layout=layout)
    node(page, "run").locator(".pb-head").dblclick(position={"x": 8, "y": 8})
    expect(page).to_have_url(re.compile("flow=first-inner"))
    expect(page.get_by_role("button", name="The outer one")).to_be_visible()
    page.reload()  # the way back outlives it
    back = page.get_by_role("button", name="The outer one")
    press_to(page, back, re.compile("flow=first-outer"))
    expect(node(page, "run")).to_be_visible()


def test_wires_and_ports_tell_their_type_and_what_went_over_them_at_every_zoom(
    studio: Server, page: Page
) -> None:
    flow = two_steps("The mill is of larch.")
    opened(studio, page, "first-peek", **{**flow, "layout": SIDE_BY_SIDE})
    heard = page.get_by_role("log", name="Progress of the run")
    expect(heard).to_be_empty()
    run(page)
    finished(page)
    expect(heard).to_contain_text("done")  # a screen reader hears of it
    page.locator(".pb-canvas").focus()
    page.keyboard.press("i")
    told = page.get_by_role("tooltip")
    line = page.locator('.react-flow__edge[data-id="given.value>prompt.what"]')

    def rest_on_the_wire() -> None:
        """Until it tells: the view may still be on its way to where all of the flow is fitted."""
        for _ in range(20):
            middle = line.locator(".pb-wire").evaluate(MIDDLE)
            page.mouse.move(middle["x"] - 3, middle["y"])
            page.mouse.move(middle["x"], middle["y"])
            with contextlib.suppress(PlaywrightTimeout):
                return told.wait_for(timeout=5_000)

    rest_on_the_wire()
    expect(told).to_contain_text("The mill is of larch.")
    expect(told).to_contain_text("carries text")
    shoot(page, "peek-of-a-wire")
    page.mouse.move(700, 700)
    expect(told).to_have_count(0)
    page.locator('.pb-handle[data-port="prompt.text"].source').hover()
    expect(told).to_contain_text("gives text")
    expect(told).to_contain_text("The mill is of larch.")
    page.mouse.move(700, 700)
    expect(told).to_have_count(0)
    shown = page.locator(".pb-bar.zoom .wide")
    page.locator(".pb-canvas").focus()
    while int((before := shown.inner_text()).split()[0]) > 40:
        page.keyboard.press("-")
        expect(shown).not_to_have_text(before)
        still(page)
    rest_on_the_wire()
    expect(told).to_contain_text("The mill is of larch.")
    page.mouse.move(700, 700)
    page.locator(".pb-canvas").focus()
    for _ in range(40):
        page.keyboard.press("Tab")
        if line.evaluate("it => it.matches(':focus-visible')"):
            break
    expect(told).to_contain_text("The mill is of larch.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("The mill is of larch.")
