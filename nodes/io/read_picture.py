"""The node `io.picture`: a picture from a file."""

from __future__ import annotations

import base64

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Picture
from patchbay.nodes.io.files import bytes_of, quoted
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.values import FileRef

MEDIA = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
MEDIA |= {b"GIF87a": "image/gif", b"GIF89a": "image/gif"}


class ReadPicture(Node):
    """Read a picture: PNG, JPEG, WebP or GIF, told apart by the first bytes, not by the name.

    The picture is passed on as it is, and shown wherever a value is shown. Other formats are
    refused; SVG among them, since it may hold scripts and addresses.
    """

    kind, version = "io.picture", 1
    title, family, icon = "Read picture", "Input and output", "picture"
    synonyms = ("image", "photo", "vision", "png", "jpeg")

    class Params(NodeParams):
        alt: str = Field("", max_length=2000)
        """What the picture shows, in words."""
        limit_mb: float = Field(5.0, gt=0, le=8)
        """The largest file that is read, in megabytes (1,000,000 bytes)."""

    class Inputs(Ports):
        file: FileRef = port(doc="The file to read.")

    class Outputs(Ports):
        picture: Picture = port(doc="The picture.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return params.alt

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        picture = await ctx.blocking(_read, inputs.file, params)
        return self.Outputs(picture=picture)


def _read(file: FileRef, params: ReadPicture.Params) -> Picture:
    data = bytes_of(file, "Read picture", round(params.limit_mb * MEGABYTE))
    media = media_of(data)
    if media is None:
        raise NodeError(
            f"{quoted(file.path)} is no PNG, JPEG, WebP or GIF: it begins with "
            f"{quoted(data[:8].hex(' '))}.",
            fix="Convert it to PNG first.",
            port="file",
            code="io/not-a-picture",
            retry=False,
        )
    held = base64.b64encode(data).decode("ascii")
    return Picture.model_validate({"media": media, "data": held, "alt": params.alt})


def media_of(data: bytes) -> str | None:
    """The media type that the first bytes of a file tell, or None."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media for magic, media in MEDIA.items() if data.startswith(magic)), None)
