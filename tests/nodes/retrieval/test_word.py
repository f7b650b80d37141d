"""Word files: tables by row, and what was filled into forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.nodes.retrieval.word import TooLarge, read_word
from tests.nodes.retrieval.files import docx_of

NAME = "<w:p><w:r><w:t>Name</w:t></w:r></w:p>"


def paragraph(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def read(tmp_path: Path, body: str) -> list[str]:
    return read_word(docx_of(tmp_path / "a.docx", body).read_bytes(), 10**9).splitlines()


def row(*cells: str) -> str:
    return "<w:tr>" + "".join(f"<w:tc>{cell}</w:tc>" for cell in cells) + "</w:tr>"


def test_tables_by_row(tmp_path: Path) -> None:
    merged = "<w:tcPr><w:vMerge{}/></w:tcPr>"
    table = "".join(
        [
            row(paragraph("Name"), paragraph("Notes")),
            row(
                merged.format(' w:val="restart"') + paragraph("Ida"),
                paragraph("a") + paragraph("b"),
            ),
            row(merged.format("") + "<w:p/>", paragraph("c")),
        ]
    )
    body = paragraph("Before.") + f"<w:tbl>{table}</w:tbl>" + paragraph("After.")
    assert read(tmp_path, body) == ["Before.", "Name | Notes", "Ida | a b", "Ida | c", "After."]


def test_words_stay_whole(tmp_path: Path) -> None:
    index = '<w:rPr><w:vertAlign w:val="subscript"/></w:rPr>'
    body = (
        f"<w:p><w:r><w:t>H</w:t></w:r><w:r>{index}<w:t>2</w:t></w:r><w:r><w:t>O</w:t></w:r></w:p>"
    )
    changes = (
        "<w:p><w:ins><w:r><w:t>new</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>old</w:delText></w:r></w:del></w:p>"
    )
    assert read(tmp_path, body + changes) == ["H2O", "new"]


def test_what_was_filled_into_a_form(tmp_path: Path) -> None:
    typed = f"<w:sdtContent>{paragraph('typed')}</w:sdtContent>"
    control = f"<w:sdt><w:sdtPr><w:text/></w:sdtPr>{typed}</w:sdt>"
    tick = (
        '<w:p><w:sdt><w:sdtPr><w14:checkbox><w14:checked w14:val="1"/></w14:checkbox></w:sdtPr>'
        "<w:sdtContent><w:r><w:t>☒</w:t></w:r></w:sdtContent></w:sdt><w:r><w:t>agreed</w:t></w:r></w:p>"
    )
    choice = (
        '<w:p><w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList>'
        '<w:result w:val="1"/>'
        '<w:listEntry w:val="red"/><w:listEntry w:val="b &amp; w"/>'
        "</w:ddList></w:ffData></w:fldChar></w:r>"
        "<w:r><w:instrText> FORMDROPDOWN </w:instrText></w:r>"
        '<w:r><w:fldChar w:fldCharType="end"/></w:r></w:p>'
    )
    assert read(tmp_path, control + tick + choice) == ["typed", "[x] agreed", "b & w"]


def test_a_small_zip_that_unpacks_to_much(tmp_path: Path) -> None:
    data = docx_of(tmp_path / "a.docx", paragraph("x" * 10_000)).read_bytes()
    with pytest.raises(TooLarge):
        read_word(data, 10_000)
