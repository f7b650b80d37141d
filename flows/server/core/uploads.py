"""Files that a caller sends: into the folder of the run, under a name that is only a name."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.wording import printable
from patchbay.nodes.contract import InputField, NodeError
from patchbay.nodes.home import home
from patchbay.nodes.private import private_folder
from patchbay.nodes.threads import in_thread
from patchbay.nodes.values import Document, FileRef, has_half

if TYPE_CHECKING:
    from starlette.datastructures import UploadFile

_NAME = re.compile(r"[^\x00-\x1f/\\:*?\"<>|]{1,120}")
_MOST_BYTES = 200
"""Of a name in UTF-8: file systems take 255, and a number may come before it."""
_PIECE = 1 << 20
OLD_S = 7 * 86_400
"""Files of runs that were recorded and stopped are kept so long, in seconds."""


class Uploads:
    """The files of one run.

    Args:
        run: its id.
    """

    def __init__(self, run: str) -> None:
        self.folder = private_folder(uploads_folder() / run)

    async def keep(self, name: str, asks: InputField | None, sent: UploadFile) -> Any:
        """Keep a file and give what the input takes: a reference, documents, or its text.

        Raises:
            RefusedError: its name leads elsewhere.
            FlowError: the input takes no files, or the file does not fit.
        """
        _takes_files(name, asks)
        file = plain_name(sent.filename or "file")
        path = self.place(file)
        with path.open("wb") as out:
            while piece := await sent.read(_PIECE):
                out.write(piece)
        assert asks is not None  # noqa: S101 - it takes files
        return await in_thread(_value, name, asks, path, file)

    def place(self, file: str) -> Path:
        """Where a file of this plain name goes; two of one name both do."""
        path, number = self.folder / file, 1
        while path.exists():
            number += 1
            path = self.folder / f"{number}-{file}"
        return path

    def delete(self) -> None:
        """Delete them."""
        shutil.rmtree(self.folder, ignore_errors=True)


def forget_files(run: str) -> None:
    """Delete the files of a run, if it has any."""
    folder = uploads_folder() / run
    if folder.is_dir():
        shutil.rmtree(folder, ignore_errors=True)


def plain_name(file: str) -> str:
    """The name of a file, which is only a name.

    Raises:
        RefusedError: it leads elsewhere.
    """
    plain = _NAME.fullmatch(file) and not file.startswith(".") and not file.endswith((" ", "."))
    if plain and len(file.encode("utf-8", "replace")) <= _MOST_BYTES and not has_half(file):
        return file
    raise refused(
        400,
        "serve/upload-name",
        f"A file cannot be called {printable(file)[:120]!r}.",
        "Send it under a plain name, without a path.",
    )


def uploads_folder() -> Path:
    """Where the files of all runs lie."""
    return home() / "serve-uploads"


def _takes_files(name: str, asks: InputField | None) -> None:
    """Check that an input takes files, before anything is written.

    Raises:
        FlowError: it does not.
    """
    if asks is None or asks.kind not in ("file", "documents", "text"):
        what = "there is no such input" if asks is None else f"it takes {asks.kind}"
        raise FlowError(
            [
                Problem(
                    "input/invalid",
                    f'A file was sent for "{printable(name)}", but {what}.',
                    "Send it for an input that takes a file or documents.",
                )
            ]
        )


def _value(name: str, asks: InputField, path: Path, file: str) -> Any:
    try:
        if asks.kind == "file":
            found = asks.parse(path)
            assert isinstance(found, FileRef)  # noqa: S101 - what the kind gives
            return found
        text = path.read_bytes().decode("utf-8-sig")
    except (NodeError, UnicodeDecodeError) as error:
        why = error.message if isinstance(error, NodeError) else "It is not UTF-8 text."
        raise FlowError(
            [
                Problem(
                    "input/invalid",
                    f'The file "{file}" does not fit the input "{name}": {why}',
                    "Send a text in UTF-8.",
                )
            ]
        ) from None
    return text if asks.kind == "text" else [Document(text=text, metadata={"source": file})]
