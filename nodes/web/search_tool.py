"""The node `tool.web_search`: a search of the web for agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from pydantic import JsonValue

from patchbay.nodes.contract import Context, DescribingNode, Field, Ports, port
from patchbay.nodes.tools.tool import BoundTool, ToolName, langchain_tool, shortened
from patchbay.nodes.values import SecretRef
from patchbay.nodes.web.search import WebSearchParams, search_web

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class WebTool(BoundTool):
    """Searches the web. `search` holds the settings, at most `characters` of a hit are told."""

    backend: ClassVar[str] = "web_search"

    search: dict[str, JsonValue]
    key: SecretRef | None = None
    characters: int = 1000

    @property
    def repeatable(self) -> bool:
        """Never: the web is not ours."""
        return False

    def bind(self, ctx: Context) -> BaseTool:
        """The tool; it takes one `query`."""
        params = WebSearchParams.model_validate({**self.search, "api_key": self.key})

        async def search(query: str) -> str:
            hits = await search_web(query, params, ctx.secret)
            if not hits:
                return "Nothing was found."
            return "\n\n".join(
                f"[{number}] {hit.title} ({hit.url}){f' {hit.date}' if hit.date else ''}\n"
                f"{shortened(hit.text, self.characters)}"
                for number, hit in enumerate(hits, 1)
            )

        return langchain_tool(self, search, {"query": (str, "What to look for, in a few words")})


class WebSearchTool(DescribingNode):
    """Let an agent search the web; it reads title, address and text of each hit.

    Brave, Google, Serper, SerpAPI, Tavily, a SearXNG of your own, arXiv or Wikipedia.
    """

    kind, version = "tool.web_search", 1
    title, family, icon = "Web search", "Tools", "globe"
    synonyms = (
        "google", "brave", "serper", "serpapi", "tavily", "searxng", "arxiv", "wikipedia",
        "internet", "search engine", "bing", "duckduckgo",
    )  # fmt: skip

    class Params(WebSearchParams):
        name: ToolName = Field("web_search")
        """What the agent calls it."""
        description: str = Field(
            "Searches the web and gives titles, addresses and texts of what is found.",
            min_length=1,
            max_length=2000,
            widget="textarea",
        )
        """What the agent is told that it is for."""
        characters: int = Field(1000, ge=50, le=100_000)
        """How much of each hit the agent gets to read, in characters."""

    class Outputs(Ports):
        tool: WebTool = port(doc="The tool, for an agent.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The service."""
        return f"{params.service}, {params.results} hits"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tool."""
        own = set(WebSearchParams.model_fields) - {"api_key"}
        return cls.Outputs(
            tool=WebTool(
                name=params.name,
                description=params.description,
                seconds=params.seconds,
                search=params.model_dump(mode="json", include=own),
                key=params.api_key,
                characters=params.characters,
            )
        )
