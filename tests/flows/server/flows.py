"""The flows that the tests serve, by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import canonical_text
from tests.flows.runs.harness import flow


def asks(name: str = "question", kind: str = "text", **params: Any) -> tuple[str, dict[str, Any]]:
    """A flow input."""
    return "io.input", {"name": name, "kind": kind, **params}


def gives(name: str = "answer") -> tuple[str, dict[str, Any]]:
    """A flow output."""
    return "io.output", {"name": name}


FLOWS: dict[str, Flow] = {
    "shout": flow(
        {"in": asks("text"), "up": "test.upper", "out": gives()},
        ["in.value > up.text", "up.text > out.value"],
        "Shout",
    ),
    "at_once": flow(
        {"in": asks("text"), "up": "test.at_once", "out": gives()},
        ["in.value > up.text", "up.text > out.value"],
        "At once",
    ),
    "words": flow(
        {"in": asks(), "say": "test.words", "out": gives()},
        ["in.value > say.text", "say.text > out.value"],
        "Words",
    ),
    "slow": flow(
        {"in": asks(), "say": ("test.words", {"pause_s": 0.05}), "out": gives()},
        ["in.value > say.text", "say.text > out.value"],
        "Slow",
    ),
    "hidden": flow(
        {"in": asks(), "say": "test.words", "up": "test.upper", "out": gives()},
        ["in.value > say.text", "say.text > up.text", "up.text > out.value"],
        "Hidden",
    ),
    "approve": flow(
        {
            "in": asks("mail"),
            "ok": ("people.approve", {"question": "Send it?"}),
            "sent": gives("sent"),
            "kept": gives("kept"),
        },
        ["in.value > ok.value", "ok.approved > sent.value", "ok.rejected > kept.value"],
        "Approve",
    ),
    "plan": flow(
        {
            "in": asks("plan", "json"),
            "ok": ("people.edit", {"of": "json"}),
            "out": gives(),
        },
        ["in.value > ok.value", "ok.value > out.value"],
        "Plan",
    ),
    "fails": flow(
        {"in": asks("text"), "bad": ("test.fail", {"how": "final"}), "out": gives()},
        ["in.value > bad.text", "bad.text > out.value"],
        "Fails",
    ),
    "size": flow(
        {"in": asks("file", "file"), "of": "test.size", "n": gives("size"), "p": gives("path")},
        ["in.value > of.file", "of.size > n.value", "of.path > p.value"],
        "Size",
    ),
    "read": flow(
        {"in": asks("notes", "documents"), "out": gives()}, ["in.value > out.value"], "Read"
    ),
    "chat": flow(
        {
            "in": asks("conversation", "messages"),
            "m": "test.scripted",
            "ask": "model.ask",
            "out": gives(),
        },
        ["in.value > ask.prompt", "m.model > ask.model", "ask.text > out.value"],
        "Chat",
    ),
    "heard": flow(
        {"in": asks("conversation", "messages"), "out": gives()}, ["in.value > out.value"], "Heard"
    ),
    "agent": flow(
        {"in": asks(), "say": "test.thinks", "out": gives()},
        ["in.value > say.text", "say.text > out.value"],
        "Agent",
    ),
    "prints": flow(
        {"in": asks("text"), "up": "test.prints", "out": gives()},
        ["in.value > up.text", "up.text > out.value"],
        "Prints",
    ),
    "sources": flow(
        {"in": asks(), "find": "test.finds", "out": gives(), "from": gives("sources")},
        ["in.value > find.text", "find.text > out.value", "find.found > from.value"],
        "Sources",
    ),
    "cites": flow(
        {"in": asks(), "find": "test.finds_page", "out": gives(), "from": gives("sources")},
        ["in.value > find.text", "find.text > out.value", "find.found > from.value"],
        "Cites",
    ),
    "vectors": flow(
        {"e": "test.embeddings", "out": gives("embeddings")},
        ["e.embeddings > out.value"],
        "Vectors",
    ),
    "sees": flow(
        {"q": asks(), "in": asks("file", "file"), "of": "test.size", "n": gives("answer")},
        ["in.value > of.file", "of.size > n.value"],
        "Sees",
    ),
    "typed": flow(
        {
            "a": asks("count", "number"),
            "b": asks("colour", "choice", choices=["red", "blue"], default="red"),
            "c": asks("stream", "text", default="none"),
            "x": gives("count"),
            "y": gives("colour"),
            "z": gives("stream"),
        },
        ["a.value > x.value", "b.value > y.value", "c.value > z.value"],
        "Typed",
    ),
}


def write(folder: Path, *names: str) -> Path:
    """Write flows into a folder: those named, or all. Returns the folder."""
    folder.mkdir(exist_ok=True)
    for name in names or FLOWS:
        (folder / f"{name}.json").write_text(canonical_text(FLOWS[name]), encoding="utf-8")
    return folder
