"""A node that gives whatever a stranger might: every text of it tries to load something."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.figures import Chart, Table
from patchbay.nodes.values import Document, JsonValue, Message


def payloads(site: str) -> list[str]:
    """Texts that would make a browser ask a server, if anybody let them."""
    return [
        f"![a]({site}/1.png)",
        f"\\![a]({site}/2.png)",
        f"\\\\![a]({site}/3.png)",
        f"![a][r]\n\n[r]: {site}/4.png",
        f"<img src={site}/5.png onerror=alert(1)>",
        f"<style>@import '{site}/6.css'; * {{ background: url({site}/7.png) }}</style>",
        f"<iframe src='{site}/8'></iframe><video autoplay src='{site}/9'></video>",
        f"[![a]({site}/10.png)]({site}/11)",
        f"<link rel=stylesheet href={site}/12.css><script src={site}/13.js></script>",
        f"| ![a]({site}/14.png) |\n|---|\n| ![a]({site}/15.png) |",
        f"image: {site}/16.png :material/home: $\\includegraphics{{{site}/17.png}}$",
        f"{site}/18.png",
    ]


class Strange(Node):
    """Give payloads in every shape."""

    kind, title, family = "test.strange", "Strange", "Test"

    class Params(NodeParams):
        site: str = Field("")
        """Where it tries to load from."""

    class Outputs(Ports):
        text: str = port(doc="An answer.")
        table: Table = port(doc="A table.")
        chart: Chart = port(doc="A chart.")
        documents: list[Document] = port(doc="Documents.")
        messages: list[Message] = port(doc="Messages.")
        json: JsonValue = port(doc="Anything.")

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Ports:
        texts = payloads(params.site)
        rows = tuple({"x": text, "y": n, "image": text} for n, text in enumerate(texts))
        ctx.step("tool call", texts[0], who=texts[1][:40], tool=texts[4][:40])
        ctx.warn(texts[0])
        return self.Outputs(
            text="\n\n".join(["# An answer", *texts]),
            table=Table(
                columns=("image", texts[0]), rows=tuple((t, t) for t in texts), title=texts[1]
            ),
            chart=Chart(kind="bar", rows=rows, x="x", y="y", color="image", title=texts[1],
                        x_title="image", y_title=texts[4]),
            documents=[
                Document(text=text, metadata={"source": text, "page": text, "image": text})
                for text in texts
            ],
            messages=[Message(role="user", content=text) for text in texts],
            json={"texts": texts, texts[0]: texts[4]},
        )  # fmt: skip


NODES = [Strange]
