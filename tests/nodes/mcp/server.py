"""A real MCP server for tests: `python server.py` speaks over standard input and output."""

from __future__ import annotations

import os

from mcp.server.fastmcp import FastMCP

server = FastMCP("shop", stateless_http=True)


@server.tool()
def price(item: str, count: int = 1) -> str:
    """The price of an item."""
    if item == "gold":
        raise ValueError("gold is not sold")
    return f"{count} {item}: {count * 2}"


@server.tool()
def variables() -> str:
    """Which variables of the environment this program sees."""
    return ",".join(sorted(name for name in os.environ if name.startswith("SHOP_")))


@server.resource("shop://hours")
def hours() -> str:
    """When the shop is open."""
    return "From eight to four."


@server.prompt()
def greet(name: str) -> str:
    """Greets somebody."""
    return f"Say hello to {name}."


if __name__ == "__main__":
    server.run()
