"""PDFs as people make them: columns, tables, forms, cut words. All are really made and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.errors import NodeError
from patchbay.nodes.retrieval.pdf import Locked, OnlyXfa, read_pdf
from patchbay.nodes.retrieval.readers import read_documents
from patchbay.nodes.retrieval.right_to_left import as_read
from tests.nodes.retrieval.files import drawn, rules, text

LEFT = ["The hive is a box in which bees live all the", "winter. Its walls are of wood; an inter-",
        "national norm says how thick they are. Bees", "are well-known for honey, and well-",
        "known for wax."]  # fmt: skip
RIGHT = ["Drones have no sting, and leave in summer.", "A queen lays two thousand eggs a day in",
         "May. Workers feed the brood with pollen,", "which they carry home in baskets on their",
         "legs, a load for each."]  # fmt: skip


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def read(*drawings: str, **more: Any) -> list[str]:
        path = drawn(tmp_path / "a.pdf", [list(drawings)], **more)
        (page,) = read_pdf(path.read_bytes())
        return [line for line in page.splitlines() if line]

    return read


@pytest.mark.parametrize("shift", [0, 5])
def test_columns_are_read_one_after_the_other(read: Any, shift: int) -> None:
    title = "A paper on bees, with a title that spans both columns of the page"
    lines = read(
        text(50, 780, "Journal", 9), text(520, 780, "Page 3", 9), text(50, 740, title),
        *(d for n, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True))
          for d in (text(50, 700 - 14 * n, left, 10), text(310, 700 - shift - 14 * n, right, 10))),
        text(298, 30, "7", 10),
    )  # fmt: skip
    assert lines == [
        "Journal Page 3", title, LEFT[0],
        "winter. Its walls are of wood; an international", "norm says how thick they are. Bees",
        "are well-known for honey, and well-known", "for wax.", *RIGHT, "7",
    ]  # fmt: skip


def test_a_ruled_table_by_row(read: Any) -> None:
    rows = [("Name", "Age"), ("Ida Holm", "7"), ("Otto", "")]
    drawn_cells = [
        text(55 + 100 * column, 645 - 20 * row, cell)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    ]
    grid = rules([50, 150, 250], [600, 620, 640, 660])
    lines = read(text(50, 700, "Before."), grid, *drawn_cells, text(50, 570, "After."))
    assert lines == ["Before.", "Name | Age", "Ida Holm | 7", "Otto |", "After."]


def test_a_table_without_rules_by_row(read: Any) -> None:
    rows = [("Species", "Home", "Colony"), ("Apis dorsata", "Asia", "100,000"),
            ("Apis florea", "Asia", "6,000")]  # fmt: skip
    cells = [
        text(50 + 150 * column, 660 - 16 * row, cell)
        for row, cells in enumerate(rows)
        for column, cell in enumerate(cells)
    ]
    prose = "A line of prose above the table that runs across the whole of its width."
    lines = read(text(50, 680, prose), *cells)
    assert lines == [prose, *(" | ".join(row) for row in rows)]
    assert read(text(50, 700, "Name        Age"), text(50, 686, "Ida            7")) == [
        "Name | Age", "Ida | 7",
    ]  # fmt: skip


FIELDS: list[dict[str, Any]] = [
    {"/FT": "/Tx", "/T": "f1[0]", "/V": "Ida Hølm ✓", "/Rect": [150.0, 690.0, 300.0, 710.0]},
    {"/FT": "/Btn", "/V": "/Yes", "/AS": "/Yes", "/Rect": [50.0, 650.0, 60.0, 660.0]},
    {"/FT": "/Btn", "/AS": "/Off", "/Rect": [150.0, 650.0, 160.0, 660.0]},
    {"/FT": "/Ch", "/V": "dk", "/Opt": [["dk", "Denmark"], ["no", "Norway"]],
     "/Rect": [150.0, 600.0, 300.0, 620.0]},
    {"/Subtype": "/FreeText", "/Contents": "typed onto it", "/Rect": [50.0, 550.0, 300.0, 565.0]},
    {"/FT": "/Tx", "/Ff": 1 << 13, "/V": "a password", "/Rect": [150.0, 500.0, 300.0, 510.0]},
    {"/FT": "/Tx", "/F": 2, "/V": "hidden", "/Rect": [150.0, 400.0, 300.0, 410.0]},
]  # fmt: skip


def test_what_was_filled_into_a_form_stands_beside_its_label(read: Any) -> None:
    lines = read(
        text(50, 694, "Full name:"), text(70, 651, "Member"), text(170, 651, "Guest"),
        text(50, 604, "Country:"), fields=FIELDS,
    )  # fmt: skip
    assert lines == [
        "Full name: Ida Hølm ✓", "[x] Member [ ] Guest", "Country: Denmark", "typed onto it",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("turn", "matrix", "at", "field"),
    [
        (90, "0 1 -1 0", (100, 50), [88.0, 150.0, 104.0, 300.0]),
        (180, "-1 0 0 -1", (500, 50), [200.0, 40.0, 400.0, 55.0]),
        (270, "0 -1 1 0", (500, 750), [496.0, 500.0, 512.0, 650.0]),
    ],
)
def test_a_form_on_a_turned_page(
    read: Any, turn: int, matrix: str, at: tuple[int, int], field: list[float]
) -> None:
    label = text(*at, "Full name:", matrix=matrix)
    assert read(label, fields=[{**FIELDS[0], "/Rect": field}], turn=turn) == [
        "Full name: Ida Hølm ✓"
    ]


def test_letters(read: Any) -> None:
    lines = read(
        text(50, 700, "H"), text(58.7, 697, "2", 8), text(63.2, 700, "O is water, 10"),
        text(137.3, 704, "5", 8),
        text(50, 650, "drawn twice"), text(50, 650.3, "drawn twice"),
        text(20, 300, "in the margin", 10, "0 1 -1 0"),
    )  # fmt: skip
    assert lines == ["H2O is water, 10^5", "drawn twice", "in the margin"]


def test_bullets_and_indented_lines_are_no_columns(read: Any) -> None:
    bullets = [text(50, 700, "•"), text(75, 700, "First of all, a point that goes on and"),
               text(75, 686, "on."), text(50, 672, "2.1"), text(75, 672, "Second")]  # fmt: skip
    assert read(*bullets) == ["• First of all, a point that goes on and", "on.", "2.1 Second"]
    code = [
        text(50, 600, "box {"),
        text(90, 588, "left: 1"),
        text(90, 576, "top: 2"),
        text(50, 564, "}"),
    ]
    assert read(*code) == ["box {", "left: 1", "top: 2", "}"]


def test_it_reads_alike_in_every_run(tmp_path: Path) -> None:
    boxes = [text(50 + 100 * (n % 5), 700 - 60 * (n // 5), f"box {n}") for n in range(40)]
    data = drawn(tmp_path / "a.pdf", [boxes]).read_bytes()
    assert len({next(read_pdf(data)) for _ in range(5)}) == 1


def test_locked_and_stopped(tmp_path: Path) -> None:
    locked = drawn(tmp_path / "a.pdf", [[text(50, 700, "x")]], password="key").read_bytes()
    with pytest.raises(Locked):
        list(read_pdf(locked))
    pages = drawn(tmp_path / "b.pdf", [[text(50, 700, "x")]] * 3).read_bytes()
    assert list(read_pdf(pages, lambda: True)) == []
    assert list(read_pdf(pages)) == ["x", "x", "x"]


# --- words over the end of a page -----------------------------------------------------------------


def pages_of(path: Path, *pages: list[str]) -> list[str]:
    drawings = [[text(50, 700 - 14 * n, line) for n, line in enumerate(page)] for page in pages]
    return list(read_pdf(drawn(path / "a.pdf", drawings).read_bytes()))


@pytest.mark.parametrize(
    ("first", "second", "ends", "begins"),
    [
        (["An inter-"], ["national norm."], "An international", "norm."),
        (["An inter-", "7"], ["national norm."], "An international\n7", "norm."),
        (["Bees", "An inter-", "Page 7"], ["Bees", "national norm."],
         "Bees\nAn international\nPage 7", "Bees\nnorm."),
        (["well-known, well-"], ["known for wax."], "well-known, well-known", "for wax."),
        (["An inter-"], ["National norms."], "An inter-", "National norms."),
        (["pre- and post-"], ["and so on"], "pre- and post-", "and so on"),
        (["It ends."], ["national"], "It ends.", "national"),
        (["An inter-"], ["national"], "An international", ""),
    ],
)  # fmt: skip
def test_a_word_that_is_cut_at_the_end_of_a_page(
    tmp_path: Path, first: list[str], second: list[str], ends: str, begins: str
) -> None:
    assert pages_of(tmp_path, first, second) == [ends, begins]


def test_one_word_over_three_pages_is_not_lost(tmp_path: Path) -> None:
    found = pages_of(tmp_path, ["one two-"], ["three", "four five-"], ["six seven"])
    assert " ".join(found).replace("-", "").split() == [
        "one",
        "twothree",
        "four",
        "fivesix",
        "seven",
    ]


# --- from right to left ---------------------------------------------------------------------------

HEBREW = 0x5D0
SHALOM, OLAM = "\u05e9\u05dc\u05d5\u05dd", "\u05e2\u05d5\u05dc\u05dd"


def coded(word: str) -> str:
    """Hebrew letters as those of the font, in the order given."""
    return "".join(
        chr(97 + ord(letter) - HEBREW) if letter > "\u0590" else letter for letter in word
    )


def hebrew(x: float, y: float, shown: str) -> str:
    return f"BT /F2 12 Tf {x} {y} Td ({shown}) Tj ET"


@pytest.mark.parametrize("drawn_from", ["left", "right"])
def test_hebrew_is_in_the_order_in_which_it_is_typed(read: Any, drawn_from: str) -> None:
    """A line may be drawn from its left end, or letter by letter from its right one."""
    seen = coded(f"{SHALOM} {OLAM} 2026"[::-1].replace("6202", "2026"))
    if drawn_from == "left":
        drawings = [hebrew(100, 700, seen)]
    else:
        places = [(round(100 + 7.2 * n, 1), sign) for n, sign in enumerate(seen)]
        drawings = [hebrew(x, 700, sign) for x, sign in reversed(places)]
    assert read(*drawings, base=HEBREW) == [f"{SHALOM} {OLAM} 2026"]


@pytest.mark.parametrize(
    ("looks", "reads"),
    [
        ("plain (text) 12", "plain (text) 12"),
        ("\u05d1\u05d0", "\u05d0\u05d1"),
        ("3.5 kg \u05d1\u05d0", "\u05d0\u05d1 3.5 kg"),
        ("\u05d3\u05d2 Open Source \u05d1\u05d0", "\u05d0\u05d1 Open Source \u05d2\u05d3"),
        ("(\u05d2) \u05d1\u05d0", "\u05d0\u05d1 (\u05d2)"),
        ("\ufe8e\ufe92\ufea3\ufeae\ufee3", "\u0645\u0631\u062d\u0628\u0627"),  # shapes of Arabic
        ("\ufefc", "\u0644\u0627"),
        ("\u05d1\u05d0\u05b7", "\u05d0\u05b7\u05d1"),  # a point stays with its letter
    ],
)  # fmt: skip
def test_lines_as_they_look_and_as_they_are_read(looks: str, reads: str) -> None:
    assert as_read(looks) == reads


def test_latin_beside_hebrew_stays_as_it_is(read: Any) -> None:
    lines = read(
        text(50, 700, "Left to right, (as ever) 10"), hebrew(50, 680, coded("\u05d1\u05d0")),
        base=HEBREW,
    )  # fmt: skip
    assert lines == ["Left to right, (as ever) 10", "\u05d0\u05d1"]


def right_aligned(right: float, y: float, words: str) -> str:
    """A Hebrew line that ends at a place; its letters are 7.2 points wide."""
    return hebrew(round(right - 7.2 * len(words), 1), y, coded(words[::-1]))


ALEPH, BET, GIMEL = "\u05d0", "\u05d1", "\u05d2"


def test_columns_of_hebrew_are_read_from_the_right(read: Any) -> None:
    first = [f"{ALEPH * 6} {BET * (5 + n)} {SHALOM} {OLAM}" for n in range(4)]
    second = [f"{GIMEL * 6} {BET * (5 + n)} {OLAM} {SHALOM}" for n in range(4)]
    drawings = [
        drawing
        for n in range(4)
        for drawing in (
            right_aligned(270, 700 - 14 * n, second[n]), right_aligned(550, 700 - 14 * n, first[n])
        )
    ]  # fmt: skip
    assert read(*drawings, base=HEBREW) == [*first, *second]


def test_rows_of_a_hebrew_table_begin_at_the_right(read: Any) -> None:
    grid = rules([50, 150, 250], [620, 640, 660])
    cells = [
        right_aligned(240, 645, SHALOM), right_aligned(140, 645, OLAM),
        right_aligned(240, 625, GIMEL), hebrew(60, 625, "7"),
    ]  # fmt: skip
    lines = read(right_aligned(250, 700, OLAM), grid, *cells, base=HEBREW)
    assert lines == [OLAM, f"{SHALOM} | {OLAM}", f"{GIMEL} | 7"]


def test_one_hebrew_word_does_not_turn_a_page(read: Any) -> None:
    drawings = [
        drawing
        for n, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True))
        for drawing in (text(50, 700 - 14 * n, left, 10), text(310, 700 - 14 * n, right, 10))
    ]
    lines = read(*drawings, right_aligned(250, 560, SHALOM), base=HEBREW)
    assert lines[0] == LEFT[0]
    assert lines.index(LEFT[0]) < lines.index(RIGHT[0])


# --- forms of XFA ---------------------------------------------------------------------------------


def test_a_form_of_xfa_alone_is_refused_in_words(tmp_path: Path) -> None:
    wait = [[text(50, 700, "Please wait... If this message is not replaced")]]
    path = drawn(tmp_path / "a.pdf", wait, xfa="<xdp:xdp/>")
    with pytest.raises(OnlyXfa):
        list(read_pdf(path.read_bytes()))
    with pytest.raises(NodeError, match="written in XFA") as caught:
        read_documents(path, path.read_bytes(), "a.pdf")
    assert caught.value.code == "retrieval/bad-file"


def test_one_that_is_an_ordinary_form_too_is_read(tmp_path: Path) -> None:
    path = drawn(tmp_path / "a.pdf", [[text(50, 700, "Name")]], xfa="<xdp:xdp/>", fields=FIELDS[:1])
    (page,) = read_pdf(path.read_bytes())
    assert "Ida H\u00f8lm" in page
