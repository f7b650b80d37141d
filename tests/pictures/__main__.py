"""Take the pictures of the studio that docs show: `make pictures`.

    python -m tests.pictures [NAMES…] [--to FOLDER]

Every screen in two themes and at three widths, from a real studio and real runs.
They are kept as WebP, so that the repository stays small. Look at them before you commit them.
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from patchbay.flows.document.reading import read_flow
from patchbay.nodes.catalog import load_catalog
from patchbay.studio.documents.filing import Filing
from patchbay.studio.documents.versions import Versions
from tests.browser.editor_page import dock
from tests.browser.harness import FLAGS, ROOT, Server, chromium, let_in, serve
from tests.pictures.screens import SCREENS, Screen, run_once

SIZES = ((1440, 900), (1024, 768), (390, 844))
"""Pixels: a laptop, a small one, a telephone."""
THEMES = ("light", "dark")
QUALITY = 78
FOLDER = ROOT / "docs" / "pictures"
OWN = ("ask", "ask_folder", "chat", "compare_techniques", "few_shot", "research_crew", "route")
RUN_FIRST = {"runs": "ask", "crew": "research_crew", "techniques": "compare_techniques"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Take them."""
    parser = argparse.ArgumentParser(prog="make pictures", description=__doc__)
    parser.add_argument("names", nargs="*", help="only these screens")
    parser.add_argument("--to", type=Path, default=FOLDER, help="where they go")
    options = parser.parse_args(arguments)
    wanted = [s for s in SCREENS if not options.names or s.name in options.names]
    path = chromium()
    if path is None:
        print("No Chromium here, and none could be installed.")
        return 1
    expect.set_options(timeout=120_000)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        home = Path(folder)
        _furnish(home)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        with serve(ROOT / "studio" / "app.py", home) as studio:
            context = let_in(browser.new_context(viewport={"width": 1440, "height": 900}))
            context.set_default_timeout(120_000)
            page = context.new_page()
            for screen in wanted:
                if flow := RUN_FIRST.get(screen.name):
                    run_once(studio, page, flow)
            for screen in wanted:
                _take(studio, page, screen, options.to)
        browser.close()
    if options.to == FOLDER and not options.names:
        (FOLDER / "README.md").write_text(_listing(), "utf-8")
    return 0


def _furnish(home: Path) -> None:
    """A home with a few flows, as after a first week."""
    saved, flows = ROOT / "flows" / "saved", home / "flows"
    flows.mkdir()
    shutil.copytree(saved / "texts", flows / "texts")
    for needed in ("classify", "zero_shot", "few_shot", "self_consistency"):
        shutil.copyfile(saved / f"{needed}.json", flows / f"{needed}.json")
    for name in OWN:
        shutil.copyfile(saved / f"{name}.json", flows / f"{name}.json")
    few = json.loads((saved / "compare_techniques.json").read_text("utf-8"))
    data = next(node for node in few["nodes"] if node["kind"] == "eval.data")
    data["title"], data["params"]["cases"] = "Eight labelled reviews", data["params"]["cases"][:8]
    (flows / "compare_techniques.json").write_text(json.dumps(few), "utf-8")
    (flows / "empty.json").write_text('{"format": 1, "name": "Untitled"}', "utf-8")
    unfinished = (
        '{"format": 1, "name": "A first try", "nodes": [{"id": "ask", "kind": "model.ask"}, '
        '{"id": "template", "kind": "prompt.template"}], "layout": {"ask": {"x": 320, "y": 0}, '
        '"template": {"x": 0, "y": 0}}}'
    )
    (flows / "unfinished.json").write_text(unfinished, "utf-8")
    filing = Filing(flows)
    filing.put("few_shot", "Teaching", ["week 1"])
    filing.put("compare_techniques", "Teaching", ["week 2"])
    for number, name in enumerate(("chat", "ask_folder", "few_shot")):
        filing.opened(name, 1_790_000_000.0 + number)
    chat = read_flow(flows / "chat.json")
    versions = Versions(home, flows / "chat.json", catalog=load_catalog)
    versions.add(chat.model_copy(update={"nodes": chat.nodes[:-1], "edges": ()}))
    versions.add(chat.model_copy(update={"name": "A chat, first draft"}))
    versions.add(chat)


def _take(studio: Server, page: Page, screen: Screen, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]
        page.set_viewport_size({"width": SIZES[0][0], "height": SIZES[0][1]})
        screen.open(studio, page)
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            fold = dock(page).get_by_role("button", name="Fold the dock")
            if screen.canvas and width < 800 and fold.is_visible():
                fold.click()
            page.wait_for_timeout(1200)  # what moves has come to rest; nothing is tested here
            picture = Image.open(io.BytesIO(page.screenshot()))
            target = folder / f"{screen.name}-{theme}-{width}.webp"
            picture.convert("RGB").save(target, "WEBP", quality=QUALITY, method=6)
        print(f"{screen.name}, {theme}")


def _listing() -> str:
    lines = [
        "# The studio in pictures",
        "",
        "Made by `make pictures`, in two themes and three sizes.",
    ]
    for screen in SCREENS:
        if not (FOLDER / f"{screen.name}-light-1440.webp").exists():
            continue
        lines += ["", f"## {screen.shows}", ""]
        links = [
            f"[{theme} {width}]({screen.name}-{theme}-{width}.webp)"
            for theme in THEMES
            for width, _ in SIZES
        ]
        lines += [f"![{screen.shows}]({screen.name}-light-1440.webp)", "", " · ".join(links)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
