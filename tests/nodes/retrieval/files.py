"""Real files of each kind, made for a test."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
WORD_2010 = "http://schemas.microsoft.com/office/word/2010/wordml"


def pdf(path: Path, pages: list[str], password: str = "") -> Path:
    """A PDF with a line of text on each page; an empty line makes a page without any."""
    return drawn(path, [[text(20, 200, line)] if line else [] for line in pages], password=password)


def text(x: float, y: float, line: str, size: float = 12, matrix: str = "1 0 0 1") -> str:
    """Draws a line, `x` and `y` points from the lower left corner of its page."""
    escaped = line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")
    return f"BT /F1 {size} Tf {matrix} {x} {y} Tm ({escaped}) Tj ET"


def rules(xs: list[float], ys: list[float]) -> str:
    """Draws the grid of a table."""
    lines = [f"{x} {ys[0]} m {x} {ys[-1]} l S" for x in xs]
    return "\n".join([*lines, *(f"{xs[0]} {y} m {xs[-1]} {y} l S" for y in ys)])


def drawn(
    path: Path,
    pages: list[list[str]],
    *,
    fields: list[dict[str, Any]] | None = None,
    turn: int = 0,
    password: str = "",
    xfa: str = "",
    base: int = 0,
) -> Path:
    """A PDF of drawings in Helvetica, with the fields of a form on its first page.

    `xfa` is such a form. With a `base` there is a font /F2, whose letters a, b, … stand for the
    letters from that number on.
    """
    from pypdf import PdfWriter
    from pypdf.generic import (
        ArrayObject,
        DecodedStreamObject,
        DictionaryObject,
        FloatObject,
        NameObject,
        NumberObject,
        TextStringObject,
    )

    def made(value: Any) -> Any:
        match value:
            case dict():
                return DictionaryObject({NameObject(k): made(v) for k, v in value.items()})
            case list():
                return ArrayObject([made(item) for item in value])
            case str():
                return NameObject(value) if value.startswith("/") else TextStringObject(value)
            case float():
                return FloatObject(value)
        return NumberObject(value)

    writer = PdfWriter()
    font = made({"/Type": "/Font", "/Subtype": "/Type1", "/BaseFont": "/Helvetica",
                 "/Encoding": "/WinAnsiEncoding"})  # fmt: skip
    for drawings in pages:
        page = writer.add_blank_page(600, 800)
        stream = DecodedStreamObject()
        stream.set_data("\n".join(drawings).encode("cp1252"))
        page[NameObject("/Contents")] = writer._add_object(stream)
        page[NameObject("/Resources")] = DictionaryObject(
            {NameObject("/Font"): DictionaryObject({NameObject("/F1"): font})}
        )
        if base:
            letters = "\n".join(f"<{97 + n:02x}> <{base + n:04x}>" for n in range(26))
            cmap = DecodedStreamObject()
            cmap.set_data(
                b"begincmap 1 begincodespacerange <00> <ff> endcodespacerange 26 beginbfchar\n"
                + letters.encode() + b"\nendbfchar endcmap"
            )  # fmt: skip
            about = {
                "/Type": "/FontDescriptor",
                "/FontName": "/Other",
                "/Flags": 32,
                "/Ascent": 800.0,
                "/Descent": -200.0,
                "/FontBBox": [0, -200, 1000, 800],
            }
            other = made({"/Type": "/Font", "/Subtype": "/TrueType", "/BaseFont": "/Other",
                          "/FirstChar": 32, "/LastChar": 126, "/Widths": [600] * 95,
                          "/Encoding": "/WinAnsiEncoding", "/FontDescriptor": about})  # fmt: skip
            other[NameObject("/ToUnicode")] = writer._add_object(cmap)
            page["/Resources"]["/Font"][NameObject("/F2")] = other
        if turn:
            page[NameObject("/Rotate")] = NumberObject(turn)
    if fields:
        annotations = [
            writer._add_object(made({"/Type": "/Annot", "/Subtype": "/Widget", **field}))
            for field in fields
        ]
        writer.pages[0][NameObject("/Annots")] = ArrayObject(annotations)
        form = DictionaryObject({NameObject("/Fields"): ArrayObject(annotations)})
        writer._root_object[NameObject("/AcroForm")] = form
    if xfa:
        form = writer._root_object.get("/AcroForm") or DictionaryObject(
            {NameObject("/Fields"): ArrayObject()}
        )
        form[NameObject("/XFA")] = TextStringObject(xfa)
        writer._root_object[NameObject("/AcroForm")] = form
    if password:
        writer.encrypt(password)
    writer.write(path)
    return path


def docx(path: Path, text: str) -> Path:
    """A Word file with one paragraph."""
    return docx_of(path, f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>")


def docx_of(path: Path, body: str) -> Path:
    """A Word file with a body in its own XML."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        document = (
            f'<w:document xmlns:w="{WORD}" xmlns:w14="{WORD_2010}"><w:body>{body}</w:body>'
            "</w:document>"
        )
        archive.writestr("word/document.xml", document)
    return path
