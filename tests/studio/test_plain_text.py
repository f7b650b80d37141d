"""Text of strangers, made safe for Markdown."""

from __future__ import annotations

from patchbay.studio.plain_text import entities, plain
from patchbay.studio.screens.runs import statuses
from patchbay.studio.views.values import gist, looks_like_markdown, shape_of


def test_labels_show_exactly_what_was_written() -> None:
    assert plain("*a* [b](c)\nd") == r"\*a\* \[b\]\(c\) d"
    assert "<" not in entities("<img onerror=x>")


def test_values_are_seen_for_what_they_are() -> None:
    document = {"$type": "document", "text": "x", "metadata": {}, "score": 0.5}
    assert shape_of([document]) == "documents"
    assert shape_of([{"$type": "message", "role": "user", "content": "x"}]) == "messages"
    assert shape_of({"$type": "chat model/gguf"}) == "description"
    assert [shape_of(v) for v in ("x", 1, None, [1], True)] == [
        "text", "number", "nothing", "json", "json",
    ]  # fmt: skip
    assert gist([document, document]) == "2 documents"
    assert looks_like_markdown("# Title\n\n- one")
    assert not looks_like_markdown("Just words, 3 - 2 = 1.")


def test_a_run_is_followed_event_by_event() -> None:
    began, tokens = {"type": "node_started", "at": 1.0}, {"prompt": 0, "completion": 0}
    events = [
        {"type": "run_started", "at": 1.0, "run": "r", "flow": "f", "inputs": {}, "nodes": 2},
        {**began, "node": "a"},
        {**began, "node": "a/inner"},
        {"type": "node_finished", "at": 2.0, "node": "a", "source": "cache", "seconds": 1.0,
         "tokens": tokens, "outputs": {}},
        {"type": "node_failed", "at": 2.0, "node": "b", "seconds": 1.0, "inputs": {},
         "problem": {"code": "x/y", "message": "No."}},
        {**began, "node": "c"},
        {"type": "run_cancelled", "at": 3.0, "run": "r", "seconds": 2.0, "tokens": tokens},
    ]  # fmt: skip
    assert statuses(events[:2]) == {"a": "running"}
    assert statuses(events[:-1]) == {"a": "cached", "b": "failed", "c": "running"}
    assert statuses(events) == {"a": "cached", "b": "failed", "c": "cancelled"}
