"""The text of a Word file: paragraphs, tables by row, foot notes, and what was filled into forms.

mammoth makes HTML of it, which knows tables and foot notes; that is read like any other page. What
was deleted while changes were tracked is left out, as are pictures, comments, and what repeats at
the head and foot of every page.
"""

from __future__ import annotations

import io
import re
import zipfile

from patchbay.nodes.text.html import read_page

_LIST = re.compile(rb"<w:ddList\b[^>]*>(.*?)</w:ddList>", re.DOTALL)
_CHOSEN = re.compile(rb"<w:(?:result|default)\b[^>]*w:val=\"(\d+)\"")
_ENTRY = re.compile(rb"<w:listEntry\b[^>]*w:val=\"([^\"]*)\"")
_END_OF_RUN = re.compile(rb"</w:r>")
DOCUMENT = "word/document.xml"


class TooLarge(ValueError):  # noqa: N818 - it says what the file is
    """The file unpacks to more than may be read: a small zip can hold a very large one."""


def read_word(data: bytes, unpacked_limit: int) -> str:
    """The text of a `.docx`.

    Args:
        data: what the file holds.
        unpacked_limit: bytes that it may unpack to.

    Raises:
        TooLarge: it unpacks to more.
        Exception: whatever the libraries say of a broken file.
    """
    import mammoth

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        if sum(info.file_size for info in archive.infolist()) > unpacked_limit:
            raise TooLarge
        if DOCUMENT in archive.namelist():
            data = _with_choices(archive, data)
    no_picture = mammoth.images.img_element(lambda image: {"src": ""})
    html = mammoth.convert_to_html(io.BytesIO(data), convert_image=no_picture).value
    return read_page(html).text


def _with_choices(archive: zipfile.ZipFile, data: bytes) -> bytes:
    """The file with the chosen entries of old drop-down fields as text, which mammoth passes over.

    Such a field stores the number of the entry and shows no text of its own (ECMA-376, 17.16.9).
    """
    document = archive.read(DOCUMENT)
    written = b""
    at = 0
    for found in _LIST.finditer(document):
        entries = _ENTRY.findall(found[1])
        number = int(chosen[1]) if (chosen := _CHOSEN.search(found[1])) else 0
        end = _END_OF_RUN.search(document, found.end())
        if end is not None and number < len(entries):
            run = b'<w:r><w:t xml:space="preserve">' + entries[number] + b"</w:t></w:r>"
            written += document[at : end.end()] + run
            at = end.end()
    if not written:
        return data
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as copy:
        for name in archive.namelist():
            content = written + document[at:] if name == DOCUMENT else archive.read(name)
            copy.writestr(name, content)
    return packed.getvalue()
