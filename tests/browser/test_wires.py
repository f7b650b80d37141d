"""Wires, drawn and moved by hand."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.canvas_page import CanvasPage
from tests.browser.harness import Server


def test_ports_that_fit_light_up_and_others_say_why_not(canvas: CanvasPage):
    canvas.drop("Quantized local model", 150, 120)
    canvas.drop("Ask a model", 520, 120)
    model = canvas.port("quantized-local-model.model", "out")
    canvas.drag(
        canvas.middle(model), canvas.middle(canvas.port("ask-a-model.prompt", "in")), hold=True
    )
    expect(canvas.page.locator(".pb-port.fits", has_text="model")).to_have_count(1)
    expect(canvas.page.locator(".pb-port.refuses", has_text="prompt")).to_have_count(1)
    expect(canvas.page.locator(".pb-hint")).to_contain_text("gives chat model")
    canvas.page.mouse.up()
    expect(canvas.page.locator(".pb-toast")).to_contain_text('"prompt" takes')
    canvas.connect("quantized-local-model.model", "ask-a-model.model")
    canvas.wait_wires([("quantized-local-model.model", "ask-a-model.model")])


def test_a_wire_dropped_on_empty_canvas_adds_a_node_that_fits(canvas: CanvasPage):
    canvas.drop("Flow input", 130, 120)
    start = canvas.middle(canvas.port("flow-input.value", "out"))
    canvas.drag(start, canvas.at(480, 300))
    expect(canvas.page.locator(".pb-chooser")).to_be_visible()
    canvas.page.keyboard.type("prompt")
    canvas.press("Enter")
    canvas.wait_wires([("flow-input.value", "prompt-template.question")])


def test_a_wire_is_replugged_by_its_end_and_taken_off(canvas: CanvasPage):
    canvas.drop("Flow input", 130, 120)
    canvas.drop("Flow output", 560, 80)
    canvas.drop("Flow output", 560, 280)
    canvas.connect("flow-input.value", "flow-output.value")
    canvas.wait_wires([("flow-input.value", "flow-output.value")])
    one, other = (canvas.port(f"{name}.value", "in") for name in ("flow-output", "flow-output-2"))
    end = canvas.middle(one)
    canvas.drag((end[0] - 17, end[1]), canvas.middle(other))
    canvas.wait_wires([("flow-input.value", "flow-output-2.value")])
    # The port itself gives the wire's end into the hand as well; a mere click does nothing to it.
    canvas.page.mouse.click(*canvas.middle(other))
    canvas.drag(canvas.middle(other), canvas.middle(one))
    canvas.wait_wires([("flow-input.value", "flow-output.value")])
    canvas.drag(canvas.middle(one), canvas.at(330, 420))
    canvas.wait_wires([])
    canvas.press("Control+z")
    canvas.wait_wires([("flow-input.value", "flow-output.value")])


def test_shift_draws_a_second_wire_from_a_port_that_has_one(canvas: CanvasPage):
    canvas.drop("Flow input", 130, 120)
    canvas.drop("Flow input", 130, 320)
    canvas.drop("Flow output", 560, 120)
    canvas.connect("flow-input.value", "flow-output.value")
    canvas.wait_wires([("flow-input.value", "flow-output.value")])
    canvas.page.keyboard.down("Shift")
    port = canvas.port("flow-output.value", "in")
    canvas.drag(canvas.middle(port), canvas.middle(canvas.port("flow-input-2.value", "out")))
    canvas.page.keyboard.up("Shift")
    both = [("flow-input.value", "flow-output.value"), ("flow-input-2.value", "flow-output.value")]
    canvas.wait_wires(both)


def test_a_node_dropped_on_a_wire_is_inserted(canvas: CanvasPage):
    canvas.drop("Flow input", 130, 120)
    canvas.drop("Flow output", 740, 120)
    canvas.connect("flow-input.value", "flow-output.value")
    canvas.wait_wires([("flow-input.value", "flow-output.value")])
    a = canvas.middle(canvas.port("flow-input.value", "out"))
    b = canvas.middle(canvas.port("flow-output.value", "in"))
    item = canvas.kind("Prompt template")
    canvas.drag(canvas.middle(item), ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2))
    canvas.wait_wires(
        [
            ("prompt-template.text", "flow-output.value"),
            ("flow-input.value", "prompt-template.question"),
        ]
    )
    canvas.press("Control+z")
    canvas.wait_wires([("flow-input.value", "flow-output.value")])


def test_a_wire_into_a_port_that_is_gone_stays_visible(bare: Server, empty_page: Page):
    (bare.home / "gone.json").write_text(
        """{"format": 1, "name": "T", "nodes": [
          {"id": "a", "kind": "io.input", "version": 1},
          {"id": "p", "kind": "prompt.template", "version": 1, "params": {"template": "plain"}}],
          "edges": [{"from": "a.value", "to": "p.old"}],
          "layout": {"a": {"x": 0, "y": 0}, "p": {"x": 340, "y": 0}}}"""
    )
    canvas = CanvasPage(empty_page, bare, "gone")
    expect(canvas.wire("a.value", "p.old")).to_be_visible()
    expect(canvas.page.locator(".pb-port.gone", has_text="old")).to_be_visible()
    expect(canvas.node("p").locator(".pb-badge")).to_be_visible()
