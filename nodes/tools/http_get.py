"""The node `tool.http_get`: reading web pages and interfaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import Field as Bounded

from patchbay.nodes.contract import DescribingNode, Field, NodeParams, Ports, port
from patchbay.nodes.tools.tool import LocalTool, ToolName, langchain_tool
from patchbay.nodes.units import duration, size_in_words
from patchbay.nodes.values import Opening

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class HttpGetTool(LocalTool):
    """Fetches the text at an address, at most `limit` bytes of it."""

    backend: ClassVar[str] = "http"

    limit: int = Bounded(50_000, ge=100, le=10_000_000)
    allow_loopback: bool = False

    @property
    def repeatable(self) -> bool:
        """Never: the network is not ours."""
        return False

    def open(self, opening: Opening) -> BaseTool:
        """The tool; it takes one `url`."""
        from patchbay.nodes.tools.fetch import fetch

        async def get(url: str) -> str:
            return await fetch(url.strip(), limit=self.limit, loopback=self.allow_loopback)

        return langchain_tool(self, get, {"url": (str, "An http:// or https:// address")})


class HttpGet(DescribingNode):
    """Let an agent read a web page or ask an interface, by HTTP GET.

    Private and link-local addresses are refused after the name is resolved, redirects are checked
    like the first address, and size and time are bounded. Of an HTML page the agent gets the text.
    Nothing is sent but the address.
    """

    kind, version = "tool.http_get", 1
    title, family, icon = "HTTP GET", "Tools", "globe"
    synonyms = ("web page", "url", "fetch", "scrape", "browser", "api", "requests", "curl")

    class Params(NodeParams):
        name: ToolName = Field("http_get")
        """What the agent calls it."""
        description: str = Field(
            "Gets the text at a web address.", min_length=1, max_length=2000, widget="textarea"
        )
        """What the agent is told that it is for."""
        limit: int = Field(50_000, ge=100, le=10_000_000)
        """The most that is read, in bytes."""
        seconds: float = Field(15, gt=0, le=600)
        """The longest that a call may take, redirects included."""
        allow_loopback: bool = Field(False)
        """Whether the agent may also ask servers on this very machine."""

    class Outputs(Ports):
        tool: HttpGetTool = port(doc="The tool, for an agent.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The bounds."""
        own = " · this machine too" if params.allow_loopback else ""
        return f"{size_in_words(params.limit)} in {duration(params.seconds)}{own}"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tool."""
        return cls.Outputs(tool=HttpGetTool(**params.model_dump()))
