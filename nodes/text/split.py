"""The node `text.split`: one text becomes a list."""

from __future__ import annotations

from typing import Literal

from pydantic import JsonValue, model_validator

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.text.lines import lines_of

By = Literal["lines", "paragraphs", "separator"]
"""Where a text may be split: at line ends, at blank lines, at a fixed text."""


class SplitText(Node):
    """Split a text into a list of texts: by lines, by paragraphs, or at a separator.

    The list can go into *For each*, which runs a flow for every item.
    """

    kind, version, edition = "text.split", 1, 2
    title, family, icon = "Split text", "Text", "cut"
    front = ("by", "separator")
    only_tells = True
    synonyms = ("lines", "list", "separator", "tokenize")

    class Params(NodeParams):
        by: By = Field("lines")
        """Where to split: `lines`, `paragraphs` (at blank lines) or `separator`."""
        separator: str = Field(",")
        """The text to split at, when splitting by `separator`."""
        strip: bool = Field(True)
        """Remove blanks around each item."""
        drop_empty: bool = Field(True)
        """Leave empty items out."""
        limit: int | None = Field(None, ge=1)
        """Keep at most this many items, from the first; all without a number."""

        @model_validator(mode="after")
        def _has_separator(self) -> SplitText.Params:
            if self.by == "separator" and not self.separator:
                raise ValueError("splitting by separator needs a separator")
            return self

    class Inputs(Ports):
        text: str = port(doc="The text to split.")

    class Outputs(Ports):
        items: JsonValue = port(doc="The parts, as a list of texts.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"at {params.separator!r}" if params.by == "separator" else f"by {params.by}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        items = split(inputs.text, params)
        if params.limit is not None and len(items) > params.limit:
            await ctx.warn(f"Only the first {params.limit} of {len(items)} items are kept.")
            items = items[: params.limit]
        return self.Outputs(items=list(items))


def split(text: str, params: SplitText.Params) -> list[str]:
    """The parts of a text, all of them."""
    if params.by == "lines":
        parts = lines_of(text)
    elif params.by == "paragraphs":
        parts = _paragraphs(text)
    else:
        parts = text.split(params.separator)
    if params.strip:
        parts = [part.strip() for part in parts]
    return [part for part in parts if part] if params.drop_empty else parts


def _paragraphs(text: str) -> list[str]:
    paragraphs: list[list[str]] = [[]]
    for line in lines_of(text):
        if line.strip():
            paragraphs[-1].append(line)
        elif paragraphs[-1]:
            paragraphs.append([])
    return ["\n".join(lines) for lines in paragraphs]
