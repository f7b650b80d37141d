"""Strangers' Markdown becomes parts that may be drawn, and nothing that loads."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.nodes.text.markdown import NESTED, MarkdownPart, parse_markdown, text_of

KNOWN = {
    "paragraph": {"in"}, "heading": {"level", "in"}, "quote": {"in"}, "list": {"start", "in"},
    "item": {"in"}, "table": {"in"}, "row": {"in"}, "cell": {"align", "head", "in"}, "rule": set(),
    "code": {"language", "text"}, "text": {"text"}, "strong": {"in"}, "emphasis": {"in"},
    "deleted": {"in"}, "break": set(), "link": {"to", "in"},
}  # fmt: skip


def every(parts: list[MarkdownPart]) -> Iterator[MarkdownPart]:
    for part in parts:
        yield part
        yield from every(part.get("in", []))


def check(parts: list[MarkdownPart]) -> None:
    """Only parts that are known, with only what they may have."""
    for part in every(parts):
        assert set(part) - {"is"} <= KNOWN[part["is"]], part
        if part["is"] == "link":
            assert re.match(r"(https?|mailto):", part["to"]), part
    json.dumps(parts)


def test_what_people_and_models_write():
    text = (
        "# Title\n\nHi **bold** _soft_ ~~gone~~ `x < 1`\nnext\n\n"
        "3. three\n4. four\n   - inner\n\n> said\n\n```py\na = 1\n```\n\n---\n\n"
        "| a | b |\n|:-|-:|\n| 1 | **2** |\n"
    )
    said = {"is": "text", "text": "said"}
    parts = parse_markdown(text)
    assert parts[0] == {"is": "heading", "level": 1, "in": [{"is": "text", "text": "Title"}]}
    assert [part["is"] for part in parts[1]["in"]] == [
        "text", "strong", "text", "emphasis", "text", "deleted", "text", "code", "break", "text",
    ]  # fmt: skip
    assert (parts[2]["start"], len(parts[2]["in"])) == (3, 2)
    assert parts[2]["in"][1]["in"][1]["is"] == "list"
    assert "start" not in parts[2]["in"][1]["in"][1]
    assert parts[3] == {"is": "quote", "in": [{"is": "paragraph", "in": [said]}]}
    assert parts[4] == {"is": "code", "language": "py", "text": "a = 1\n"}
    assert parts[5] == {"is": "rule"}
    head, row = parts[6]["in"]
    assert [cell["head"] for cell in (*head["in"], *row["in"])] == [True, True, False, False]
    assert [cell["align"] for cell in row["in"]] == ["left", "right"]
    check(parts)


@pytest.mark.parametrize(
    "text",
    [
        "![a](http://evil.test/p.png)",
        "\\![a](http://evil.test/p.png)",
        "\\\\![a](http://evil.test/p.png)",
        "![a][r]\n\n[r]: http://evil.test/p.png",
        "[![a](http://evil.test/p.png)](http://evil.test)",
        "| ![a](http://evil.test/p.png) |\n|-|",
        "# ![a](http://evil.test/p.png 'title')",
        "<img src=http://evil.test/p.png>",
        "<style>@import 'http://evil.test'</style>",
        "<script src=http://evil.test></script>",
        "<iframe src=http://evil.test>",
        "a <b onmouseover=x>b</b>",
    ],
)
def test_nothing_is_loaded(text: str):
    parts = parse_markdown(text)
    check(parts)
    assert not {part["is"] for part in every(parts)} & {"image", "picture", "html"}


def test_a_picture_is_a_link_with_its_words():
    (part,) = parse_markdown("![a *map*](http://evil.test/p.png)")[0]["in"]
    assert part == {
        "is": "link", "to": "http://evil.test/p.png",
        "in": [{"is": "text", "text": "[picture: a map]"}],
    }  # fmt: skip


@pytest.mark.parametrize(
    "to",
    ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "file:///etc",
     "//evil.test/x", "/editor", "notes.md", "ftp://x.test", "blob:x", " ",
     "java&#10;script:alert(1)", "&#x6A;avascript:alert(1)", "https://" + "x" * 3000],
)  # fmt: skip
def test_links_lead_to_the_web_or_to_mail_only(to: str):
    for text in (f"[here]({to})", f"[here](<{to}>)", f"<{to}>", f"![here]({to})"):
        parts = parse_markdown(text)
        check(parts)
        assert not any(part["is"] == "link" for part in every(parts)), text


@pytest.mark.parametrize(
    ("text", "to"),
    [
        ("[here](https://a.test/x?y=1&z)", "https://a.test/x?y=1&z"),
        ("see https://a.test/a_b.", "https://a.test/a_b"),
        ("<http://a.test>", "http://a.test"),
        ("<ann@a.test>", "mailto:ann@a.test"),
    ],
)
def test_links_that_may_be(text: str, to: str):
    assert [part["to"] for part in every(parse_markdown(text)) if part["is"] == "link"] == [to]


@pytest.mark.parametrize("text", ["notes.md", "10.0.0.1", "ann@a.test", "a.test/x"])
def test_a_file_name_is_no_link(text: str):
    assert parse_markdown(text) == [{"is": "paragraph", "in": [{"is": "text", "text": text}]}]


@pytest.mark.parametrize(
    "text", ["costs $5 to $6", ":smile: :material/home: :red[x]", "$$x$$", "a:b", "[^1]", "{x}"]
)
def test_signs_are_what_they_are(text: str):
    assert text_of(parse_markdown(text)) == text


@pytest.mark.parametrize("sign", [">", "> ", "- ", "1. ", ">- "])
@pytest.mark.parametrize("depth", [NESTED // 2, NESTED - 1, NESTED, NESTED + 1, 2000])
def test_deep_nesting_loses_no_words(sign: str, depth: int):
    assert "deep" in text_of(parse_markdown(sign * depth + "deep"))


@given(st.text(max_size=300))
def test_whatever_it_is_it_can_be_drawn(text: str):
    check(parse_markdown(text))


WORDS = st.lists(
    st.sampled_from(["alpha", "beta", "*", "**", "_", "~~", "`", "```", "\n", "\n\n", "> ", "- ",
                     "1. ", "# ", "|", "|-|-|\n", "[", "](", ")", "![", "<b>", "</b>", "&lt;", "\\",
                     "http://a.test", "    ", "\t", "---\n", "===\n", "$", ":", "<!--", "-->"]),
    max_size=40,
)  # fmt: skip


@given(WORDS)
def test_no_word_is_lost(pieces: list[str]):
    text = "".join(pieces)
    parts = parse_markdown(text)
    check(parts)
    # Words of an address or a definition may go, since a link shows other words.
    if "](" not in text and "[" not in text and "```" not in text:
        shown = text_of(parts)
        for word in ("alpha", "beta"):
            assert shown.count(word) >= min(1, text.count(word)), (text, shown)


def test_lines_of_a_source_text_flow():
    (paragraph,) = parse_markdown("one\n*two\nthree*", breaks=False)
    assert text_of([paragraph]) == "one two three"
    assert not any(part["is"] == "break" for part in every([paragraph]))
    assert any(part["is"] == "break" for part in every(parse_markdown("one\n*two\nthree*")))


def test_a_text_is_parsed_once():
    assert parse_markdown("*one*") is parse_markdown("*one*")


def test_the_order_of_the_table_cells_is_kept():
    rows: Any = parse_markdown("|a|b|c|\n|-|-|-|\n|1|2|3|")[0]["in"]
    assert [[text_of(cell["in"]) for cell in row["in"]] for row in rows] == [
        ["a", "b", "c"],
        ["1", "2", "3"],
    ]
