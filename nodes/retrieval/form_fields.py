"""What was filled into the form on a page of a PDF, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from patchbay.nodes.retrieval.page_order import Item

if TYPE_CHECKING:
    from pdfplumber.page import Page

HIDDEN, NO_VIEW = 1 << 1, 1 << 5
"""Flags of an annotation that is not shown."""
PASSWORD, PUSH_BUTTON = 1 << 13, 1 << 16
"""Flags of a field: its text is a secret; it holds no value."""
MOST_PARENTS = 20

Annotation = Mapping[str, Any]


def fields_of(page: Page) -> Iterator[Item]:
    """The values of the fields on a page: texts, choices, and ticks as `[x]` or `[ ]`.

    Text that was typed onto the page as a note ("typewriter") is one of them. What is hidden, empty
    or a password is left out. PDF 1.7 (ISO 32000-1), 12.5.6 and 12.7.
    """
    from pdfminer.pdftypes import resolve1

    for reference in resolve1(page.page_obj.annots) or []:
        found = resolve1(reference)
        if not isinstance(found, dict) or _number(found, "F") & (HIDDEN | NO_VIEW):
            continue
        rectangle = [resolve1(number) for number in resolve1(found.get("Rect")) or []]
        if len(rectangle) == 4 and (text := _shown(found).strip()):
            left, top, right, bottom = _place(page, rectangle)
            yield Item(text, left, top, right, bottom, "field")


def _shown(found: Annotation) -> str:
    kind = _name(found.get("Subtype"))
    if kind == "FreeText":
        return _decoded(found.get("Contents"))
    if kind != "Widget":
        return ""
    flags = _number(found, "Ff")
    match _name(_inherited(found, "FT")):
        case "Tx" if not flags & PASSWORD:
            return _decoded(_inherited(found, "V"))
        case "Ch":
            return _choice(found)
        case "Btn" if not flags & PUSH_BUTTON:
            state = _name(found.get("AS")) or _name(_inherited(found, "V"))
            return "[x]" if state not in ("", "Off") else "[ ]"
    return ""


def _choice(found: Annotation) -> str:
    """The choices in the words that the form shows, which may differ from those that it stores."""
    from pdfminer.pdftypes import resolve1

    shown = {}
    for option in resolve1(_inherited(found, "Opt")) or []:
        pair = resolve1(option)
        if isinstance(pair, list) and len(pair) == 2:
            shown[_decoded(pair[0])] = _decoded(pair[1])
    value = resolve1(_inherited(found, "V"))
    chosen = [_decoded(one) for one in (value if isinstance(value, list) else [value])]
    return ", ".join(shown.get(one, one) for one in chosen if one)


def _inherited(found: Annotation, name: str) -> Any:
    """An entry of the field, or of the fields that it is part of."""
    from pdfminer.pdftypes import resolve1

    field: Any = found
    for _ in range(MOST_PARENTS):
        if not isinstance(field, dict):
            return None
        if name in field:
            return resolve1(field[name])
        field = resolve1(field.get("Parent"))
    return None


def _number(found: Annotation, name: str) -> int:
    value = _inherited(found, name)
    return value if isinstance(value, int) else 0


def _name(value: Any) -> str:
    from pdfminer.pdftypes import resolve1

    name = getattr(resolve1(value), "name", "")
    return name if isinstance(name, str) else ""


def _decoded(value: Any) -> str:
    from pdfminer.pdftypes import PDFStream, resolve1
    from pdfminer.utils import decode_text

    value = resolve1(value)
    if isinstance(value, PDFStream):
        value = value.get_data()
    if isinstance(value, bytes):
        if value.startswith(b"\xef\xbb\xbf"):
            return value[3:].decode("utf-8", "replace")
        value = decode_text(value)
    text = value if isinstance(value, str) else _name(value)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _place(page: Page, rectangle: list[float]) -> tuple[float, float, float, float]:
    """Left, top, right and bottom on the page as it is shown, which may be turned."""
    x0, y0, x1, y1 = page.page_obj.mediabox
    left, right = sorted((rectangle[0], rectangle[2]))
    low, high = sorted((rectangle[1], rectangle[3]))
    match page.rotation:
        case 90:
            return low - y0, left - x0, high - y0, right - x0
        case 180:
            return x1 - right, low - y0, x1 - left, high - y0
        case 270:
            return y1 - high, x1 - right, y1 - low, x1 - left
        case _:
            return left - x0, y1 - high, right - x0, y1 - low
