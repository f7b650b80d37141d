"""Documents out of real files: good ones of every kind, and bad ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.io.files import file_ref
from patchbay.nodes.retrieval.load import LoadDocuments
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Document
from tests.nodes.retrieval.files import docx, pdf


def load(folder: Path, ctx: RecordingContext | None = None, **params: object) -> list[Document]:
    given = {"path": str(folder), **params}
    documents: list[Document] = run_node(LoadDocuments, given, {}, ctx)["documents"]
    return documents


def refused(folder: Path, **params: object) -> NodeError:
    with pytest.raises(NodeError) as caught:
        load(folder, **params)
    return caught.value


def test_every_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("Plain.", "utf-8-sig")
    (tmp_path / "b.md").write_text("# Title\n\nMarked.")
    (tmp_path / "c.html").write_text(
        "<html><head><title>Web</title><style>p {}</style></head>"
        "<body><p>Shown.</p><script>hidden()</script></body></html>"
    )
    (tmp_path / "d.csv").write_text("name,age\nIda,7\nOtto,9\n")
    docx(tmp_path / "e.docx", "Written.")
    pdf(tmp_path / "f.pdf", ["First page.", "", "Third page."])
    found = [(document.text.strip(), document.metadata) for document in load(tmp_path)]
    assert found == [
        ("Plain.", {"source": "a.txt"}),
        ("# Title\n\nMarked.", {"source": "b.md"}),
        ("Shown.", {"source": "c.html", "title": "Web"}),
        ("name: Ida\nage: 7", {"source": "d.csv", "row": 1}),
        ("name: Otto\nage: 9", {"source": "d.csv", "row": 2}),
        ("Written.", {"source": "e.docx"}),
        ("First page.", {"source": "f.pdf", "page": 1}),
        ("Third page.", {"source": "f.pdf", "page": 3}),
    ]


def test_which_files_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("b.txt", "a.md", "deep/c.txt", ".hidden.txt", ".git/d.txt", "e.png"):
        (tmp_path / name).write_text(name)
    ctx = RecordingContext()
    assert [d.text for d in load(tmp_path, ctx)] == ["a.md", "b.txt", "deep/c.txt"]
    assert len(ctx.warnings) == 1
    assert ctx.warnings[0].endswith('.pdf, .tsv, .txt are read: "e.png".')
    assert [d.text for d in load(tmp_path, pattern="*.txt")] == ["b.txt", "deep/c.txt"]
    assert [d.text for d in load(tmp_path, subfolders=False)] == ["a.md", "b.txt"]
    assert refused(tmp_path, most_files=2).code == "retrieval/too-many-files"


def test_a_relative_path_starts_at_the_folder_of_the_flow(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("here")
    ctx = RecordingContext(folder=tmp_path)
    assert load(Path("texts"), ctx)[0].text == "here"


def test_wired_files_join_those_of_the_path(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    other = tmp_path / "other.txt"
    other.write_text("two")
    ref = file_ref(other, "Input")
    found = run_node(LoadDocuments, {"path": str(tmp_path / "a.txt")}, {"files": [ref]})
    assert [d.text for d in found["documents"]] == ["one", "two"]
    other.write_text("changed")
    with pytest.raises(NodeError, match="was changed after"):
        run_node(LoadDocuments, {}, {"files": [ref]})


def test_its_content_is_that_of_the_files(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one")
    params = LoadDocuments.Params(path=".")
    first = LoadDocuments.content(params, tmp_path)
    os.utime(tmp_path / "a.txt", (1, 1))
    assert LoadDocuments.content(params, tmp_path) == first
    (tmp_path / "a.txt").write_text("two")
    second = LoadDocuments.content(params, tmp_path)
    (tmp_path / "b.txt").write_text("new")
    assert len({first, second, LoadDocuments.content(params, tmp_path)}) == 3


def test_an_empty_folder(tmp_path: Path) -> None:
    error = refused(tmp_path)
    assert (error.code, "is empty" in error.message) == ("retrieval/empty-folder", True)
    (tmp_path / "a.png").write_text("x")
    assert "none of a kind that can be read" in refused(tmp_path).message
    assert refused(tmp_path / "nowhere").code == "retrieval/no-such-folder"


def test_an_encrypted_pdf(tmp_path: Path) -> None:
    pdf(tmp_path / "secret.pdf", ["Hidden."], password="key")
    error = refused(tmp_path)
    assert error.message == '"secret.pdf" cannot be read: it is protected by a password.'


def test_a_binary_renamed_to_txt(tmp_path: Path) -> None:
    (tmp_path / "photo.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00")
    assert "is not a UTF-8 text file" in refused(tmp_path).message


def test_a_file_of_200_mb(tmp_path: Path) -> None:
    with (tmp_path / "large.txt").open("wb") as file:
        file.truncate(200_000_000)
    error = refused(tmp_path)
    assert error.code == "io/file-too-large"
    assert "larger than 20 MB" in error.message


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.pdf", b"no pdf at all", "cannot be read"),
        ("a.docx", b"no zip at all", "not a zip file"),
        ("a.csv", b"name,age\nIda\n", "line 2 has another number of cells"),
        ("b.csv", b"a,a\n1,2\n", "more than one column 'a'"),
        ("a.txt", b"  \n", "holds no text"),
    ],
)
def test_broken_files(tmp_path: Path, name: str, data: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(data)
    error = refused(tmp_path)
    assert name in error.message
    assert why in error.message


def test_a_scan_is_no_text(tmp_path: Path) -> None:
    pdf(tmp_path / "scan.pdf", [""])
    assert "may be a scan" in refused(tmp_path).message


def test_bad_files_are_named_and_skipped_when_asked(tmp_path: Path) -> None:
    (tmp_path / "bad.txt").write_bytes(b"\xff\xfe\x00")
    pdf(tmp_path / "secret.pdf", ["Hidden."], password="key")
    (tmp_path / "good.txt").write_text("Good.")
    message = refused(tmp_path).message
    assert "bad.txt" in message
    assert "secret.pdf" in message
    ctx = RecordingContext()
    assert [d.text for d in load(tmp_path, ctx, skip_bad=True)] == ["Good."]
    assert [w.startswith("Skipped: ") for w in ctx.warnings] == [True, True]
    (tmp_path / "good.txt").unlink()
    assert refused(tmp_path, skip_bad=True).code == "retrieval/bad-file"


def test_nothing_to_load() -> None:
    with pytest.raises(NodeError) as caught:
        run_node(LoadDocuments)
    assert caught.value.code == "retrieval/no-files"


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("notes [2024].txt", ["notes [2024].txt"]),
        ("*[2024]*", ["notes [2024].txt"]),
        ("notes ?.txt", ["notes ?.txt"]),
        ("*.txt", ["notes 2.txt", "notes ?.txt", "notes [2024].txt"]),
        ("deep/*", ["deep/x.md"]),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="a file name may hold no question mark there")
def test_only_the_asterisk_is_special(tmp_path: Path, pattern: str, found: list[str]) -> None:
    (tmp_path / "deep").mkdir()
    for name in ("notes [2024].txt", "notes 2.txt", "notes ?.txt", "deep/x.md"):
        (tmp_path / name).write_text("x")
    assert [d.metadata["source"] for d in load(tmp_path, pattern=pattern)] == found


def test_how_the_cells_of_a_csv_stand_apart(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("item;price\rÄpfel;1,50\r".encode())
    (tmp_path / "b.tsv").write_text("a\tb\n1\t2;3\n")
    assert [d.text for d in load(tmp_path)] == ["item: Äpfel\nprice: 1,50", "a: 1\nb: 2;3"]
    (tmp_path / "a.csv").write_text("item;price, EUR\nPears;2,50\n")
    assert "choose the delimiter" in refused(tmp_path).message
    assert load(tmp_path, delimiter=";")[0].text == "item: Pears\nprice, EUR: 2,50"
