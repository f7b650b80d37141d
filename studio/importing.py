"""Flows that come from outside: JSON, or a PNG or SVG that carries one."""

from __future__ import annotations

import re
from html import unescape

from flows.model import Flow
from flows.problems import FlowError, Problem
from flows.reading import read_text
from studio.picture_png import carried_by


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


def _refused(message: str, fix: str) -> FlowError:
    return FlowError([Problem("file/no-flow", message, fix)])
