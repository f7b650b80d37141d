"""What values become on a page: shapes, columns, charts, and what is refused."""

from __future__ import annotations

import base64
import io
import zipfile
from typing import Any

import pytest

from patchbay.nodes.figures import Chart, Picture, Table
from patchbay.nodes.values import Document, encode
from patchbay.studio.views.chart import spec_of
from patchbay.studio.views.documents import found_of
from patchbay.studio.views.figures import as_csv, distinct, unfit, uniform
from patchbay.studio.views.files import zipped
from patchbay.studio.views.labels import sides_of
from patchbay.studio.views.values import gist, shape_of

DOT = base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"rest").decode()


@pytest.mark.parametrize(
    ("value", "shape", "line"),
    [
        (Table(columns=("a",), rows=((1,), (2,))), "table", "table, 2 rows"),
        (Chart(kind="bar", rows=({"a": 1},), x="a", y="a"), "chart", "bar chart, 1 point"),
        (Picture(media="image/png", data="A" * 16_000), "picture", "picture, PNG, 12 kB"),
        ([Document(text="a")], "documents", "1 document"),
        (Document(text="a"), "document", "document"),
        ([{"number": 2, "place": "a.md", "quote": "x"}], "citations", "1 citation"),
        ([{"number": 2, "place": "a.md"}], "json", "[{'number': 2, 'place': 'a.md'}]"),
        (["x" * 50, "y"], "texts", "2 texts"),
        ({"/a.md": "x", "/b.md": ""}, "files", "2 files"),
        ({"a.md": "x"}, "json", "{'a.md': 'x'}"),
        (["a", "b"], "json", "['a', 'b']"),
    ],
)
def test_values_are_shown_as_what_they_are(value: Any, shape: str, line: str) -> None:
    stored = encode(value)
    assert (shape_of(stored), gist(stored)) == (shape, line)


def test_columns_have_one_type_and_their_own_name() -> None:
    assert distinct(["a", "b", "a", "a"]) == ["a", "b", "a (2)", "a (3)"]
    assert uniform([1, 2.5, None]) == [1, 2.5, None]
    assert uniform([True, None]) == [True, None]
    assert uniform([1, "x", None, [1]]) == ["1", "x", None, "[1]"]
    assert as_csv(["a", "b"], [(1, None), ('"q"', 0.123456789)]) == (
        b'a,b\r\n1,\r\n"""q""",0.123456789\r\n'
    )


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({"media": "image/svg+xml", "data": DOT}, "is none of"),
        ({"media": "image/jpeg", "data": DOT}, "is not image/jpeg"),
        ({"media": "image/png", "data": "no base64!"}, "not base64"),
        ({"media": "image/png", "data": "A" * 12_000_000}, "more than 8 MB"),
        ({"media": "image/webp", "data": base64.b64encode(b"RIFF0000WAVE").decode()}, "is not"),
    ],
)
def test_a_picture_that_is_none_is_not_drawn(stored: dict[str, Any], words: str) -> None:
    assert unfit({"media": "image/png", "data": DOT}) == ""
    assert words in unfit(stored)


# --- charts -------------------------------------------------------------------------------------


def chart(**changed: Any) -> dict[str, Any]:
    rows = ({"m[0]": "a", "v": 1, "s": "x", "lo": 0, "hi": 2}, {"m[0]": "b", "v": 3, "s": "y"})
    given = {"kind": "bar", "rows": rows, "x": "m[0]", "y": "v", **changed}
    stored = encode(Chart.model_validate(given))
    assert isinstance(stored, dict)
    return stored


def test_a_chart_holds_its_points_and_no_address() -> None:
    spec = spec_of(chart(color="s", low="lo", high="hi"))
    assert spec["data"]["values"] == [
        {"x": "a", "y": 1, "series": "x", "low": 0, "high": 2},
        {"x": "b", "y": 3, "series": "y", "low": None, "high": None},
    ]
    bars, errors = spec["layer"]
    assert bars["mark"]["type"] == "bar"
    assert bars["encoding"]["x"]["title"] == "m[0]"
    assert errors["encoding"]["y"]["field"] == "low"
    assert errors["encoding"]["y2"] == {"field": "high"}


def test_bars_with_long_names_lie() -> None:
    rows = ({"n": "self-consistency of seven", "v": 1},)
    assert spec_of(chart(rows=rows, x="n"))["layer"][0]["encoding"]["y"]["field"] == "x"


