"""The canvas as a person handles it: drag, wire, look."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.editor_page import middle
from tests.browser.harness import SLOW, Server


class CanvasPage:
    """One browser tab on one flow."""

    def __init__(self, page: Page, server: Server, flow: str = "one", query: str = "") -> None:
        self.page, self.server, self.name = page, server, flow
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{server.url}/?flow={flow}{query}")
        expect(page.locator(".pb-app")).to_be_visible()
        expect(page.locator(".pb-item").first).to_be_visible() if (
            "readonly" not in query
        ) else None

    # --- what is there ------------------------------------------------------------------------

    @property
    def path(self) -> Path:
        """The flow file."""
        return self.server.home / f"{self.name}.json"

    def saved(self) -> dict[str, Any]:
        """What the file says."""
        return json.loads(self.path.read_text())

    def wait_saved(self, test: Callable[[dict[str, Any]], bool], what: str = "") -> dict[str, Any]:
        """Wait until the file says what the test wants."""
        until = time.monotonic() + SLOW / 1000
        while not test(found := self.saved()) and time.monotonic() < until:
            self.page.wait_for_timeout(100)
        if test(found):
            return found
        raise AssertionError(f"{what or 'not saved'}: {json.dumps(found, indent=1)}")

    def wires(self) -> list[tuple[str, str]]:
        """The wires in the file."""
        return [(edge["from"], edge["to"]) for edge in self.saved()["edges"]]

    def wait_wires(self, wanted: Sequence[tuple[str, str]]) -> None:
        """Wait until the file holds these wires, in this order."""
        self.wait_saved(
            lambda flow: [(e["from"], e["to"]) for e in flow["edges"]] == list(wanted), str(wanted)
        )

    def node(self, node_id: str) -> Locator:
        """A node on the canvas."""
        return self.page.locator(f'.react-flow__node[data-id="{node_id}"]')

    def nodes(self) -> Locator:
        """All nodes."""
        return self.page.locator(".pb-node")

    def wire(self, source: str, target: str) -> Locator:
        """A wire on the canvas."""
        return self.page.locator(f'.react-flow__edge[data-id="{source}>{target}"]')

    def port(self, end: str, side: str = "") -> Locator:
        """A port's dot, `node.port`."""
        kind = {"in": ".target", "out": ".source"}.get(side, "")
        return self.page.locator(f'.pb-handle{kind}[data-port="{end}"]')

    # --- hands --------------------------------------------------------------------------------

    def middle(self, locator: Locator) -> tuple[float, float]:
        """The middle of something that stands still, in page pixels."""
        return middle(locator)

    def drag(
        self, start: tuple[float, float], end: tuple[float, float], *, hold: bool = False
    ) -> None:
        """Press, move in steps, let go (unless held)."""
        mouse = self.page.mouse
        mouse.move(*start)
        mouse.down()
        for step in range(1, 9):
            x = start[0] + (end[0] - start[0]) * step / 8
            y = start[1] + (end[1] - start[1]) * step / 8
            mouse.move(x, y)
            self.page.wait_for_timeout(12)
        if not hold:
            mouse.up()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A point on the canvas, from the top left corner of what the palette leaves free."""
        box = self.page.locator(".pb-canvas").bounding_box()
        assert box is not None
        palette = self.page.locator(".pb-palette")
        over = palette.bounding_box() if palette.count() else None
        return box["x"] + (over["width"] if over else 0) + x, box["y"] + y

    def drop(self, title: str, x: float, y: float) -> None:
        """Drag a kind from the palette onto the canvas, and wait until its node is there."""
        item = self.kind(title)
        item.scroll_into_view_if_needed()
        before = self.nodes().count()
        self.drag(self.middle(item), self.at(x, y))
        expect(self.nodes()).not_to_have_count(before)

    def kind(self, title: str) -> Locator:
        """A kind in the palette."""
        name = self.page.locator("b").get_by_text(title, exact=True)
        return self.page.locator(".pb-item").filter(has=name)

    def family(self, name: str) -> Locator:
        """The head of a family in the palette; kinds may have its name in their titles."""
        group = self.page.get_by_role("group", name=name, exact=True)
        return group.locator(".pb-family")

    def connect(self, source: str, target: str) -> None:
        """Drag a wire from an output to an input."""
        self.drag(self.middle(self.port(source, "out")), self.middle(self.port(target, "in")))

    def press(self, keys: str) -> None:
        """Press a key with the canvas focused."""
        self.page.keyboard.press(keys)

    def pan_free_spot(self) -> None:
        """Click on empty canvas."""
        self.page.mouse.click(*self.at(600, 640))


def three_nodes(canvas: CanvasPage) -> None:
    """An input, a prompt and an output, side by side, without wires."""
    canvas.drop("Flow input", 130, 120)
    canvas.drop("Prompt template", 430, 120)
    canvas.drop("Flow output", 740, 120)
    expect(canvas.nodes()).to_have_count(3)
