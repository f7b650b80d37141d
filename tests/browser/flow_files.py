"""Flow files in the folder of a studio that runs, as a person or another program writes them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.browser.harness import ROOT, SLOW, Server

SAVED = ROOT / "flows" / "saved"


def put(studio: Server, name: str, flow: dict[str, Any] | None = None, saved: str = "ask") -> Path:
    """A flow file in the person's folder: this flow, or one that ships."""
    path = studio.home / "flows" / f"{name}.json"
    write(path, json.dumps(flow) if flow else (SAVED / f"{saved}.json").read_text("utf-8"))
    return path


def write(path: Path, text: str) -> None:
    """Write a file at one go, so that nobody reads half of it."""
    made = path.with_suffix(".made")
    made.write_text(text, "utf-8")
    os.replace(made, path)  # noqa: PTH105


def long_story(studio: Server, name: str) -> Path:
    """A flow whose answer takes many seconds, and is never taken from the cache."""
    flow = json.loads((SAVED / "ask.json").read_text("utf-8"))
    for node in flow["nodes"]:
        if node["id"] == "prompt":
            node["params"]["template"] = "Write a very long story about this: {question}"
        if node["id"] == "ask":
            node["params"]["max_tokens"] = 700
            node["run"] = {"cache": "never"}
    return put(studio, name, flow)


def wait_for(page: Page, test: Callable[[], bool]) -> None:
    """Wait until something holds on the disk, as long as for what the page shows."""
    until = time.monotonic() + SLOW / 1000
    while not test() and time.monotonic() < until:
        page.wait_for_timeout(150)
    assert test()


def two_steps(value: str = "Hello") -> dict[str, Any]:
    """given → prompt → out. Give a value of its own where all must really run: results are kept."""
    return {
        "format": 1,
        "name": "Pins",
        "nodes": [
            {"id": "given", "kind": "io.value", "version": 1, "params": {"value": value}},
            {"id": "prompt", "kind": "prompt.template", "version": 1,
             "params": {"template": "Say {what}"}},
            {"id": "out", "kind": "io.output", "version": 1, "params": {"name": "said"}},
        ],
        "edges": [
            {"from": "given.value", "to": "prompt.what"},
            {"from": "prompt.text", "to": "out.value"},
        ],
        "layout": {"given": {"x": 0, "y": 0}, "prompt": {"x": 320, "y": 0},
                   "out": {"x": 320, "y": 260}},
    }  # fmt: skip
