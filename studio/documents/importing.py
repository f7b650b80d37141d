"""Flows that come from outside: JSON, or a PNG or SVG that carries one."""

from __future__ import annotations

import base64
import json
import re
from html import unescape
from pathlib import PurePath

from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_text
from patchbay.flows.problems import FlowError, Problem
from patchbay.studio.pictures.png import carried_by


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


def dropped(sent: str) -> tuple[str, Flow]:
    """The name and the flow of a file that was dropped on the canvas: `{"name": …, "data": …}`.

    Raises:
        FlowError: the file holds none; all findings.
    """
    try:
        given = json.loads(sent)
        name, data = PurePath(str(given["name"])).stem, base64.b64decode(given["data"])
    except (ValueError, KeyError, TypeError) as error:
        raise _refused("The browser sent no file.", "Drop it again.") from error
    return name, flow_from(data)


def _refused(message: str, fix: str) -> FlowError:
    return FlowError([Problem("file/no-flow", message, fix)])
