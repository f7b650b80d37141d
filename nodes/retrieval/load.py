"""The node `retrieval.load`: documents out of files and folders."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from patchbay.nodes.contract import (
    Context,
    Field,
    JsonValue,
    Node,
    NodeError,
    NodeParams,
    Ports,
    port,
)
from patchbay.nodes.home import from_flow
from patchbay.nodes.io.csv_table import Delimiter
from patchbay.nodes.io.files import quoted, read_bytes
from patchbay.nodes.retrieval.folder import Found, digest_of, find_files
from patchbay.nodes.retrieval.readers import PLACE, READERS, ReadOptions, read_documents
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.values import Document, FileRef

SHOWN = 5
"""How many bad files a message names."""


class LoadDocuments(Node):
    """Read documents out of a folder, or single files: text, Markdown, PDF, Word, HTML and CSV.

    Each page of a PDF and each row of a CSV becomes a document of its own, and remembers its number
    as `page` or `row`; all remember their file as `source`. In a PDF columns are read one after the
    other, words cut at the end of a line are made whole, and what was filled into a form stands
    beside its label (pdfplumber); of tables, in PDF, Word (mammoth) and HTML, each row is a line.
    A file that cannot be read stops the flow, unless bad files are to be skipped; then each is
    named in a warning. Nothing is fetched, and nothing in a file is run.
    """

    kind, version, edition = "retrieval.load", 1, 4
    title, family, icon = "Load documents", "Retrieval", "folder"
    front = "path"
    synonyms = (
        "rag", "document loader", "pdf", "word", "html", "markdown", "folder", "directory",
        "read files", "ingest",
    )  # fmt: skip
    requires = ("pdfplumber", "mammoth")

    class Params(NodeParams):
        path: str = Field("", max_length=4000, widget="file")
        """A folder or a file. A relative path starts at the folder of the flow."""
        pattern: str = Field("*", min_length=1, max_length=200)
        """Which files of the folder: *.pdf, or notes/*.md. Only * is special. All by default."""
        subfolders: bool = Field(True)
        """Whether folders inside the folder are read, too."""
        skip_bad: bool = Field(False)
        """Whether a file that cannot be read is named and skipped. Otherwise it stops the flow."""
        limit_mb: float = Field(20.0, gt=0, le=2000)
        """The largest file that is read, in megabytes (1,000,000 bytes)."""
        most_files: int = Field(2000, ge=1, le=1_000_000)
        """The most files that are read."""
        delimiter: Delimiter = Field("auto")
        """How the cells of a CSV stand apart; `auto` finds it, or says that it cannot."""

    class Inputs(Ports):
        files: list[FileRef] = port([], doc="Single files, besides those of the path.")

    class Outputs(Ports):
        documents: list[Document] = port(doc="What the files hold, by name and page.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """What is read."""
        return params.path if params.pattern == "*" else f"{params.path} · {params.pattern}"

    @classmethod
    def content(cls, params: Params, folder: Path | None) -> JsonValue:
        """The hash of the files' names and contents: a changed file is a changed result."""
        if not params.path.strip():
            return None
        try:
            return digest_of(found_by(params, folder))
        except OSError as error:
            raise NodeError(f"{PLACE}: {error}", code="retrieval/bad-file", retry=False) from error

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        found = Found(())
        if params.path.strip():
            found = await ctx.blocking(found_by, params, ctx.folder)
        given = {file.path: file.sha256 for file in inputs.files}
        files = [*found.files, *((Path(path), Path(path).name) for path in given)]
        if not files:
            raise NodeError(
                "There is nothing to load.",
                fix="Name a folder, or wire a file into it.",
                port="files",
                code="retrieval/no-files",
                retry=False,
            )
        if found.others:
            kinds = ", ".join(sorted(READERS))
            await ctx.warn(f"Left out, since only {kinds} are read: {_listed(found.others)}.")
        return self.Outputs(documents=await _load(files, given, params, ctx))


def found_by(params: LoadDocuments.Params, folder: Path | None) -> Found:
    """The files that the params name, for a flow of this folder.

    Raises:
        NodeError: there is nothing there, or nothing that can be read.
    """
    path = from_flow(params.path.strip(), folder)
    return find_files(path, params.pattern, params.subfolders, params.most_files)


async def _load(
    files: list[tuple[Path, str]],
    given: Mapping[str, str],
    params: LoadDocuments.Params,
    ctx: Context,
) -> list[Document]:
    limit = int(params.limit_mb * MEGABYTE)
    how = ReadOptions(params.delimiter, ctx.cancelled.is_set)
    documents: list[Document] = []
    bad: list[NodeError] = []
    for number, (path, source) in enumerate(files):
        await ctx.progress(f"Reading {source}", number, len(files))
        try:
            documents += await ctx.blocking(_read, path, source, limit, given.get(str(path)), how)
        except NodeError as error:
            bad.append(error)
            if not params.skip_bad and len(bad) > SHOWN:
                break
    if bad and not params.skip_bad:
        raise _bad(bad)
    for skipped in bad:
        await ctx.warn(f"Skipped: {skipped.message}")
    if not documents:
        raise _bad(bad)
    return documents


def _read(
    path: Path, source: str, limit: int, sha256: str | None, how: ReadOptions
) -> list[Document]:
    data = read_bytes(path, PLACE, limit)
    if sha256 is not None and hashlib.sha256(data).hexdigest() != sha256:
        raise NodeError(
            f"{quoted(path)} was changed after it was given to the flow.",
            fix="Run the flow again.",
            port="files",
            code="io/file-changed",
            retry=False,
        )
    return read_documents(path, data, source, how)


def _bad(errors: list[NodeError]) -> NodeError:
    if len(errors) == 1:
        return errors[0]
    listed = " ".join(error.message for error in errors[:SHOWN])
    more = " There are more." if len(errors) > SHOWN else ""
    return NodeError(
        f"Several files cannot be read. {listed}{more}",
        fix="Repair them or take them away, or let bad files be skipped.",
        code="retrieval/bad-file",
        retry=False,
    )


def _listed(names: tuple[str, ...]) -> str:
    shown = ", ".join(quoted(name, 80) for name in names[:SHOWN])
    return shown if len(names) <= SHOWN else f"{shown} and {len(names) - SHOWN} more"
