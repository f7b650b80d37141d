"""The node `tool.mcp`: the tools of an MCP server."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field as Bounded
from pydantic import JsonValue

from patchbay.nodes.contract import Context, DescribingNode, Field, NodeError, Ports, port
from patchbay.nodes.mcp.servers import McpParams, ServerPolicy, server_of
from patchbay.nodes.tools.ask_first import AskFirstTool
from patchbay.nodes.tools.tool import ToolKit, shortened
from patchbay.nodes.values import SecretRef

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class McpTools(ToolKit):
    """Tools of a server. `where` holds its settings; `only` names those that are taken."""

    backend: ClassVar[str] = "mcp"

    where: dict[str, JsonValue]
    key: SecretRef | None = None
    only: tuple[str, ...] = ()
    prefix: str = ""
    ask: tuple[dict[str, JsonValue], ...] = ()
    """When people are asked about a call: `ServerPolicy` as JSON."""
    seconds: float = Bounded(60, gt=0)

    def policy_of(self, tool: str) -> AskFirstTool | None:
        """What your own settings say about the server's tool counts first, then what the flow says.

        Raises:
            NodeError: the settings cannot be read.
        """
        name = tool.removeprefix(self.prefix)
        own = server_of(McpParams.model_validate(self.where)).ask
        said = (*own, *(ServerPolicy.model_validate(one) for one in self.ask))
        policy = next((one for one in said if one.fits(name)), None)
        if policy is None or policy.when == "never":
            return None
        return AskFirstTool(
            tool=self, when=policy.when, argument=policy.argument, pattern=policy.pattern
        )

    async def open_all(self, ctx: Context, stack: AsyncExitStack) -> list[BaseTool]:
        """The tools that the server offers now.

        Raises:
            NodeError: the server does not work, or lacks a tool that is wanted.
        """
        from patchbay.nodes.mcp.session import listed, session

        params = McpParams.model_validate({**self.where, "token": self.key})
        made = await stack.enter_async_context(session(params, ctx.secret))
        offered = {tool.name: tool for tool in await listed(made.list_tools, "tools")}
        lacking = [name for name in self.only if name not in offered]
        if lacking:
            there = ", ".join(offered) or "none"
            raise NodeError(
                f"The MCP server has no tool {lacking[0]!r}; there are: {there}.",
                fix="Correct the list of tools.",
                code="mcp/tool",
                retry=False,
            )
        wanted = self.only or tuple(offered)
        return [self._tool(made, offered[name]) for name in wanted]

    def _tool(self, made: Any, offered: Any) -> BaseTool:
        from patchbay.nodes.mcp.session import call
        from patchbay.nodes.tools.any_arguments import AnyArguments

        async def use(**arguments: Any) -> str:
            return shortened(await call(made, offered.name, arguments))

        return AnyArguments(
            name=f"{self.prefix}{offered.name}",
            description=offered.description or offered.title or offered.name,
            args_schema=offered.inputSchema,
            coroutine=use,
        )


class McpToolsNode(DescribingNode):
    """Let an agent use the tools of a server that speaks the Model Context Protocol.

    By address (streamable HTTP), or by the name of a server in your own settings, which may also be
    a program that is started. All tools of the server, or those that you list. Texts of a server
    reach your model: take servers that you trust.
    """

    kind, version = "tool.mcp", 1
    title, family, icon = "MCP tools", "Tools", "plug"
    synonyms = (
        "mcp", "model context protocol", "mcp client", "mcp server", "custom mcp", "slack",
        "github", "gmail", "notion", "connector", "integration",
    )  # fmt: skip
    requires = ("mcp",)

    class Params(McpParams):
        only: list[str] = Field([], max_length=200)
        """The tools that are taken. Empty: all of them."""
        prefix: str = Field("", pattern=r"^[a-z0-9_]{0,20}$")
        """What is put before the names, where two servers have tools of one name."""
        ask: list[ServerPolicy] = Field([], max_length=100)
        """When a person is asked before a tool is used; the first row that fits a tool counts."""

    class Outputs(Ports):
        tool: McpTools = port(doc="The tools, for an agent.")

    @classmethod
    def asks(cls, params: Params) -> bool:
        """Whether a person may be asked: by what is said here, or in your own settings."""
        try:
            own = server_of(params).ask
        except NodeError:
            own = ()
        return any(one.when != "never" for one in (*own, *params.ask))

    @classmethod
    def summary(cls, params: Params) -> str:
        """The server."""
        return params.server or params.url or "no server named"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tools. Nobody is asked anything."""
        own = set(McpParams.model_fields) - {"token"}
        return cls.Outputs(
            tool=McpTools(
                where=params.model_dump(mode="json", include=own),
                key=params.token,
                only=tuple(params.only),
                prefix=params.prefix,
                ask=tuple(one.model_dump(mode="json") for one in params.ask),
                seconds=params.seconds,
            )
        )
