"""The node `io.read_file`: the text of a file."""

from __future__ import annotations

from pathlib import Path

from patchbay.nodes.contract import Context, Field, Node, NodeParams, Ports, port
from patchbay.nodes.io.files import as_utf8, bytes_of
from patchbay.nodes.units import MEGABYTE, size_in_words
from patchbay.nodes.values import FileRef


class ReadFile(Node):
    """Read a UTF-8 text file. Anything else is refused, never guessed at."""

    kind, version = "io.read_file", 1
    title, family, icon = "Read file", "Input and output", "file"
    synonyms = ("open file", "text file", "upload", "load file")

    class Params(NodeParams):
        limit_mb: float = Field(5.0, gt=0, le=1000)
        """The largest file that is read, in megabytes (1,000,000 bytes)."""

    class Inputs(Ports):
        file: FileRef = port(doc="The file to read.")

    class Outputs(Ports):
        text: str = port(doc="All of its text.")

    @classmethod
    def summary(cls, params: Params) -> str:
        return f"at most {size_in_words(params.limit_mb * MEGABYTE)}"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        limit = int(params.limit_mb * MEGABYTE)
        return self.Outputs(text=await ctx.blocking(read_text, inputs.file, limit))


def read_text(file: FileRef, limit: int) -> str:
    """The text of a file of at most `limit` bytes.

    Raises:
        NodeError: it is gone, unreadable, too large, not text, or no longer what it was.
    """
    return as_utf8(bytes_of(file, "Read file", limit), Path(file.path), "Read file")
