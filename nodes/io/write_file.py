"""The node `io.write_file`: a value into a file, below a folder that was declared."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from patchbay.nodes.atomic import claim, write_atomic
from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.values import FileRef, Picture, Promptable, Table, as_text, encode

ROOTS = "PATCHBAY_WRITE_FOLDERS"
"""The environment variable in which a person lists further folders that flows may write below."""
MAX_NUMBER = 10_000


def checked_folder(text: str) -> str:
    """A folder that is named whole, or lies beside the flow.

    Raises:
        ValueError: it is neither.
    """
    text = text.strip()
    if not Path(text).expanduser().is_absolute():
        checked_name(text)
    return text


def checked_name(text: str) -> str:
    """A path below a folder: no way up, nothing hidden, nothing that a system reads otherwise.

    Raises:
        ValueError: it is none.
    """
    parts = PurePosixPath(text).parts
    bad = [part for part in parts if part.startswith(".") or part.endswith((" ", "."))]
    if not parts or text.startswith("/") or bad or any(char in text for char in '\\:*?"<>|\0\n\r'):
        raise ValueError(
            f"{text[:80]!r} is not a path below a folder; write one such as reports/may.md, "
            "without "
            '`..`, hidden names and the signs \\ : * ? " < > |'
        )
    return text


class WriteFile(Node):
    """Write a value into a file below a folder.

    The folder lies beside the flow; another one only where you have listed it in
    PATCHBAY_WRITE_FOLDERS, so that no flow from elsewhere writes where it likes. Text is written as
    it is, JSON and tables as the ending says (.json, .csv, else as text), pictures as their file.
    """

    kind, version = "io.write_file", 1
    title, family, icon = "Write file", "Input and output", "save"
    synonyms = ("save", "save to file", "export", "download", "store", "csv", "append", "log")
    deterministic = False

    class Params(NodeParams):
        folder: Annotated[str, AfterValidator(checked_folder)] = Field(
            "output", max_length=1000, widget="folder"
        )
        """The folder, beside the flow. It is made where it is missing."""
        name: Annotated[str, AfterValidator(checked_name)] = Field("result.txt", max_length=300)
        """The file in it; a wire into `name` takes its place."""
        if_there: Literal["number", "replace", "append", "fail"] = Field("number")
        """What happens where the file is there: `number` writes result-2.txt, `append` goes on at
        its end."""

    class Inputs(Ports):
        value: Promptable | Picture = port(doc="What is written.")
        name: str | None = port(None, doc="Takes the place of the param.")

    class Outputs(Ports):
        file: FileRef = port(doc="The file as it is now.")
        path: str = port(doc="Its path.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """Where it goes."""
        return f"{params.folder}/{params.name}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Write it."""
        name = params.name if inputs.name is None else _wired(inputs.name)
        data = await ctx.blocking(content_of, inputs.value, Path(name).suffix.lower())

        def write(*_: str) -> list[str | int]:
            path, digest, size = _write(data, name, params, ctx.folder)
            return [str(path), digest, size]

        about = (params.folder, name, hashlib.sha256(data).hexdigest())
        path, digest, size = await ctx.once("Write file", write, *about)
        return self.Outputs(file=FileRef(path=path, sha256=digest, size=size), path=path)


def _wired(name: str) -> str:
    try:
        return checked_name(name.strip())
    except ValueError as error:
        raise _problem(f"The name that is wired in does not do: {error}.", port="name") from error


def _write(
    data: bytes, name: str, params: WriteFile.Params, folder: Path | None
) -> tuple[Path, str, int]:
    """Write, and give the path, the SHA-256 and the bytes of the file as it is then."""
    target = target_below(writable_root(params.folder, folder), name)
    try:
        match params.if_there:
            case "append":
                data = _append(target, data)
            case "replace":
                write_atomic(target, data)
            case "number":
                target = _first_free(target, data)
            case "fail":
                if not _made(target, data):
                    raise _problem(f"There is a file {name!r} already.", "Choose another name.")
    except OSError as error:
        words = f"{name!r} cannot be written: {error.strerror or error}."
        raise _problem(words, "Look at the folder and its rights.") from error
    return target, hashlib.sha256(data).hexdigest(), len(data)


