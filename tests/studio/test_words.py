"""Text of strangers, made safe for Markdown."""

from __future__ import annotations

import time

from patchbay.studio.screens.runs import statuses
from patchbay.studio.views.values import gist, looks_like_markdown, shape_of
from patchbay.studio.words import ago, date, duration, entities, plain, size


def test_labels_show_exactly_what_was_written() -> None:
    assert plain("*a* [b](c)\nd") == r"\*a\* \[b\]\(c\) d"
    assert "<" not in entities("<img onerror=x>")


def test_numbers_as_people_say_them() -> None:
    assert [duration(s) for s in (0.01, 0.44, 12.3, 200)] == ["0 s", "0.4 s", "12 s", "3 min 20 s"]
    assert [size(n) for n in (12, 1500, 98_362_432)] == ["12 B", "1.5 kB", "98.4 MB"]
    assert [ago(100, now) for now in (110, 400, 9000)] == ["just now", "5 min ago", "2 h ago"]


def test_dates_are_written_the_same_on_every_system() -> None:
    third = time.mktime((2026, 11, 3, 9, 5, 7, 0, 0, -1))
    assert date(third) == f"3 {time.strftime('%b', time.localtime(third))} 2026"
    assert date(third, clock=True).endswith(" 2026, 09:05:07")
    assert date(third, year=False, clock=True).endswith(", 09:05:07")
    assert ago(third, third + 86400 * 3) == date(third)


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
