"""HTML as a reader sees it."""

from __future__ import annotations

import pytest

from patchbay.nodes.text.html import read_page


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            "H<sub>2</sub>O is <b>wa</b>ter, <i>s</i>o <a href='#'>he</a>re.",
            "H2O is water, so here.",
        ),
        (
            "<p>un<wbr>broken, Donau&shy;dampf, <x-mark>cus</x-mark>tom</p>",
            "unbroken, Donaudampf, custom",
        ),
        ("<ruby>漢<rt>かん</rt>字<rt>じ</rt></ruby>を読む", "漢字を読む"),
        ("one<br>two<div>three</div>four<p>five<p>six", "one\ntwo\nthree\nfour\nfive\nsix"),
        ("<p>one\n  line &nbsp; only</p>", "one line only"),
        ("<ul><li>a<li>b</ul>c", "a\nb\nc"),
        (
            "2 × 10<sup>5</sup> m, <i>E</i> = mc<sup>2</sup>, the 1<sup>st</sup>",
            "2 × 10^5 m, E = mc2, the 1st",
        ),
        ("<p><script>a</script><style>b</style><noscript>c</noscript><template>d</template>e", "e"),
        ("a<!-- no -->b", "ab"),
        (
            "<input type=checkbox checked>Yes <input type=radio>No <input value=Ida>"
            "<input type=password value=secret>",
            "[x] Yes [ ] No Ida",
        ),
        ("<p>un<span hidden>not </span>seen<div hidden>a<p>b</p></div> yes", "unseen\nyes"),
        (
            "a<div style='color:red; DISPLAY : none'>b</div>c<i style='visibility:hidden'>d</i>",
            "ac",
        ),
        ("a<p hidden=until-found>b</p><details><summary>c</summary>d</details>", "a\nb\nc\nd"),
        ("a<dialog>b</dialog>c<dialog open>d</dialog>", "ac\nd"),
        ("a<p style='display:nonesuch'>b</p><p data-hidden>c", "a\nb\nc"),
        ("<pre hidden>a</pre>b  c", "b c"),
        (
            "<table><tr><td>a<td hidden>b<td>c<tr hidden><td>d<tbody hidden><tr><td>e</table>",
            "a | c",
        ),
    ],
)
def test_lines_break_at_blocks_only(html: str, text: str) -> None:
    assert read_page(html).text == text


def test_preformatted_text_stays_as_it_is() -> None:
    html = "<p>Code:</p><pre>\ndef f():\n\n    return  <b>1</b>\r\n# end</pre><p>Done.</p>"
    assert read_page(html).text == "Code:\ndef f():\n\n    return  1\n# end\nDone."
    assert read_page("<textarea>one\n  two</textarea>").text == "one\n  two"


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<title>Of the page</title><p>x", "Of the page"),
        ("<svg><title>Of a picture</title></svg><p>x", ""),
        ("<svg><title>Of a picture</title></svg><title>Late &amp; true</title>x", "Late & true"),
        ("<body><p>x</p><svg><g><title>in</title></g></svg></body>", ""),
        ("x", ""),
    ],
)
def test_the_title_is_that_of_the_document(html: str, title: str) -> None:
    page = read_page(html)
    assert (page.title, page.text) == (title, "x")


def test_a_picture_keeps_its_labels() -> None:
    assert (
        read_page("<svg><title>no</title><text>Max<tspan>imum</tspan></text></svg>").text
        == "Maximum"
    )


def test_tables_by_row() -> None:
    html = """<table><caption>Bees</caption><thead><tr><th>Kind<th>Where</thead>
    <tr><td rowspan=2>Honey bee<td><p>Hive,</p><p>garden</p><tr><td>Meadow
    <tr><td colspan=2>All<tr><td><td>blank before<tr><td><td></table>after"""
    assert read_page(html).text.splitlines() == [
        "Bees", "Kind | Where", "Honey bee | Hive, garden", "Honey bee | Meadow", "All |",
        "| blank before", "after",
    ]  # fmt: skip


def test_a_table_for_layout_is_none() -> None:
    inner = "<table><tr><td>a<td>b</table>"
    html = f"<table><tr><td><h1>Menu</h1></td><td>{inner}</td></tr></table>"
    assert read_page(html).text == "Menu\na | b"
    assert read_page('<table role="presentation"><tr><td>a<td>b</table>').text == "a\nb"


@pytest.mark.parametrize("tag", ["b", "div", "table><tr><td"])
def test_deep_nesting(tag: str) -> None:
    assert read_page(f"<{tag}>" * 3000 + "deep").text == "deep"
