"""A search of the web for agents."""

from __future__ import annotations

import json

from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.web.search_tool import WebSearchTool
from tests.nodes.tools.kit import tool_of
from tests.nodes.web.conftest import Site


async def test_an_agent_reads_titles_addresses_and_texts(site: Site):
    hits = [
        {
            "title": "Bees",
            "url": "https://a.example",
            "content": "b" * 100,
            "published_date": "2024",
        },
        {"title": "Wasps", "url": "https://w.example", "content": "Sting."},
    ]
    site.says("/search", json.dumps({"results": hits}))
    settings = {
        "service": "tavily", "base_url": site.url, "allow_loopback": True, "characters": 50,
        "api_key": {"secret": "MINE"},
    }  # fmt: skip
    tool = tool_of(WebSearchTool, settings).bind(RecordingContext(secrets={"MINE": "k"}))  # type: ignore[attr-defined]
    assert list(tool.args) == ["query"]
    said = await tool.ainvoke({"query": "bees"})
    assert said.startswith(f"[1] Bees (https://a.example) 2024\n{'b' * 50}\n… (cut")
    assert said.endswith("[2] Wasps (https://w.example)\nSting.")
    assert site.asked[0].headers["authorization"] == "Bearer k"
    site.answers.clear()
    site.says("/search", "{}")
    assert await tool.ainvoke({"query": "bees"}) == "Nothing was found."
