"""A picture as PNG, with the flow in a text chunk. Pillow comes with Streamlit."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from patchbay.studio.pictures.picture import (
    HEAD,
    MARK_COLORS,
    STATUS_COLORS,
    Box,
    Drawing,
    DrawnWire,
    Panel,
    curve,
)

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

CHUNK = "patchbay-flow"
"""The keyword of the PNG text chunk that holds the flow."""
LARGEST = 4000
"""Pixels of the longer side; a larger flow is drawn smaller."""
MAX_TEXT = 16 * 1024 * 1024


def to_png(picture: Drawing, carried: str = "") -> bytes:
    """The picture at twice its size on the canvas, where that fits."""
    from PIL import Image, ImageDraw
    from PIL.PngImagePlugin import PngInfo

    scale = min(2.0, LARGEST / max(picture.w, picture.h))
    size = (max(1, round(picture.w * scale)), max(1, round(picture.h * scale)))
    image = Image.new("RGB", size, "#fcfcfd")
    pen = _Pen(ImageDraw.Draw(image), picture, scale)
    for panel in picture.panels:
        pen.panel(panel)
    for line in picture.lines:
        pen.line(line)
    for box in picture.boxes:
        pen.box(box)
    info = PngInfo()
    if carried:
        info.add_itxt(CHUNK, carried, zip=True)
    file = io.BytesIO()
    image.save(file, "PNG", pnginfo=info, optimize=True)
    return file.getvalue()


def carried_by(data: bytes) -> str | None:
    """The text of the flow that a PNG carries, or None. Reads chunks only, and draws nothing."""
    import struct
    import zlib

    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return None
    at = 8
    while at + 8 <= len(data):
        length, kind = struct.unpack(">I4s", data[at : at + 8])
        body = data[at + 8 : at + 8 + length]
        at += 12 + length
        keyword, _, rest = body.partition(b"\0")
        if kind != b"iTXt" or keyword != CHUNK.encode() or len(rest) < 2:
            continue
        packed, text = rest[0], rest[2:].split(b"\0", 2)[-1]
        if packed:
            unpack = zlib.decompressobj()
            try:
                text = unpack.decompress(text, MAX_TEXT + 1)
            except zlib.error:
                return None
        return text.decode("utf-8", "replace") if len(text) <= MAX_TEXT else None
    return None


@lru_cache(maxsize=32)
def _font(size: int) -> Any:
    from PIL import ImageFont

    return ImageFont.load_default(size)


class _Pen:
    """Draws in canvas pixels onto a scaled image."""

    def __init__(self, draw: ImageDraw, picture: Drawing, scale: float) -> None:
        self._draw, self._scale = draw, scale
        self._x, self._y = picture.x, picture.y

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return ((x - self._x) * self._scale, (y - self._y) * self._scale)

    def _text(
        self,
        x: float,
        y: float,
        text: str,
        size: float,
        color: str,
        room: float,
        anchor: str = "lm",
    ) -> None:
        font = _font(max(6, round(size * self._scale)))
        text = "".join(c if c.isprintable() else " " for c in text)
        shown = text
        while shown and font.getlength(shown) > room * self._scale:
            text = text[: -max(1, len(text) // 12)]
            shown = f"{text}…" if text else ""
        self._draw.text(self._at(x, y), shown, fill=color, font=font, anchor=anchor)

    def _rect(self, x: float, y: float, w: float, h: float, **how: Any) -> None:
        self._draw.rounded_rectangle(
            [self._at(x, y), self._at(x + w, y + h)], radius=10 * self._scale, **how
        )

    def panel(self, panel: Panel) -> None:
        """A note, or the frame of a group."""
        if panel.is_group:
            self._rect(panel.x, panel.y, panel.w, panel.h, fill="#f1f2f5", outline="#b9bdc9")
            self._text(panel.x + 12, panel.y + 14, panel.text, 13, "#6a6f7d", panel.w - 24)
            return
        self._rect(panel.x, panel.y, panel.w, panel.h, fill=panel.color, outline="#d9d4bd")
        for row, text in enumerate(panel.text.splitlines()[: max(1, int(panel.h // 17) - 1)]):
            self._text(panel.x + 12, panel.y + 20 + 17 * row, text, 13, "#3b3a2e", panel.w - 24)

    def line(self, line: DrawnWire) -> None:
        """A wire."""
        points = curve(line)
        steps = 40
        way = [self._at(*_bezier(points, i / steps)) for i in range(steps + 1)]
        color = MARK_COLORS.get(line.mark, line.color)
        self._draw.line(
            way, fill=color, width=round((3 if line.mark else 2) * self._scale), joint="curve"
        )

    def box(self, box: Box) -> None:
        """A node."""
        mark = MARK_COLORS.get(box.mark) or STATUS_COLORS.get(box.mark)
        ink = "#9aa0ad" if box.disabled or box.mark == "removed" else "#23262f"
        width = round((2.5 if mark else 1) * self._scale)
        self._rect(
            box.x, box.y, box.w, box.h, fill="#ffffff", outline=mark or "#d5d9e3", width=width
        )
        self._draw.rectangle(
            [self._at(box.x + 10, box.y + 11), self._at(box.x + 14, box.y + 25)], fill=box.color
        )
        room = box.w - 34 - (64 if mark else 0)
        self._text(box.x + 22, box.y + 18, box.title, 14, ink, room)
        if mark:
            self._text(box.x + box.w - 12, box.y + 18, box.mark, 11, mark, 64, "rm")
        if box.summary:
            self._text(box.x + 12, box.y + HEAD + 8, box.summary, 12, "#7a8090", box.w - 24)
        for anchor, shift, ports in (("lm", 12, box.inputs), ("rm", -12, box.outputs)):
            for port in ports:
                left, top = self._at(port.x - 5, port.y - 5)
                right, bottom = self._at(port.x + 5, port.y + 5)
                self._draw.ellipse([left, top, right, bottom], fill=port.color)
                self._text(port.x + shift, port.y, port.name, 12, ink, box.w / 2 - 16, anchor)


def _bezier(points: tuple[tuple[float, float], ...], t: float) -> tuple[float, float]:
    weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3)
    x = sum(w * p[0] for w, p in zip(weights, points, strict=True))
    y = sum(w * p[1] for w, p in zip(weights, points, strict=True))
    return x, y