@pytest.mark.parametrize(("kind", "scale"), [("line", "quantitative"), ("bar", "nominal")])
def test_numbers_make_a_scale_except_under_bars(kind: str, scale: str) -> None:
    spec = spec_of(chart(kind=kind, rows=({"n": 4, "v": 1}, {"n": 8, "v": 2}), x="n"))
    assert spec["layer"][0]["encoding"]["x"]["type"] == scale


def test_a_tooltip_never_has_a_line_that_vega_would_fetch() -> None:
    tips = spec_of(chart(x_title="image", y_title="Title"))["layer"][0]["encoding"]["tooltip"]
    assert [tip["title"] for tip in tips] == ["image ", "Title "]


def test_names_of_points_lie_on_no_other_name() -> None:
    """Two points side by side: one name to the right, one to the left; a third finds no room."""
    rows = ({"x": 0.0, "y": 0.0, "name": "far away, at the bottom"},
            {"x": 0.50, "y": 1.0, "name": "one"}, {"x": 0.51, "y": 1.0, "name": "two"},
            {"x": 1.0, "y": 0.5, "name": "at the very right edge"})  # fmt: skip
    points = [{"x": r["x"], "y": r["y"], "label": r["name"]} for r in rows]
    assert sides_of(points) == ["right", "right", "left", "left"]
    crowd = [{"x": 0.0, "y": 0.0, "label": "name"} for _ in range(9)]
    placed = sides_of([*crowd, {"x": 9.0, "y": 9.0, "label": "b"}])
    assert placed.count("") > 4  # all in one place: the tooltip tells them
    assert sides_of([{"x": "word", "y": 1.0, "label": "a"}]) == ["right"]
    spec = spec_of(encode(Chart(kind="point", rows=rows, x="x", y="y", label="name")))
    texts = [layer for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    assert [layer["mark"]["align"] for layer in texts] == ["left", "right"]
    assert spec["data"]["values"][0]["name"] == "far away, at the bott…"


def test_a_heat_map_names_every_row_and_writes_so_that_it_is_read() -> None:
    rows = tuple({"r": f"row {a}", "c": f"col {b}", "n": a + b} for a in range(4) for b in range(4))
    spec = spec_of(encode(Chart(kind="heat", rows=rows, x="c", y="r", color="n")))
    cells, words = spec["layer"]
    assert cells["encoding"]["y"]["axis"]["labelOverlap"] is False
    assert words["encoding"]["color"]["condition"] == {"test": "datum.number > 3.3000000000000003",
                                                       "value": "#000000"}  # fmt: skip
    assert spec["height"] >= 30 * 4 + 90  # the cells, the labels below and the legend
    many = tuple({"r": f"{a}", "c": f"{a}", "n": 1} for a in range(40))
    wide = spec_of(encode(Chart(kind="heat", rows=many, x="c", y="r", color="n")))
    assert len(wide["layer"]) == 1  # no room for numbers
    assert wide["layer"][0]["encoding"]["x"]["axis"]["labelOverlap"] is True


def test_documents_have_bars_against_the_best_score() -> None:
    documents = [
        encode(Document(text="a", metadata={"source": "C:\\texts\\a.pdf", "page": 3}, score=12.0)),
        encode(Document(text="b", metadata={"source": "/x/b.md", "kind": "note"}, score=-1.0)),
        encode(Document(text="c")),
    ]
    assert found_of([d for d in documents if isinstance(d, dict)]) == [
        {"n": 1, "text": "a", "score": 12.0, "share": 1.0, "source": "a.pdf, page 3"},
        {"n": 2, "text": "b", "score": -1.0, "share": 0.0, "source": "b.md", "more": "kind: note"},
        {"n": 3, "text": "c"},
    ]


def test_an_archive_holds_no_path_that_leads_out() -> None:
    data = zipped({"/a.md": "x", "/../b.md": "y", "/c/d.md": "z"})
    assert zipfile.ZipFile(io.BytesIO(data)).namelist() == ["a.md", "c/d.md"]


def test_the_loss_mask_of_a_preview_is_in_colour() -> None:
    from streamlit.testing.v1 import AppTest

    def page() -> None:
        from patchbay.studio.views.figures import show_table

        rows = [[1, "read", 2, "user: hi"], [1, "learned", 2, "hello"], [1, "cut off", 9, "…"]]
        show_table({"columns": ["row", "learned", "tokens", "text"], "rows": rows}, "t")

    app = AppTest.from_function(page).run(timeout=240)
    assert not app.exception
    styles = app.dataframe[0].proto.arrow_data.styler.styles
    assert "rgba(39, 163, 125" in styles
    assert "rgba(220, 70, 70" in styles
    assert list(app.dataframe[0].value["learned"]) == ["read", "learned", "cut off"]
