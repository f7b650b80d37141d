"""The canvas in a real browser, handled as a person would."""

from __future__ import annotations

import itertools
import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.canvas_page import CanvasPage
from tests.browser.harness import Server, serve

_numbers = itertools.count()


@pytest.fixture
def canvas(context: BrowserContext, bare: Server):
    """A tab on a flow of its own."""
    page = CanvasPage(context.new_page(), bare, f"flow{next(_numbers)}")
    yield page
    assert page.errors == []


def three_nodes(canvas: CanvasPage) -> None:
    canvas.drop("Flow input", 130, 120)
    canvas.drop("Prompt template", 430, 120)
    canvas.drop("Flow output", 740, 120)
    expect(canvas.nodes()).to_have_count(3)


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
    for words in ("flow input", "prompt template"):
        canvas.press("n")
        canvas.page.keyboard.type(words)
        canvas.press("Enter")
    expect(canvas.nodes()).to_have_count(2)
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
    canvas.page.wait_for_timeout(100)
    canvas.press("?")
    expect(canvas.page.get_by_role("dialog", name="Shortcuts")).to_be_visible()
    canvas.press("Escape")
    canvas.press("Control+f")
    canvas.page.keyboard.type("flow inp")
    canvas.press("Enter")
    expect(canvas.page.get_by_text("selected: flow-input", exact=True)).to_be_visible()


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


def test_families_fold_and_are_still_folded_after_a_reload(canvas: CanvasPage):
    canvas.page.get_by_role("treeitem", name="Prompts").click()
    expect(canvas.kind("Prompt template")).to_have_count(0)
    expect(canvas.kind("Flow input")).to_be_visible()
    canvas.page.reload()
    expect(canvas.kind("Flow input")).to_be_visible()
    expect(canvas.kind("Prompt template")).to_have_count(0)
    canvas.page.get_by_role("textbox", name="Search nodes").fill("template")
    expect(canvas.kind("Prompt template")).to_be_visible()  # a search looks into what is folded
    canvas.page.keyboard.press("Escape")
    canvas.page.get_by_role("button", name="Fold all families").click()
    expect(canvas.page.locator(".pb-item")).to_have_count(0)
    canvas.page.get_by_role("button", name="Unfold all families").click()
    expect(canvas.kind("Prompt template")).to_be_visible()


def test_a_kind_whose_package_is_missing_says_what_to_install(
    bare: Server, context: BrowserContext
):
    canvas = CanvasPage(context.new_page(), bare, "missing", "&missing=1")
    item = canvas.kind("Needs more")
    item.scroll_into_view_if_needed()
    expect(item).to_have_attribute("aria-disabled", "true")
    expect(item).to_contain_text("pip install no-such-package-here")
    canvas.drag(canvas.middle(item), canvas.at(300, 200))
    item.dblclick(force=True)
    canvas.drop("Flow input", 300, 200)
    expect(canvas.nodes()).to_have_count(1)
    canvas.pan_free_spot()
    canvas.press("n")
    canvas.page.keyboard.type("needs more")
    expect(canvas.page.get_by_text("Nothing matches.")).to_be_visible()


@pytest.mark.parametrize("mine", [True, False])
def test_a_conflict_is_settled_on_the_canvas(bare: Server, context: BrowserContext, mine: bool):
    name = f"by-hand-{mine}"
    canvas = CanvasPage(context.new_page(), bare, name)
    canvas.drop("Flow input", 130, 120)
    expect(canvas.nodes()).to_have_count(1)
    theirs = canvas.path.read_text().replace('"name": "Test"', '"name": "Theirs"')
    canvas.path.write_text(theirs)
    canvas.press("Control+s")
    banner = canvas.page.locator(".pb-conflict")
    expect(banner).to_contain_text("Another program has changed the file")
    assert canvas.path.read_text() == theirs
    banner.get_by_role("button", name="Keep mine" if mine else "Take theirs").click()
    expect(banner).to_have_count(0)
    if mine:
        canvas.wait_saved(lambda flow: flow["name"] == "Test" and len(flow["nodes"]) == 1)
    else:
        expect(canvas.nodes()).to_have_count(0)
        assert canvas.path.read_text() == theirs


def test_two_tabs_on_one_flow_follow_each_other(canvas: CanvasPage, context: BrowserContext):
    other = CanvasPage(context.new_page(), canvas.server, canvas.name, "&poll=1")
    canvas.drop("Flow input", 130, 120)
    expect(other.node("flow-input")).to_be_visible()
    other.drop("Flow output", 600, 300)
    canvas.drop("Flow output", 600, 120)
    canvas.wait_saved(lambda flow: len(flow["nodes"]) == 3)
    ids = {node["id"] for node in canvas.saved()["nodes"]}
    assert ids == {"flow-input", "flow-output", "flow-output-2"}
    expect(other.nodes()).to_have_count(3)
    expect(canvas.nodes()).to_have_count(3)


