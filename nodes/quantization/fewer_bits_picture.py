"""The node `quantization.picture`: a picture at 8 to 1 bits, beside the original."""

from __future__ import annotations

import base64
import io
from typing import TYPE_CHECKING, Any

from patchbay.nodes.contract import Context, Field, Node, NodeError, NodeParams, Ports, port
from patchbay.nodes.figures import Picture, Table
from patchbay.nodes.models.picture_files import open_picture

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 320
"""Pixels of the longer side of each picture."""
LARGEST = 50_000_000
"""Pixels of a picture that is opened: more would fill the memory."""
WIDTHS = (8, 7, 6, 5, 4, 3, 2, 1)


class FewerBitsPicture(Node):
    """Write a picture in 8 to 1 bits a colour, beside the original.

    Each of red, green and blue is rounded to the nearest of 2ⁿ values between black and full: what
    quantization does to weights, where the eye can see it. Without a picture, one of ours.
    """

    kind, version = "quantization.picture", 1
    title, family, icon = "Picture in fewer bits", "Models", "picture"
    synonyms = ("posterize", "image", "colours", "colors", "quantize", "bit depth")
    requires = ("PIL",)

    class Params(NodeParams):
        grey: bool = Field(False)
        """In shades of grey."""

    class Inputs(Ports):
        picture: Picture | None = port(None, doc="The picture; without it, one of ours.")

    class Outputs(Ports):
        sheet: Picture = port(doc="The original, then 8 to 1 bits, each with its number of bits.")
        table: Table = port(doc="Values a colour, colours in the picture, and the mean error.")

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        return self.Outputs(**await ctx.blocking(_made, inputs.picture, params.grey))


def _made(given: Picture | None, grey: bool) -> dict[str, Any]:
    from PIL import Image, ImageChops, ImageDraw, ImageStat

    original = _ours() if given is None else _opened(given)
    original.thumbnail((SIDE, SIDE))
    if grey:
        original = original.convert("L").convert("RGB")
    shown, rows = [("original", original)], []
    for bits in WIDTHS:
        top = 2**bits - 1
        fewer = original.point([round(round(v / 255 * top) / top * 255) for v in range(256)] * 3)
        apart = ImageStat.Stat(ImageChops.difference(original, fewer)).mean
        colours = fewer.getcolors(maxcolors=fewer.width * fewer.height) or []
        rows.append((bits, 2**bits, len(colours), round(sum(apart) / 3, 3)))
        shown.append((f"{bits} bit{'s' if bits > 1 else ''}", fewer))
    width, height = original.size
    sheet = Image.new("RGB", (3 * (width + 12) + 12, 3 * (height + 30) + 12), "#ffffff")
    pen = ImageDraw.Draw(sheet)
    for at, (name, one) in enumerate(shown):
        x, y = 12 + at % 3 * (width + 12), 12 + at // 3 * (height + 30)
        pen.text((x, y), name, fill="#333333")
        sheet.paste(one, (x, y + 14))
    held = io.BytesIO()
    sheet.save(held, "PNG")
    return {
        "sheet": Picture(
            media="image/png",
            data=base64.b64encode(held.getvalue()).decode(),
            alt="A picture, and the same in 8 to 1 bits a colour",
        ),
        "table": Table(
            columns=("bits", "values a colour", "colours in it", "mean error of 255"),
            rows=tuple(rows),
            title="Bits a colour",
        ),
    }


def _opened(given: Picture) -> Image:
    try:
        opened: Image = open_picture(base64.b64decode(given.data), LARGEST)
    except NodeError as error:
        raise _refused(error.message) from error
    except ValueError as error:
        raise _refused(f"The picture cannot be read: {error}.") from error
    return opened


def _ours() -> Image:
    """A sky, a sun and a hill: soft edges, in which steps show."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (SIDE, 220))
    pen = ImageDraw.Draw(picture)
    for y in range(220):
        pen.line((0, y, SIDE, y), fill=(40 + y, 90 + y * 2 // 3, 210 - y // 3))
    for r in range(46, 0, -1):
        pen.ellipse((230 - r, 60 - r, 230 + r, 60 + r), fill=(255, 215 - r, 150 - 2 * r))
    for x in range(SIDE):
        top = 160 + (x - 110) ** 2 // 420
        for y in range(min(219, top), 220):
            picture.putpixel((x, y), (30 + (y - top), 120 - (y - top) // 2 + x // 12, 60))
    return picture


def _refused(message: str) -> NodeError:
    return NodeError(
        message,
        fix="Give a PNG, JPEG, WebP or GIF of at most 50 million pixels.",
        port="picture",
        code="quantization/picture",
        retry=False,
    )
