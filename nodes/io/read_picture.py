"""The node `io.picture`: a picture from a file."""

from __future__ import annotations

import base64
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
from patchbay.nodes.figures import Picture
from patchbay.nodes.home import from_flow
from patchbay.nodes.io.files import bytes_of, file_ref, quoted, read_bytes
from patchbay.nodes.units import MEGABYTE
from patchbay.nodes.values import FileRef

PLACE = "Read picture"
MEDIA = {b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
MEDIA |= {b"GIF87a": "image/gif", b"GIF89a": "image/gif"}


class ReadPicture(Node):
    """Read a picture: PNG, JPEG, WebP or GIF, told apart by the first bytes, not by the name.

    The picture is passed on as it is, and shown wherever a value is shown. Other formats are
    refused; SVG among them, since it may hold scripts and addresses.
    """

    kind, version, edition = "io.picture", 1, 2
    title, family, icon = "Read picture", "Input and output", "picture"
    front = "path"
    synonyms = ("image", "photo", "vision", "png", "jpeg")

    class Params(NodeParams):
        path: str = Field("", max_length=4000, widget="file")
        """The picture's file, unless one is wired. A relative path starts at the flow's folder."""
        alt: str = Field("", max_length=2000)
        """What the picture shows, in words."""
        limit_mb: float = Field(5.0, gt=0, le=8)
        """The largest file that is read, in megabytes (1,000,000 bytes)."""

    class Inputs(Ports):
        file: FileRef | None = port(None, doc="The file to read, in place of the path.")

    class Outputs(Ports):
        picture: Picture = port(doc="The picture.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return params.alt or params.path

    @classmethod
    def content(cls, params: Params, folder: Path | None) -> JsonValue:
        """The hash of the file: a changed picture is a changed result."""
        if not params.path.strip():
            return None
        return file_ref(_path(params, folder), PLACE).sha256

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        limit = round(params.limit_mb * MEGABYTE)
        if inputs.file is not None:
            path = Path(inputs.file.path)
            data = await ctx.blocking(bytes_of, inputs.file, PLACE, limit)
        elif params.path.strip():
            path = _path(params, ctx.folder)
            data = await ctx.blocking(read_bytes, path, PLACE, limit)
        else:
            raise NodeError(
                "There is no picture to read.",
                fix="Name a file, or wire one into it.",
                port="file",
                code="io/no-such-file",
                retry=False,
            )
        return self.Outputs(picture=_picture(path, data, params.alt))


def _path(params: ReadPicture.Params, folder: Path | None) -> Path:
    return from_flow(params.path.strip(), folder)


def _picture(path: Path, data: bytes, alt: str) -> Picture:
    media = media_of(data)
    if media is None:
        raise NodeError(
            f"{quoted(path)} is no PNG, JPEG, WebP or GIF: it begins with "
            f"{quoted(data[:8].hex(' '))}.",
            fix="Convert it to PNG first.",
            port="file",
            code="io/not-a-picture",
            retry=False,
        )
    held = base64.b64encode(data).decode("ascii")
    return Picture.model_validate({"media": media, "data": held, "alt": alt})


def media_of(data: bytes) -> str | None:
    """The media type that the first bytes of a file tell, or None."""
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return next((media for magic, media in MEDIA.items() if data.startswith(magic)), None)
