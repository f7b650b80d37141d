"""A resource of a real MCP server."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.mcp.resource import McpResource
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import Document


def test_a_resource_becomes_documents(settings: Path):
    outputs = run_node(McpResource, {"server": "shop"}, {"uri": "shop://hours"})
    assert outputs["text"] == "From eight to four."
    assert outputs["documents"] == [
        Document(text="From eight to four.", metadata={"source": "shop://hours"})
    ]


@pytest.mark.parametrize("uri", ["shop://nothing", "", "no address"])
def test_what_is_not_there_is_said_with_what_is(settings: Path, uri: str):
    with pytest.raises(NodeError) as failure:
        run_node(McpResource, {"server": "shop"}, {"uri": uri})
    assert failure.value.code == "mcp/resource"
    assert "It offers: shop://hours." in failure.value.fix
