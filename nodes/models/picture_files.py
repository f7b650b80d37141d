"""The content of a picture's file, opened in one way for all networks that see, and for nodes."""

from __future__ import annotations

import io
from typing import Any

from patchbay.nodes.errors import NodeError

MOST_PIXELS = 100_000_000
"""A picture with more is refused: a small file can unfold to any size."""
FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def open_picture(data: bytes, most: int = MOST_PIXELS) -> Any:
    """A picture as Pillow has it, in red, green and blue; of an animation the first frame.

    Args:
        data: the file.
        most: pixels that it may have.

    Raises:
        NodeError: it cannot be read, or is far too large.
    """
    from PIL import Image

    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
        if image.width * image.height > most:
            raise ValueError(f"it has {image.width:,} × {image.height:,} pixels")
        return image.convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise NodeError(
            f"A picture cannot be read: {error}.",
            fix=f"Give PNG, JPEG, WebP or GIF, of at most {most // 1_000_000} million pixels.",
            code="io/not-a-picture",
            retry=False,
        ) from error
