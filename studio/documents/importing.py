"""Flows that come from outside: JSON, or a PNG or SVG that carries one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import PurePath
from typing import TYPE_CHECKING

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import parse_json, read_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.studio.pictures.png import carried_by

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.reading import Imported
    from patchbay.flows.exchange.imports.report import ImportReport
    from patchbay.studio.documents.library import Library

LARGEST = 20_000_000
"""Bytes of a file that may hold a flow of another builder; larger ones are not looked into."""


@dataclass(frozen=True, slots=True)
class TakenIn:
    """A flow that came from a file and is saved here."""

    stem: str
    """Of its file."""
    title: str
    report: ImportReport | None
    """What became of another builder's; None for a flow of ours."""


def flow_from(data: bytes) -> Flow:
    """The flow in a file's content.

    Raises:
        FlowError: it holds none; all findings.
    """
    if data.startswith(b"\x89PNG"):
        text = carried_by(data)
        if text is None:
            raise _refused("The picture carries no flow.", "Export it as PNG from the studio.")
        return read_text(text)
    if data.lstrip()[:5] in (b"<svg ", b"<?xml"):
        found = re.search(rb'<metadata id="patchbay-flow">(.*?)</metadata>', data, re.DOTALL)
        if found is None:
            raise _refused("The picture carries no flow.", "Export it as SVG from the studio.")
        return read_text(unescape(found[1].decode("utf-8", "replace")))
    return read_text(data)


def foreign(data: bytes, file: str) -> list[Imported] | None:
    """The flows in another builder's file, each with its report; None where it is a flow of ours.

    Nothing in the file is executed, and no address in it is opened.

    Raises:
        FlowError: it is of no builder that is known.
    """
    if data.startswith(b"\x89PNG") or data.lstrip()[:5] in (b"<svg ", b"<?xml"):
        return None
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b""):
        try:
            parsed = parse_json(data)
        except FlowError:
            return None  # the reader of our own files says best what is wrong with it
        if not isinstance(parsed, dict) or "format" in parsed:
            return None
    from patchbay.flows.exchange.imports.reading import import_bytes
    from patchbay.flows.runs.defaults import default_catalog

    return import_bytes(data, file, default_catalog())


def taken_in(library: Library, data: bytes, file: str) -> list[TakenIn]:
    """Save the flows in a file: ours, or another builder's with what became of it.

    Raises:
        FlowError: the file holds none, or the disk refuses; all findings.
    """
    found = foreign(data, file)
    if found is None:
        flow = flow_from(data)
        return [TakenIn(library.create(flow, PurePath(file).stem).stem, flow.name, None)]
    rows = []
    for one in found:
        saved: dict[str, str] = {}  # what its parts are called here, where a name was taken
        for name, part in one.parts.items():  # the innermost first
            stem = PurePath(name).stem
            saved[stem] = library.create(_renamed(part, saved), stem).stem
        path = library.create(_renamed(one.flow, saved), one.flow.name)
        rows.append(TakenIn(path.stem, one.flow.name, one.report))
    return rows


def _renamed(flow: Flow, saved: Mapping[str, str]) -> Flow:
    """The flow with the flows that it runs under the names that they were saved by."""
    changed = {
        node.id: {"flow": saved[str(node.params.get("flow"))]}
        for node in flow.nodes
        if str(node.params.get("flow")) in saved
    }
    return flow.with_params(changed) if changed else flow


def dropped(sent: str) -> tuple[str, bytes]:
    """The name and the content of a file dropped on the canvas: `{"name": …, "data": …}`.

    Raises:
        FlowError: the browser sent none.
    """
    try:
        given = json.loads(sent)
        return PurePath(str(given["name"])).name, base64.b64decode(given["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise _refused("The browser sent no file.", "Drop it again.") from error


def _refused(message: str, fix: str) -> FlowError:
    return FlowError([Problem("file/no-flow", message, fix)])
