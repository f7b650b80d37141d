"""The text of a PDF, page by page, in the order in which it is read.

pdfplumber and pdfminer.six give the letters with their places, and the tables that are ruled; what
was filled into a form is read from the form itself.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from patchbay.nodes.retrieval.form_fields import fields_of
from patchbay.nodes.retrieval.page_order import Item, reading_order
from patchbay.nodes.retrieval.right_to_left import as_read, by_place, mostly_in
from patchbay.nodes.text.hyphens import over_pages, whole_page, whole_words
from patchbay.nodes.text.tables import line_of

if TYPE_CHECKING:
    from pdfminer.layout import LTChar, LTPage
    from pdfplumber.page import Page
    from pdfplumber.table import Table

MOST_EDGES = 3000
"""Lines on a page beyond which it is a drawing, in which no tables are looked for."""

BoundingBox = tuple[float, float, float, float]

UNKNOWN = "\ufffd"
"""Stands for a letter whose font does not say which one it is."""


class Locked(ValueError):  # noqa: N818 - it says what the file is
    """The file asks for a password."""


class OnlyXfa(ValueError):  # noqa: N818 - it says what the file is
    """The file is a form in XFA, of which the pages show nothing."""


def read_pdf(data: bytes, stopped: Callable[[], bool] = lambda: False) -> Iterator[str]:
    """The text of each page; empty where a page has none.

    Raises:
        Locked: it opens only with a password.
        OnlyXfa: its text stands in a form of XFA alone.
        Exception: whatever pdfminer says of a broken file.
    """
    import pdfplumber
    from pdfminer.pdfdocument import PDFPasswordIncorrect
    from pdfplumber.utils.exceptions import PdfminerException

    try:
        pdf = pdfplumber.open(io.BytesIO(data))
    except PdfminerException as error:
        cause = error.args[0] if error.args else error
        if isinstance(cause, PDFPasswordIncorrect):
            raise Locked from error
        raise (cause if isinstance(cause, Exception) else error) from error
    with pdf:
        if _is_only_xfa(pdf.doc.catalog):
            raise OnlyXfa
        before: str | None = None
        for page in pdf.pages:
            if stopped():
                break
            text = _text(page)
            page.close()  # pages are large; each is read once
            if before is not None:
                before, text = over_pages(before, text)
                yield before
            before = text
        if before is not None:
            yield before


def _is_only_xfa(catalog: Mapping[str, Any]) -> bool:
    """Whether the pages are a notice ("Please wait…"), and the form is drawn from XML by a viewer.

    Forms of XFA that are also there as an ordinary form are read as one (ISO 32000-1, 12.7.8).
    """
    from pdfminer.pdftypes import resolve1

    form = resolve1(catalog.get("AcroForm"))
    if not isinstance(form, dict) or not form.get("XFA"):
        return False
    return bool(resolve1(catalog.get("NeedsRendering"))) or not resolve1(form.get("Fields"))


def _text(page: Page) -> str:
    upright, others = _letters(page.layout)
    items: list[Item] = []
    for table in _tables(page):
        inside, upright = _parted(upright, _box(page, table.bbox))
        items.append(_as_item(page, table, inside))
    items += _lines(upright, page.layout.height)
    items += fields_of(page)
    lines = reading_order(items)
    for turned in others:  # stamps in the margin, labels of axes
        lines += ["", *reading_order(_lines(turned, 0))]
    return "\n".join(whole_page(lines)).strip("\n")


# --- letters ------------------------------------------------------------------------------------


def _letters(layout: LTPage) -> tuple[list[LTChar], list[list[LTChar]]]:
    """The letters that stand upright, and those turned by 90, 180 and 270 degrees, as if upright.

    All in the order in which they were drawn, and each once: some programs draw letters twice to
    make them bold.
    """
    turned: dict[int, list[LTChar]] = {0: [], 1: [], 2: [], 3: []}
    drawn: dict[tuple[str, int, int], list[tuple[float, float]]] = {}
    for char in _all_letters(layout):
        if not _is_new(char, drawn):
            continue
        a, b = char.matrix[0], char.matrix[1]
        turn = (0 if a >= 0 else 2) if abs(a) >= abs(b) else (1 if b > 0 else 3)
        if turn:
            char.set_bbox(_upright(char.bbox, turn))
        turned[turn].append(char)
    return turned[0], [turned[turn] for turn in (1, 2, 3) if turned[turn]]


def _all_letters(container: Any) -> Iterator[LTChar]:
    """Also those inside of figures, where some programs put all of a page."""
    from pdfminer.layout import LTChar, LTFigure

    for item in container:
        if isinstance(item, LTChar):
            yield item
        elif isinstance(item, LTFigure):
            yield from _all_letters(item)


def _is_new(char: LTChar, drawn: dict[tuple[str, int, int], list[tuple[float, float]]]) -> bool:
    near = 0.1 * char.size
    text, column, line = char.get_text(), int(char.x0 // 4), int(char.y0 // 4)
    around = (
        place
        for x in (column - 1, column, column + 1)
        for y in (line - 1, line, line + 1)
        for place in drawn.get((text, x, y), ())
    )
    if any(abs(x - char.x0) < near and abs(y - char.y0) < near for x, y in around):
        return False
    drawn.setdefault((text, column, line), []).append((char.x0, char.y0))
    return True


def _upright(
    box: tuple[float, float, float, float], turn: int
) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = box
    return {1: (y0, -x1, y1, -x0), 2: (-x1, -y1, -x0, -y0), 3: (-y1, x0, -y0, x1)}[turn]


def _lines(letters: Sequence[LTChar], height: float) -> list[Item]:
    """Lines of letters: pdfminer's, which keep an index at its word and break at wide gaps."""
    from pdfminer.layout import LAParams, LTLayoutContainer

    if not letters:
        return []
    container = LTLayoutContainer((0, 0, 0, 0))
    lines = container.group_objects(LAParams(), _without_wide_blanks(by_place(letters)))
    return [
        Item(text, line.x0, height - line.y1, line.x1, height - line.y0)
        for line in lines
        if (text := as_read(" ".join(_readable(_written(line)).split())))
    ]


