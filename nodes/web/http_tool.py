"""The node `tool.http`: one HTTP request as a tool for agents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import JsonValue

from patchbay.nodes.contract import (
    Context,
    DescribingNode,
    Field,
    InputField,
    NodeError,
    Ports,
    port,
)
from patchbay.nodes.tools.asked import read, schema_of
from patchbay.nodes.tools.tool import BoundTool, ToolName, shortened
from patchbay.nodes.values import SecretRef
from patchbay.nodes.web.http_request import ask_server
from patchbay.nodes.web.http_template import RequestParams, make_call

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool


class HttpTool(BoundTool):
    """Sends one request, whose variables the model fills. `request` holds the params of it."""

    backend: ClassVar[str] = "http_request"

    request: dict[str, JsonValue]
    key: SecretRef | None = None

    @property
    def repeatable(self) -> bool:
        """Never: the network is not ours."""
        return False

    def bind(self, ctx: Context) -> BaseTool:
        """The tool; its arguments are the variables of the request."""
        params = RequestParams.model_validate({**self.request, "secret": self.key})
        asked = f"{params.method} {params.url}"
        fields = [
            InputField(name, "text", True, description=f"What {{{name}}} stands for in {asked}")
            for name in params.names()
        ]

        async def request(**given: Any) -> str:
            call = make_call(params, read(fields, given), ctx.secret)
            reply = await ask_server(call, params, ctx)
            said = shortened(reply.text())
            if reply.status >= 400:
                raise NodeError(f"Status {reply.status}: {said}", retry=False)
            return said or f"Status {reply.status}, and no text."

        from patchbay.nodes.tools.any_arguments import AnyArguments

        return AnyArguments(
            name=self.name,
            description=self.description,
            args_schema=schema_of(fields),  # no model of Pydantic's, which takes not every name
            coroutine=request,
        )


class HttpAsTool(DescribingNode):
    """Let an agent send one HTTP request: the {variables} are the arguments that it fills.

    Everything else of the request is fixed by you: method, host, headers, key. The bounds are those
    of *HTTP request*.
    """

    kind, version = "tool.http", 1
    title, family, icon = "HTTP tool", "Tools", "globe"
    synonyms = (
        "requests tool", "post tool", "api tool", "webhook", "rest", "custom tool", "requests get",
        "requests post",
    )  # fmt: skip

    class Params(RequestParams):
        name: ToolName = Field("http_request")
        """What the agent calls it."""
        description: str = Field(
            "Asks a web service.", min_length=1, max_length=2000, widget="textarea"
        )
        """What the agent is told that it is for."""

    class Outputs(Ports):
        tool: HttpTool = port(doc="The tool, for an agent.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The method and the address."""
        return f"{params.method} {params.url}"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tool."""
        own = set(RequestParams.model_fields) - {"secret"}
        request = params.model_dump(mode="json", include=own)
        return cls.Outputs(
            tool=HttpTool(
                name=params.name,
                description=params.description,
                seconds=params.seconds,
                request=request,
                key=params.secret,
            )
        )
