"""Opening a description in another process."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from patchbay.nodes.models import errors
from patchbay.nodes.models.hosted.line import HostLine
from patchbay.nodes.values import EmbeddingsSpec, Opening, Spec


def open_there(at: Path, spec: Spec, opening: Opening) -> Any:
    """Have the process at a socket open a description, and return what asks it.

    Raises:
        NodeError: it cannot be opened there.
    """
    from patchbay.nodes.models.hosted.calls import HostedCalls
    from patchbay.nodes.models.hosted.chat import HostedChat, HostedEmbeddings, HostedPictures

    line = HostLine(at, spec)
    for said in line.ask(do="open"):
        if "report" in said:
            opening.report(*said["report"])
        elif "about" in said:
            about = said["about"]
            if about["chats"]:
                return HostedChat.over(line, about)
            if not isinstance(spec, EmbeddingsSpec):
                return HostedCalls(line, spec.calls, about["told"])
            if spec.calls:
                return HostedPictures(line, about["max_tokens"], about["told"])
            return HostedEmbeddings(line, about["max_tokens"])
    raise errors.host_ended()
