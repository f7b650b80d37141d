"""The node `tool.mcp_resource`: a resource of an MCP server as documents."""

from __future__ import annotations

from patchbay.nodes.contract import Context, Field, Node, NodeError, Ports, port
from patchbay.nodes.mcp.servers import McpParams
from patchbay.nodes.values import Document


class McpResource(Node):
    """Read a resource of an MCP server: a file, a page, a record that it offers by an address."""

    kind, version = "tool.mcp_resource", 1
    title, family, icon = "MCP resource", "Tools", "plug"
    synonyms = ("mcp", "model context protocol", "resource", "read")
    requires = ("mcp",)
    deterministic = False

    class Params(McpParams):
        uri: str = Field("", max_length=2000)
        """The address of the resource, as the server writes it. A wire takes its place."""

    class Inputs(Ports):
        uri: str | None = port(None, doc="Takes the place of the param.")

    class Outputs(Ports):
        documents: list[Document] = port(doc="What the resource holds.")
        text: str = port(doc="The same as text.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The resource."""
        return params.uri or params.server or params.url

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        """Read it."""
        from mcp.shared.exceptions import McpError
        from pydantic import AnyUrl, TypeAdapter, ValidationError

        from patchbay.nodes.mcp.session import listed, session

        uri = (params.uri if inputs.uri is None else inputs.uri).strip()
        async with session(params, ctx.secret) as made:
            try:
                found = await made.read_resource(TypeAdapter(AnyUrl).validate_python(uri))
            except (McpError, ValidationError) as error:
                offered = await listed(made.list_resources, "resources")
                there = ", ".join(str(one.uri) for one in offered[:20]) or "none"
                raise NodeError(
                    f"The MCP server gives no resource {uri!r}: {error}",
                    fix=f"It offers: {there}.",
                    port="uri",
                    code="mcp/resource",
                    retry=False,
                ) from error
        documents = [
            Document(text=text, metadata={"source": str(one.uri)})
            for one in found.contents
            if (text := str(getattr(one, "text", "")))
        ]
        if not documents:
            await ctx.warn("The resource holds no text.")
        return self.Outputs(documents=documents, text="\n\n".join(d.text for d in documents))
