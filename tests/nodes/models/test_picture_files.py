"""The content of a picture's file, opened for networks that see."""

from __future__ import annotations

import base64
import io
import struct
import zlib

import pytest
from PIL import Image

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.picture_files import open_picture


def picture(form: str) -> bytes:
    """A small red picture; of a form that moves, followed by a blue one."""
    made = io.BytesIO()
    red, blue = (Image.new("RGB", (4, 4), colour) for colour in ("red", "blue"))
    more = {"save_all": True, "append_images": [blue]} if form in ("GIF", "WEBP") else {}
    red.save(made, form, **more)
    return made.getvalue()


def unfolding(width: int, height: int) -> bytes:
    """The beginning of a PNG that says it is so large."""
    head = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    check = struct.pack(">I", zlib.crc32(head))
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + check + b"\0\0\0\0IDAT"


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF"])
def test_it_has_three_colours_and_is_the_first_frame(form: str) -> None:
    seen = open_picture(picture(form))
    red, green, blue = seen.getpixel((1, 1))
    assert (seen.mode, seen.size) == ("RGB", (4, 4))
    assert red > 200 > 60 > max(green, blue)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"no picture", "cannot identify"),
        (unfolding(20_000, 20_000), "pixels"),
        (unfolding(12_000, 9_000), "12,000 × 9,000 pixels"),
        (picture("PNG")[:40], None),
        (base64.b64decode("R0lGODlhAQABAAAAACw="), None),
    ],
    ids=["text", "huge", "too large", "cut", "an empty one"],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_what_is_none_or_unfolds_to_any_size_is_refused(data: bytes, why: str | None) -> None:
    with pytest.raises(NodeError, match=why) as refused:
        open_picture(data)
    assert refused.value.code == "io/not-a-picture"
