"""Nodes that give what there is to look at: registered like any plugin."""

from __future__ import annotations

import asyncio
import base64
import struct
import zlib
from pathlib import Path
from typing import Any

from patchbay.nodes.contract import Context, Node, NodeParams, Ports, port
from patchbay.nodes.figures import Chart, Picture, Table
from patchbay.nodes.values import Document, JsonValue
from tests.flows.scripts import Script

ACCURACY = (
    ("zero-shot", 0.53, 0.36, 0.7),
    ("few-shot", 0.77, 0.59, 0.88),
    ("vote", 0.8, 0.63, 0.9),
)


def png(width: int = 96, height: int = 64) -> bytes:
    """A small gradient."""
    rows = b"".join(
        b"\0" + b"".join(bytes((x * 255 // width, y * 255 // height, 160)) for x in range(width))
        for y in range(height)
    )

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


class Figures(Node):
    """Give one of everything that is looked at."""

    kind, title, family = "test.figures", "Figures", "Test"

    class Outputs(Ports):
        table: Table = port(doc="A table.")
        bars: Chart = port(doc="Bars with error bars.")
        lines: Chart = port(doc="Two lines.")
        picture: Picture = port(doc="A picture.")
        documents: list[Document] = port(doc="Documents with scores.")
        texts: JsonValue = port(doc="A long list of texts.")

    async def run(self, inputs: Any, params: Any, ctx: Context) -> Ports:
        rows = [
            dict(zip(("strategy", "accuracy", "low", "high"), row, strict=True)) for row in ACCURACY
        ]
        speed = [
            {"bits": bits, "tokens/s": rate * bits**0.5, "model [x]": model}
            for model, rate in (("SmolLM2", 9), ("<b>Qwen</b>", 5))
            for bits in (4, 8, 16, 32)
        ]
        return self.Outputs(
            table=Table(
                columns=("strategy", "accuracy", "correct", "answers", "answers"),
                rows=tuple((name, mean, mean > 0.6, 30, "x") for name, mean, *_ in ACCURACY),
                title="Accuracy of **three** strategies",
            ),
            bars=Chart(
                kind="bar", rows=tuple(rows), x="strategy", y="accuracy", low="low", high="high",
                title="Accuracy with 95 % intervals", x_title="image", y_title="share of answers",
            ),
            lines=Chart(kind="line", rows=tuple(speed), x="bits", y="tokens/s", color="model [x]"),
            picture=Picture(
                media="image/png", data=base64.b64encode(png()).decode(), alt="A gradient"
            ),
            documents=[
                Document(
                    text=f"{place} is a city with a harbour, and it has been one for long. " * 3,
                    metadata={"source": f"/texts/{place.lower()}.md", "heading": "Harbours"},
                    score=score,
                )
                for place, score in (("Copenhagen", 0.91), ("Malmö", 0.62), ("Basel", -0.05))
            ],
            texts=[f"{n}. A sentence that is long enough to be one of many." for n in range(600)],
        )  # fmt: skip


class Crew(Node):
    """Pretend to be two agents at work; with a pause in the middle."""

    kind, title, family = "test.crew", "Crew", "Test"
    deterministic = False

    class Params(NodeParams):
        until: str = ""
        """The second agent thinks until there is a file of this name, which a test makes."""

    class Outputs(Ports):
        text: str

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Ports:
        ctx.step(
            "thought", "I need the sum first.", who="Researcher", seconds=0.4, completion_tokens=9
        )
        ctx.step("tool call", '{"expression": "17 * 23"}', who="Researcher", tool="calculator")
        ctx.step("tool result", "391", who="Researcher", tool="calculator", seconds=0.01)
        ctx.step("delegation", "Write it up. " * 40, who="Researcher", completion_tokens=40)
        if params.until:
            await ctx.stream("text", "It is ")
            while not Path(params.until).exists():
                await asyncio.sleep(0.05)
        ctx.step("answer", "<img src=x onerror=alert(1)> It is 391.", who="Writer", seconds=1.25)
        ctx.count_tokens(120, 49, 0.21, 1.3)
        return self.Outputs(text="It is 391.")


NODES = [Figures, Crew, Script]
