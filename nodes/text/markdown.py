"""Markdown that a stranger wrote, as a tree of the few parts that may be drawn.

An answer, a document or a note may hold anything. Escaping what looks dangerous before somebody
else's parser reads it has to foresee that parser; so it is parsed here, once, by markdown-it-py
(CommonMark 0.31 with tables, struck text and bare addresses), and whoever draws it (the studio's
pages, the canvas) makes elements of these parts and of nothing else. No part loads anything when it
is drawn: a picture is a link with its words, HTML is text, and a link leads only where a browser
goes by itself: the web and mail.
"""

from __future__ import annotations

import threading
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.tree import SyntaxTreeNode

MarkdownPart = dict[str, Any]
"""One part: `is` names it, `in` holds its parts or `text` its text.

Blocks: paragraph, heading (`level` 1 to 6), quote, list (`start` where numbered), item, code
(`language`), table (`in`: rows; a row's `in`: cells; a cell has `align`, `head`), rule.
Inline: text, strong, emphasis, deleted, code, break, link (`to`).
"""

NESTED = 40
"""Levels up to which blocks may nest; a text that goes deeper is shown as it is."""
LONGEST_ADDRESS = 2000
"""Characters of an address that may be linked to."""
_SCHEMES = ("http", "https", "mailto")
_NAMES = {
    "paragraph": "paragraph", "blockquote": "quote", "bullet_list": "list", "list_item": "item",
    "strong": "strong", "em": "emphasis", "s": "deleted", "tr": "row",
}  # fmt: skip
_parsing = threading.Lock()


@lru_cache(maxsize=256)
def parse_markdown(text: str, *, breaks: bool = True) -> list[MarkdownPart]:
    """The parts of a text, plain enough for JSON. Never raises, and loses no words.

    The answer is shared: do not change it.

    Args:
        text: what somebody wrote.
        breaks: whether a line that ends is a line that ends. Models and people in a chat break
            lines where they want them broken; in a source text they are broken where it is full.
    """
    from markdown_it.tree import SyntaxTreeNode

    with _parsing:  # the part that finds bare addresses holds what it found
        tokens = _parser().parse(text.replace("\0", "�"))
    if any(token.level >= NESTED - 1 for token in tokens):
        return [{"is": "code", "language": "", "text": text}]  # the parser drops what is deeper
    parts = _parts(SyntaxTreeNode(tokens))
    return parts if breaks else [_flowing(part) for part in parts]


def _flowing(part: MarkdownPart) -> MarkdownPart:
    """The same part with spaces where lines ended."""
    if part["is"] == "break":
        return {"is": "text", "text": " "}
    return {**part, "in": [_flowing(one) for one in part["in"]]} if "in" in part else part


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    options = {"html": False, "linkify": True, "maxNesting": NESTED}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough", "linkify"])
    # Only what has a scheme: `notes.md` is no host.
    if parser.linkify is not None:
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    return parser


def _parts(node: SyntaxTreeNode) -> list[MarkdownPart]:
    parts = [part for child in node.children for part in _made(child)]
    return [part for part in parts if part.get("text") != ""]


def _made(node: SyntaxTreeNode) -> list[MarkdownPart]:
    """What becomes of one node. One that is not known becomes its text."""
    kind = node.type
    if kind in _NAMES:
        return [{"is": _NAMES[kind], "in": _parts(node)}]
    if kind in ("inline", "thead", "tbody"):
        return _parts(node)
    if kind == "heading":
        return [{"is": "heading", "level": int(node.tag[1:]), "in": _parts(node)}]
    if kind == "ordered_list":
        return [{"is": "list", "start": int(node.attrs.get("start", 1)), "in": _parts(node)}]
    if kind in ("fence", "code_block"):
        language = node.info.strip().partition(" ")[0]
        return [{"is": "code", "language": language, "text": node.content}]
    if kind in ("softbreak", "hardbreak"):
        return [{"is": "break"}]
    if kind == "hr":
        return [{"is": "rule"}]
    if kind == "table":
        return [{"is": "table", "in": _parts(node)}]
    if kind in ("th", "td"):
        align = str(node.attrs.get("style", "")).partition(":")[2]
        return [{"is": "cell", "align": align, "head": kind == "th", "in": _parts(node)}]
    if kind == "code_inline":
        return [{"is": "code", "text": node.content}]
    if kind == "link":
        return _link(str(node.attrs.get("href", "")), _parts(node))
    if kind == "image":
        words = "".join(_text_of(part) for part in _parts(node)).strip()
        shown = [{"is": "text", "text": f"[picture: {words}]" if words else "[picture]"}]
        return _link(str(node.attrs.get("src", "")), shown)
    return [{"is": "text", "text": node.content}]


def _link(address: str, shown: list[MarkdownPart]) -> list[MarkdownPart]:
    """A link, or only what it shows where it leads nowhere that it may."""
    try:
        scheme = urlsplit(address).scheme
    except ValueError:
        return shown
    if scheme not in _SCHEMES or len(address) > LONGEST_ADDRESS or not shown:
        return shown
    return [{"is": "link", "to": address, "in": shown}]


def _text_of(part: MarkdownPart) -> str:
    if "text" in part:
        return str(part["text"])
    return " " if part["is"] == "break" else "".join(_text_of(one) for one in part.get("in", ()))


def text_of(parts: list[MarkdownPart]) -> str:
    """The words of some parts, without their form."""
    return "".join(_text_of(part) for part in parts)
