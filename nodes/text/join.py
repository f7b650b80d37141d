"""The node `text.join`: many texts become one."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.values import Promptable, as_text


class JoinTexts(Node):
    """Join texts, documents or the items of a list into one text, in the order of the wires.

    Documents and lists are taken apart first, so that the separator stands between their items.
    Items that are missing (null, as a *For each* that keeps going leaves them) are left out with a
    warning.
    """

    kind, version = "text.join", 1
    title, family, icon = "Join texts", "Text", "join"
    only_tells = True
    synonyms = ("concatenate", "combine", "merge texts", "append")

    class Params(NodeParams):
        separator: str = Field("\n\n", widget="textarea")
        """What stands between two texts."""

    class Inputs(Ports):
        texts: list[Promptable] = port(doc="What to join; takes many wires.")

    class Outputs(Ports):
        text: str = port(doc="All of it as one text.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"between them: {params.separator!r}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        items = [item for value in inputs.texts for item in _items(value)]
        present = [item for item in items if item is not None]
        if len(present) < len(items):
            missing = len(items) - len(present)
            await ctx.warn(f"{missing} of {len(items)} items are missing and were left out.")
        return self.Outputs(text=params.separator.join(as_text(item) for item in present))


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
