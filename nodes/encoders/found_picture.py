"""The node `retrieval.found_picture`: show a picture that a search has found."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Picture, Table
from patchbay.nodes.io.files import quoted, read_bytes
from patchbay.nodes.io.read_picture import media_of
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.values import Document

LIMIT = 8 * MEGABYTE


class FoundPicture(Node):
    """Show a picture that a search in a *Picture index* has found, and all found with their scores.

    The score is the cosine of the picture and the words that were looked for.
    """

    kind, version = "retrieval.found_picture", 1
    title, family, icon = "Found picture", "Retrieval", "picture"
    synonyms = ("show picture", "image result", "clip", "preview")

    class Params(NodeParams):
        number: int = Field(1, ge=1, le=1000)
        """Which of the found pictures to show; 1 is the best."""

    class Inputs(Ports):
        documents: list[Document] = port(doc="What a search in a picture index has found.")

    class Outputs(Ports):
        picture: Picture = port(doc="The picture.")
        table: Table = port(doc="All that was found, with scores.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """Which one."""
        return f"number {params.number}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        found = inputs.documents
        if len(found) < params.number:
            raise NodeError(
                f"There is no picture number {params.number}: {len(found)} were found.",
                fix="Ask for one that was found, or let the retriever give more.",
                port="documents",
                code="retrieval/no-picture",
                retry=False,
            )
        rows = tuple(
            (number, document.metadata.get("source"), document.score)
            for number, document in enumerate(found, 1)
        )
        picture = await ctx.blocking(_read, found[params.number - 1])
        return self.Outputs(
            picture=picture, table=Table(columns=("number", "picture", "score"), rows=rows)
        )


def _read(document: Document) -> Picture:
    path, digest = document.metadata.get("path"), document.metadata.get("sha256")
    if not isinstance(path, str) or not isinstance(digest, str):
        raise NodeError(
            "What is wired in was not found in a picture index.",
            fix="Wire a search over a Picture index.",
            port="documents",
            code="retrieval/no-picture",
            retry=False,
        )
    data = read_bytes(Path(path), "Found picture", LIMIT)
    media = media_of(data)
    if media is None or hashlib.sha256(data).hexdigest() != digest:
        raise NodeError(
            f"The picture {quoted(document.metadata.get('source'))} was changed after it was "
            "indexed.",
            fix="Run the flow again.",
            port="documents",
            code="io/file-changed",
            retry=False,
        )
    held = base64.b64encode(data).decode("ascii")
    return Picture.model_validate({"media": media, "data": held, "alt": document.text})