def _append(target: Path, data: bytes) -> bytes:
    """Go on at the end of a file, also of one that others are adding to; gives all that is in it.
    Where the disk takes only a part of it, that goes again."""
    claim(target)
    with target.open("ab", buffering=0) as file:
        before = file.tell()
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[file.write(rest) :]
        except OSError:
            file.truncate(before)
            raise
    return target.read_bytes()


def _made(target: Path, data: bytes) -> bool:
    """Write a file that is new; whether it is. Of several that want one name, one gets it."""
    if not claim(target):
        return False
    try:
        write_atomic(target, data)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return True


def writable_root(folder: str, flow: Path | None, env: Mapping[str, str] = os.environ) -> Path:
    """The folder that may be written below.

    Raises:
        NodeError: nobody allows it.
    """
    given = Path(folder).expanduser()
    if not given.is_absolute():
        return ((flow or Path.cwd()) / given).resolve()
    root = given.resolve()
    listed = [
        Path(part).expanduser().resolve() for part in env.get(ROOTS, "").split(os.pathsep) if part
    ]
    if any(root == one or root.is_relative_to(one) for one in listed):
        return root
    raise _problem(
        f"The folder {folder!r} is not beside the flow, and nobody allows flows to write there.",
        f"Name a folder beside the flow, or list it in the environment variable {ROOTS}.",
    )


def target_below(root: Path, name: str) -> Path:
    """The file, whose folder is made. Links that lead out of the root are not followed.

    Raises:
        NodeError: it would lie elsewhere, or the folder cannot be made.
    """
    try:
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        real = target.parent.resolve() / target.name
        if not real.is_relative_to(root.resolve()) or real.is_symlink() or real.is_dir():
            raise _problem(
                f"{name!r} leads out of the folder, or is a folder.", "Choose another name."
            )
    except (OSError, RuntimeError) as error:
        why = getattr(error, "strerror", None) or error
        raise _problem(f"The folder cannot be made: {why}.", "Choose another folder.") from error
    return real


def _first_free(target: Path, data: bytes) -> Path:
    """Write under the first name that is free."""
    for number in range(1, MAX_NUMBER):
        tried = target if number == 1 else target.with_stem(f"{target.stem}-{number}")
        if _made(tried, data):
            return tried
    raise _problem(f"There are {MAX_NUMBER:,} files of that name.", "Tidy the folder up.")


def content_of(value: Any, ending: str) -> bytes:
    """The bytes of a file with that ending."""
    if isinstance(value, Picture):
        return base64.b64decode(value.data)
    if isinstance(value, str):
        return value.encode("utf-8")
    if ending == ".csv" and (table := _rows(value)) is not None:
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(table)
        return text.getvalue().encode("utf-8")
    if ending == ".json":
        plain = _objects(value) if isinstance(value, Table) else _bare(value)
        return (json.dumps(plain, ensure_ascii=False, indent=2) + "\n").encode("utf-8")
    if ending == ".jsonl" and isinstance(value, (list, Table)):
        items = _objects(value) if isinstance(value, Table) else _bare(value)
        return "".join(json.dumps(i, ensure_ascii=False) + "\n" for i in items).encode("utf-8")
    return as_text(value).encode("utf-8")


def _bare(value: Any) -> Any:
    """JSON without the tags that say what type a value is on a wire."""
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    return encode(value)


def _objects(table: Table) -> list[Any]:
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def _rows(value: Any) -> list[list[Any]] | None:
    """A value as rows under a header; None where it is no table."""
    items = _objects(value) if isinstance(value, Table) else _bare(value)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        return None
    columns = list(value.columns) if isinstance(value, Table) else []
    columns = columns or list(dict.fromkeys(key for item in items for key in item))
    return [columns, *([_cell(item.get(column)) for column in columns] for item in items)]


def _cell(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (dict, list)) else value


def _problem(message: str, fix: str = "Choose another name.", port: str | None = None) -> NodeError:
    return NodeError(message, fix=fix, port=port, code="io/not-written", retry=False)
