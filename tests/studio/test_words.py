"""Text of strangers, made safe for Markdown."""

from __future__ import annotations

from patchbay.studio.screens.runs import statuses
from patchbay.studio.views.values import gist, looks_like_markdown, shape_of
from patchbay.studio.words import entities, plain


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
    events = [
        {"type": "run_started"},
        {"type": "node_started", "node": "a"},
        {"type": "node_started", "node": "a/inner"},
        {"type": "node_finished", "node": "a", "source": "cache"},
        {"type": "node_failed", "node": "b"},
    ]
    assert statuses(events[:2]) == {"a": "running"}
    assert statuses(events) == {"a": "cached", "b": "failed"}
