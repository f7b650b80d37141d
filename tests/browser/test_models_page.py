"""The Models page: a catalogue, a hub and an Ollama server that are searched, a model tried out."""

from __future__ import annotations

import json
from pathlib import Path

from playwright.sync_api import Page, expect

from patchbay.flows.document.reading import read_flow
from tests.browser.editor_page import drawn, node
from tests.browser.harness import ROOT, serve
from tests.loopback import served
from tests.nodes.models.site import Handler, Site

REPO = "ada/tiny-GGUF"
WEIGHTS = b"GGUF" + b"\0" * 60


def place(page: Page, name: str) -> None:
    where = page.get_by_role("radiogroup", name="Where")
    expect(where).to_be_visible()
    drawn(page)
    where.get_by_role("radio", name=name).click()


def test_models_are_chosen_searched_fetched_and_tried(tmp_path: Path, empty_page: Page) -> None:
    site = Site()
    model = {"id": REPO, "downloads": 7, "tags": ["gguf", "license:mit"], "gated": False}
    tree = [{"type": "file", "path": "tiny.gguf", "size": len(WEIGHTS)}]
    listed = {"models": [{"model": "llama3.2:1b", "name": "llama3.2:1b"}]}
    site.files = {
        "/api/models": json.dumps([model]).encode(),
        f"/api/models/{REPO}/tree/main": json.dumps(tree).encode(),
        f"/{REPO}/resolve/main/tiny.gguf": WEIGHTS,
        "/api/tags": json.dumps(listed).encode(),
    }
    with served(Handler, site=site) as site.url:
        env = {"HF_ENDPOINT": site.url, "OLLAMA_HOST": site.url, "HF_HOME": str(tmp_path / "hf")}
        env |= {"PATCHBAY_WEIGHTS": str(tmp_path / "weights"), "OLLAMA_MODELS": str(tmp_path / "o")}
        env |= {"PATCHBAY_OFFLINE": "", "HF_HUB_OFFLINE": ""}
        with serve(ROOT / "studio" / "app.py", tmp_path / "home", env=env) as server:
            page = empty_page
            page.goto(f"{server.url}/models")
            place(page, "Hugging Face and Ollama")
            expect(page.get_by_text("hold none on this machine")).to_be_visible()
            place(page, "Search")
            words = page.get_by_role("textbox", name="Search the hub")
            words.fill("tiny")
            words.press("Enter")
            expect(page.get_by_text("7 downloads")).to_be_visible()
            drawn(page)
            page.get_by_role("button", name="Files", exact=True).click()
            expect(page.get_by_text("the hub gives no hash for it")).to_be_visible()
            drawn(page)
            page.get_by_role("button", name="Fetch", exact=True).click()
            expect(page.get_by_text("here", exact=True)).to_be_visible()
            assert (
                tmp_path / "weights" / "hf" / REPO / "main" / "tiny.gguf"
            ).read_bytes() == WEIGHTS
            drawn(page)
            page.get_by_role("button", name="Ask the Ollama server").click()
            expect(page.get_by_text("ollama:llama3.2:1b")).to_be_visible()
            place(page, "Catalogue")
            expect(page.get_by_text("Qwen3 4B", exact=True)).to_be_visible()
            drawn(page)
            shown = page.get_by_role("radiogroup", name="Show")
            shown.get_by_role("radio", name="On this machine").click()
            expect(page.get_by_text("None of them.")).to_be_visible()
            drawn(page)
            shown.get_by_role("radio", name="All", exact=True).click()
            expect(page.get_by_text("Qwen3 4B", exact=True)).to_be_visible()
            drawn(page)
            page.get_by_role("button", name="Try in a flow").first.click()
            expect(node(page, "answer")).to_be_visible()
            flow = read_flow(server.home / "flows" / "ask-smollm2-135m-instruct.json")
            assert flow.node("model").params["weights"] == "smollm2-135m-instruct"
