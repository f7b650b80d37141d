"""Groups and notes on the canvas."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.canvas_page import CanvasPage, three_nodes


def test_group_fold_and_note(canvas: CanvasPage):
    three_nodes(canvas)
    canvas.connect("prompt-template.text", "flow-output.value")
    canvas.pan_free_spot()
    canvas.press("Control+a")
    canvas.press("Control+g")
    canvas.page.keyboard.type("Whole")
    canvas.press("Enter")
    canvas.wait_saved(
        lambda flow: bool(flow.get("groups")) and flow["groups"][0].get("title") == "Whole"
    )
    canvas.page.get_by_role("button", name="Fold", exact=True).click()
    expect(canvas.nodes()).to_have_count(0)
    canvas.page.get_by_role("button", name="Unfold").click()
    expect(canvas.nodes()).to_have_count(3)
    canvas.pan_free_spot()
    canvas.press("m")
    expect(canvas.page.locator(".pb-note textarea")).to_be_focused()
    canvas.page.keyboard.type("<img src=x onerror=alert(1)> remember")
    canvas.press("Control+Enter")
    canvas.wait_saved(lambda flow: "remember" in (flow.get("notes") or [{}])[0].get("text", ""))
    assert canvas.page.locator(".pb-note img").count() == 0


def test_a_group_is_resized_and_takes_in_what_is_dropped_into_it(canvas: CanvasPage):
    canvas.drop("Flow input", 160, 160)
    canvas.drop("Flow output", 560, 420)
    canvas.node("flow-input").locator(".pb-head").click()
    canvas.press("Control+g")
    canvas.press("Enter")
    canvas.wait_saved(lambda flow: len(flow.get("groups", [])) == 1)
    corner = canvas.page.locator(".react-flow__node-group_ .pb-resize.bottom.right")
    start = canvas.middle(corner)
    canvas.drag(start, (start[0] + 160, start[1] + 112))
    saved = canvas.wait_saved(lambda flow: "w" in flow["layout"].get("group", {}))
    frame, node = saved["layout"]["group"], saved["layout"]["flow-input"]
    assert frame["w"] > 400
    head = canvas.middle(canvas.page.locator(".pb-group-head .pb-count"))
    canvas.drag(head, (head[0] + 48, head[1] + 32))
    saved = canvas.wait_saved(lambda flow: flow["layout"]["flow-input"]["x"] == node["x"] + 48)
    moved = saved["layout"]["group"]
    assert (moved["x"], moved["w"]) == (frame["x"] + 48, frame["w"])
    head = canvas.middle(canvas.node("flow-output").locator(".pb-title"))
    inside = canvas.middle(canvas.page.locator(".pb-group"))
    canvas.drag(head, (inside[0], inside[1] + 100), hold=True)
    expect(canvas.page.locator(".pb-group.aimed")).to_have_count(1)
    canvas.page.mouse.up()
    both = ["flow-input", "flow-output"]
    canvas.wait_saved(lambda flow: flow["groups"][0]["nodes"] == both)
    canvas.node("flow-output").locator(".pb-head").click(button="right")
    canvas.page.get_by_role("menuitem", name="Take out of the group").click()
    canvas.wait_saved(lambda flow: flow["groups"][0]["nodes"] == ["flow-input"])
    canvas.page.locator(".pb-group-head").click(button="right")
    canvas.page.get_by_role("menuitem", name="Fit the frame").click()
    canvas.wait_saved(lambda flow: "group" not in flow["layout"])