def _written(line: Any) -> str:
    """The letters of a line. A raised number after a digit gets a `^`: 10 to the 5th is not 105."""
    from pdfminer.layout import LTChar

    text, before = "", None
    for letter in line:
        sign = letter.get_text()
        if isinstance(letter, LTChar):
            raised = before is not None and _is_power(before, letter)
            text += f"^{sign}" if raised else sign
            before = letter
        else:
            text += sign
    return text


def _is_power(before: LTChar, letter: LTChar) -> bool:
    smaller = letter.size < 0.85 * before.size and letter.y0 > before.y0 + 0.15 * before.size
    return smaller and before.get_text().isdigit() and letter.get_text().lstrip("-−").isdigit()


def _without_wide_blanks(letters: Sequence[LTChar]) -> Iterator[LTChar]:
    """Columns that were set apart with blanks are to look apart."""
    blank = [not letter.get_text().strip() for letter in letters]
    for at, letter in enumerate(letters):
        if not (blank[at] and (any(blank[at - 1 : at]) or any(blank[at + 1 : at + 2]))):
            yield letter


def _readable(text: str) -> str:
    import re

    text = re.sub(r"\(cid:\d+\)", UNKNOWN, text)
    return text.translate(LIGATURES)


LIGATURES = {
    0xFB00: "ff", 0xFB01: "fi", 0xFB02: "fl", 0xFB03: "ffi", 0xFB04: "ffl", 0xFB05: "st",
    0xFB06: "st", 0x00: " ",
}  # fmt: skip
"""Letters that were set as one."""


# --- tables -------------------------------------------------------------------------------------


def _tables(page: Page) -> list[Table]:
    """The tables that are drawn with rules: of two rows and two columns at least."""
    if len(page.edges) > MOST_EDGES:
        return []
    return [
        table
        for table in page.find_tables()
        if len(table.rows) > 1 and max(len(row.cells) for row in table.rows) > 1
    ]


def _as_item(page: Page, table: Table, letters: list[LTChar]) -> Item:
    left, low, right, high = box = _box(page, table.bbox)
    height = page.layout.height
    rows: list[list[str]] = []
    for row in table.rows:
        texts = []
        for cell in row.cells:
            inside, letters = _parted(letters, _box(page, cell)) if cell else ([], letters)
            texts.append(" ".join(whole_words(reading_order(_lines(inside, height)))))
        rows.append(texts)
    if mostly_in("".join(cell for texts in rows for cell in texts)):
        rows = [texts[::-1] for texts in rows]
    lines = map(line_of, rows)
    text = "\n".join(line for line in lines if line)
    assert box is not None  # noqa: S101
    return Item(text, left, height - high, right, height - low, "table")


def _box(page: Page, found: BoundingBox) -> BoundingBox:
    """A place of pdfplumber's, from the top of the page, as pdfminer's, from its bottom."""
    left, top = page.mediabox[0], page.mediabox[1]
    height = page.layout.height
    return found[0] - left, height - (found[3] - top), found[2] - left, height - (found[1] - top)


def _parted(letters: list[LTChar], box: BoundingBox) -> tuple[list[LTChar], list[LTChar]]:
    """The letters in a box, and those outside of it."""
    inside: list[LTChar] = []
    outside: list[LTChar] = []
    for letter in letters:
        x, y = (letter.x0 + letter.x1) / 2, (letter.y0 + letter.y1) / 2
        here = box[0] <= x < box[2] and box[1] <= y < box[3]
        (inside if here else outside).append(letter)
    return inside, outside
