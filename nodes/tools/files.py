"""The node `tool.files`: reading files of one folder."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field as Bounded

from patchbay.nodes.contract import (
    Context,
    DescribingNode,
    Field,
    NodeError,
    NodeParams,
    Ports,
    port,
)
from patchbay.nodes.home import from_flow
from patchbay.nodes.tools.folder import read_below
from patchbay.nodes.tools.tool import BoundTool, ToolName, langchain_tool

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class FilesTool(BoundTool):
    """Reads text files below `root`, at most `limit` bytes of each.

    A relative `root` starts at the folder of the flow.
    """

    backend: ClassVar[str] = "files"

    root: str
    limit: int = Bounded(20_000, ge=100, le=10_000_000)

    @property
    def repeatable(self) -> bool:
        """No: the files may be others by then."""
        return False

    def bind(self, ctx: Context) -> BaseTool:
        """The tool; it takes one `path`.

        Raises:
            NodeError: there is no such folder.
        """
        root = from_flow(self.root, ctx.folder)
        if not root.is_dir():
            raise NodeError(
                f"There is no folder {self.root!r} for the tool {self.name!r} to read.",
                fix="Name a folder that is there.",
                code="tool/no-such-folder",
                retry=False,
            )

        def read(path: str) -> str:
            return read_below(root, path, self.limit)

        about = "The path of a file in the folder; . lists what there is"
        return langchain_tool(self, read, {"path": (str, about)})


class ReadFiles(DescribingNode):
    """Let an agent read the text files of one folder, and nothing outside of it.

    Paths that lead out of the folder, by `..` or by a link, are refused. The agent can also ask
    what files there are.
    """

    kind, version = "tool.files", 1
    title, family, icon = "Read files", "Tools", "folder"
    synonyms = ("read file", "folder", "directory", "disk")

    class Params(NodeParams):
        root: str = Field("", max_length=1000, widget="folder")
        """The folder that may be read, with all in it. Relative to the flow's folder."""
        name: ToolName = Field("read_file")
        """What the agent calls it."""
        description: str = Field(
            "Reads a text file of the folder.", min_length=1, max_length=2000, widget="textarea"
        )
        """What the agent is told that it is for."""
        limit: int = Field(20_000, ge=100, le=10_000_000)
        """The most that is read of one file, in bytes."""

    class Outputs(Ports):
        tool: FilesTool = port(doc="The tool, for an agent.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The folder."""
        return params.root or "no folder chosen"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tool.

        Raises:
            NodeError: no folder is named.
        """
        if not params.root.strip():
            raise NodeError(
                "No folder is named for the agent to read.",
                fix="Fill in the param `root`.",
                param="root",
                code="tool/no-folder",
                retry=False,
            )
        return cls.Outputs(tool=FilesTool(**params.model_dump()))
