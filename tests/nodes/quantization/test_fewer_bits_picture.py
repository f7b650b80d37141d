"""A picture in fewer bits: what each number of bits leaves of it."""

from __future__ import annotations

import base64
import io

import pytest
from PIL import Image

from patchbay.nodes.contract import NodeError
from patchbay.nodes.figures import Picture
from patchbay.nodes.quantization.fewer_bits_picture import FewerBitsPicture
from patchbay.nodes.testing import run_node


def picture(image: Image.Image) -> Picture:
    held = io.BytesIO()
    image.save(held, "PNG")
    return Picture(media="image/png", data=base64.b64encode(held.getvalue()).decode())


def test_a_picture_of_ours_in_8_to_1_bits() -> None:
    out = run_node(FewerBitsPicture, {}, {})
    bits, values, colours, errors = zip(*out["table"].rows, strict=True)
    assert bits == (8, 7, 6, 5, 4, 3, 2, 1)
    assert values == (256, 128, 64, 32, 16, 8, 4, 2)
    assert errors[0] == 0
    assert list(errors) == sorted(errors)
    assert colours[-1] <= 8  # black or full in each of three colours
    opened = Image.open(io.BytesIO(base64.b64decode(out["sheet"].data)))
    assert opened.width > 3 * 300


def test_a_picture_of_ones_own() -> None:
    ramp = Image.new("L", (256, 4))
    ramp.putdata([x for _ in range(4) for x in range(256)])
    out = run_node(FewerBitsPicture, {"grey": True}, {"picture": picture(ramp)})
    assert [row[2] for row in out["table"].rows] == [256, 128, 64, 32, 16, 8, 4, 2]


def test_what_is_no_picture() -> None:
    broken = Picture(media="image/png", data=base64.b64encode(b"\x89PNG\r\n\x1a\nno").decode())
    with pytest.raises(NodeError, match="cannot be read"):
        run_node(FewerBitsPicture, {}, {"picture": broken})
