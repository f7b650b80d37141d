"""The node `prompt.mcp`: a prompt of an MCP server as messages."""

from __future__ import annotations

from typing import Any

from patchbay.nodes.contract import Context, Field, Node, NodeError, Ports, port
from patchbay.nodes.mcp.servers import McpParams
from patchbay.nodes.names import Name
from patchbay.nodes.values import Message, Promptable, as_text


class McpPrompt(Node):
    """Take a prompt that an MCP server offers, filled with what is wired in, as messages."""

    kind, version = "prompt.mcp", 1
    title, family, icon = "MCP prompt", "Tools", "plug"
    synonyms = ("mcp", "model context protocol", "prompt library", "template")
    requires = ("mcp",)
    deterministic = False

    class Params(McpParams):
        prompt: str = Field("", max_length=200)
        """The name of the prompt."""
        arguments: list[Name] = Field([], max_length=50)
        """What the prompt asks for; each becomes an input."""

    class Outputs(Ports):
        messages: list[Message] = port(doc="The prompt.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        """A port for each argument."""
        return Ports.of(
            {name: (Promptable, port(doc=f"The argument {name}.")) for name in params.arguments}
        )

    @classmethod
    def summary(cls, params: Params) -> str:
        """The prompt."""
        return params.prompt or params.server or params.url

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Outputs:
        """Ask for it."""
        from mcp.shared.exceptions import McpError

        from patchbay.nodes.mcp.session import contents, listed, session

        given: dict[str, Any] = {n: as_text(value) for n, value in inputs.as_dict().items()}
        async with session(params, ctx.secret) as made:
            try:
                found = await made.get_prompt(params.prompt, given)
            except McpError as error:
                offered = await listed(made.list_prompts, "prompts")
                there = "; ".join(
                    f"{one.name}({', '.join(a.name for a in one.arguments or [])})"
                    for one in offered[:20]
                )
                raise NodeError(
                    f"The MCP server gives no prompt {params.prompt!r}: {error}",
                    fix=f"It offers: {there or 'none'}.",
                    code="mcp/prompt",
                    retry=False,
                ) from error
        messages = [Message(role=m.role, content=contents([m.content])) for m in found.messages]
        return self.Outputs(messages=messages)
