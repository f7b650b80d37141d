"""The node `tool.search_web`: a search of the web as a step."""

from __future__ import annotations

from patchbay.nodes.contract import Context, Node, Ports, port
from patchbay.nodes.tools.send import told_waits
from patchbay.nodes.values import Document, Table
from patchbay.nodes.web.search import WebSearchParams, search_web


class SearchWeb(Node):
    """Search the web, and give what is found as documents.

    Brave, Google, Serper, SerpAPI, Tavily, a SearXNG of your own, arXiv or Wikipedia; whichever it
    is, a document holds the text of a hit, with title and address as `title` and `source`.
    """

    kind, version = "tool.search_web", 1
    title, family, icon = "Search the web", "Tools", "globe"
    synonyms = (
        "web search", "google", "brave", "serper", "serpapi", "tavily", "searxng", "arxiv",
        "wikipedia", "internet", "bing", "duckduckgo",
    )  # fmt: skip
    deterministic = False

    class Params(WebSearchParams):
        """How the web is searched."""

    class Inputs(Ports):
        query: str = port(doc="What to look for.")

    class Outputs(Ports):
        documents: list[Document] = port(doc="What was found, the best first.")
        table: Table = port(doc="Title, address and text of each hit.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The service."""
        return f"{params.service}, {params.results} hits"

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Search."""
        hits = await search_web(inputs.query, params, ctx.secret, told_waits(ctx))
        if not hits:
            await ctx.warn(f"{params.service} finds nothing for {inputs.query[:80]!r}.")
        documents = [
            Document(
                text=hit.text or hit.title,
                metadata={"title": hit.title, "source": hit.url}
                | ({"date": hit.date} if hit.date else {}),
            )
            for hit in hits
        ]
        rows = tuple((hit.title, hit.url, hit.text) for hit in hits)
        table = Table(columns=("title", "address", "text"), rows=rows, title="Hits")
        return self.Outputs(documents=documents, table=table)
