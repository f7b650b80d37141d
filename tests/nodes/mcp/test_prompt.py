"""A prompt of a real MCP server."""

from __future__ import annotations

from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.mcp.prompt import McpPrompt
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import Message


def test_a_prompt_becomes_messages(settings: Path):
    params = {"server": "shop", "prompt": "greet", "arguments": ["name"]}
    outputs = run_node(McpPrompt, params, {"name": "Ada"})
    assert outputs["messages"] == [Message(role="user", content="Say hello to Ada.")]


def test_what_is_not_there_is_said_with_what_is(settings: Path):
    with pytest.raises(NodeError) as failure:
        run_node(McpPrompt, {"server": "shop", "prompt": "bye"})
    assert failure.value.code == "mcp/prompt"
    assert "It offers: greet(name)." in failure.value.fix