def test_a_wire_into_a_port_that_is_gone_stays_visible(bare: Server, context: BrowserContext):
    (bare.home / "gone.json").write_text(
        """{"format": 1, "name": "T", "nodes": [
          {"id": "a", "kind": "io.input", "version": 1},
          {"id": "p", "kind": "prompt.template", "version": 1, "params": {"template": "plain"}}],
          "edges": [{"from": "a.value", "to": "p.old"}],
          "layout": {"a": {"x": 0, "y": 0}, "p": {"x": 340, "y": 0}}}"""
    )
    canvas = CanvasPage(context.new_page(), bare, "gone")
    expect(canvas.wire("a.value", "p.old")).to_be_visible()
    expect(canvas.page.locator(".pb-port.gone", has_text="old")).to_be_visible()
    expect(canvas.node("p").locator(".pb-badge")).to_be_visible()


def test_another_program_changes_the_file(canvas: CanvasPage, context: BrowserContext):
    canvas.page.close()
    follower = CanvasPage(context.new_page(), canvas.server, canvas.name, "&poll=1")
    follower.drop("Flow input", 130, 120)
    follower.wait_saved(lambda flow: len(flow["nodes"]) == 1)
    changed = follower.path.read_text().replace('"name": "Test"', '"name": "Other"')
    follower.path.write_text(changed.replace("flow-input", "from-outside"))
    expect(follower.node("from-outside")).to_be_visible()
    assert follower.saved()["name"] == "Other"


def test_from_afar_a_node_is_its_title_in_letters_one_can_read(canvas: CanvasPage):
    canvas.drop("Flow input", 130, 120)
    title = canvas.nodes().first.locator(".pb-title")
    expect(title).to_be_visible()
    canvas.page.locator(".pb-canvas").focus()
    zoom = canvas.page.get_by_role("button", name="%")
    for _ in range(12):
        if int((zoom.inner_text()).split()[0]) < 42:
            break
        canvas.press("-")
        canvas.page.wait_for_timeout(250)
    expect(canvas.page.locator(".pb-canvas.far")).to_have_count(1)
    assert title.evaluate(
        "e => parseFloat(getComputedStyle(e).fontSize) * e.getBoundingClientRect().width"
        " / e.offsetWidth >= 9"
    )
    expect(canvas.nodes().first.locator(".pb-port-name").first).to_be_hidden()
    expect(canvas.port("flow-input.value", "out")).to_be_visible()


def test_read_only(canvas: CanvasPage, context: BrowserContext):
    three_nodes(canvas)
    canvas.wait_saved(lambda flow: len(flow["nodes"]) == 3)
    before = canvas.path.read_text()
    page = CanvasPage(context.new_page(), canvas.server, canvas.name, "&readonly=1")
    expect(page.nodes()).to_have_count(3)
    expect(page.page.locator(".pb-palette")).to_have_count(0)
    page.node("prompt-template").locator(".pb-head").click()
    page.press("Delete")
    page.page.wait_for_timeout(700)
    expect(page.nodes()).to_have_count(3)
    assert canvas.path.read_text() == before


def test_streamlits_own_keys_do_not_fire_from_the_canvas(canvas: CanvasPage):
    canvas.drop("Flow input", 130, 120)
    canvas.node("flow-input").locator(".pb-head").click()
    canvas.press("c")
    canvas.press("r")
    canvas.page.wait_for_timeout(300)
    expect(canvas.page.get_by_role("dialog")).to_have_count(0)
    expect(canvas.nodes()).to_have_count(1)


def test_names_cannot_bring_markup(bare: Server, context: BrowserContext):
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
    canvas = CanvasPage(context.new_page(), bare, "evil")
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
    style = canvas.node("prompt-template").get_attribute("style") or ""
    shown = [float(part) for part in re.findall(r"translate\((-?\d+)px, (-?\d+)px\)", style)[0]]
    after = canvas.wait_saved(
        lambda flow: [flow["layout"]["prompt-template"][k] for k in "xy"] == shown
    )
    assert {**after, "layout": None} == {**before, "layout": None}
    assert after["layout"] != before["layout"]
    for _ in range(3):
        canvas.press("Control+z")
    canvas.wait_saved(lambda flow: flow == before)


def test_below_a_base_path(tmp_path: Path, context: BrowserContext):
    script = Path(__file__).with_name("harness_app.py")
    with serve(script, tmp_path / "home", base="lab/patch") as server:
        canvas = CanvasPage(context.new_page(), server, "one")
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
    assert brightness() < 300 < light


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
    canvas.wait_saved(lambda flow: len({p["x"] for p in flow["layout"].values()}) == 3)
    layout = canvas.saved()["layout"]
    xs = [layout[name]["x"] for name in ("flow-input", "prompt-template", "flow-output")]
    assert xs == sorted(xs)
