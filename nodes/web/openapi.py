"""The node `tool.openapi`: the operations of an interface as tools."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, JsonValue, model_validator

from patchbay.nodes.contract import (
    Context,
    DescribingNode,
    Field,
    NodeError,
    NodeParams,
    Ports,
    port,
)
from patchbay.nodes.home import from_flow
from patchbay.nodes.tools.fetch import FetchProblem, check_address
from patchbay.nodes.tools.send import Sending, send
from patchbay.nodes.tools.tool import ToolKit, shortened
from patchbay.nodes.values import SecretRef
from patchbay.nodes.web.api_document import CannotBeSent, NotOpenApi, parse
from patchbay.nodes.web.operations import ApiOperation, ListedOperation, listed, operation

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

MAX_BYTES = 20_000_000
MAX_OPERATIONS = 200


def _check_base(text: str) -> str:
    text = text.strip().rstrip("/")
    if text:
        check_address(text)
    return text


class OpenApiParams(NodeParams):
    """Which interface, and what of it."""

    document: str = Field("", max_length=1000, widget="file")
    """The OpenAPI 3 document: a file in JSON or YAML, relative to the flow's folder."""
    base_url: Annotated[str, AfterValidator(_check_base)] = Field("", max_length=2000)
    """The address of the interface. Empty: the first server that the document names."""
    only: list[str] = Field([], max_length=200)
    """The operations that are taken, by the names of the tools. Empty: all that may be."""
    writes: bool = Field(False)
    """Whether operations that change something (POST, PUT, PATCH, DELETE) are taken, too."""
    auth: Literal["none", "bearer", "header"] = Field("none")
    """How the secret is sent: as a bearer token, or under `auth_name`."""
    auth_name: str = Field("X-API-Key", max_length=200)
    """The header of the key, for `header`."""
    secret: SecretRef | None = Field(None, widget="secret")
    """The key."""
    allow_loopback: bool = Field(False)
    """Whether the interface may be on this very machine."""
    limit: int = Field(200_000, ge=100, le=100_000_000)
    """The most that is read of an answer, in bytes."""
    seconds: float = Field(60, gt=0, le=3600)
    """The longest that one call may take."""

    @model_validator(mode="after")
    def _makes_sense(self) -> OpenApiParams:
        if self.auth != "none" and self.secret is None:
            raise ValueError(f"auth is {self.auth}, but no secret is named")
        return self


class OpenApiTools(ToolKit):
    """Tools of an interface. `settings` are the params of the node without the key."""

    backend: ClassVar[str] = "openapi"

    settings: dict[str, JsonValue]
    key: SecretRef | None = None

    async def open_all(self, ctx: Context, stack: AsyncExitStack) -> list[BaseTool]:
        """The operations of the document.

        Raises:
            NodeError: it is not there, no OpenAPI document, or lacks what is wanted.
        """
        params = OpenApiParams.model_validate({**self.settings, "secret": self.key})
        found = await ctx.blocking(read_document, params, ctx.folder)
        key = ctx.secret(self.key) if self.key is not None and params.auth != "none" else ""
        return [_tool(one, params, key) for one in found]


def read_document(params: OpenApiParams, folder: Path | None) -> list[ApiOperation]:
    """The operations that are taken. Blocks.

    Raises:
        NodeError: it is not there, no OpenAPI document, or lacks what is wanted.
    """
    if not params.document.strip():
        raise _wrong("No document is named.", "Fill in the param `document`.", "document")
    file = from_flow(params.document, folder)
    try:
        with file.open("rb") as opened:
            data = opened.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            raise _wrong(f"{params.document!r} is larger than 20 MB.", "Take a part of it.")
        document = parse(data.decode("utf-8-sig"))
        return list(_usable(document, _wanted(listed(document), params), params))
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise _wrong(f"{params.document!r} cannot be read: {why}.", "Name a file.") from error
    except NotOpenApi as error:
        words = f"{params.document!r} is no OpenAPI document that can be used: {error}"
        raise _wrong(words, "Correct the document.") from error


def _usable(
    document: Mapping[str, Any], wanted: list[ListedOperation], params: OpenApiParams
) -> Iterator[ApiOperation]:
    """What the operations take. Those that can be sent nothing are left out, unless named."""
    for one in wanted:
        try:
            yield operation(document, one, params.base_url)
        except CannotBeSent:
            if params.only:
                raise


def _wanted(found: list[ListedOperation], params: OpenApiParams) -> list[ListedOperation]:
    allowed = {one.name: one for one in found if params.writes or one.method == "get"}
    for name in params.only:
        if name in allowed:
            continue
        if any(one.name == name for one in found):
            words = f"The operation {name!r} changes something, and `writes` is off."
            raise _wrong(words, "Switch `writes` on, or leave it out.")
        there = ", ".join(one.name for one in found[:30]) or "none"
        raise _wrong(f"There is no operation {name!r}; there are: {there}.", "Correct the list.")
    if params.only:
        return [allowed[name] for name in params.only]
    if len(allowed) > MAX_OPERATIONS:
        words = f"It has {len(allowed):,} operations, and at most {MAX_OPERATIONS} become tools."
        raise _wrong(words, "List those that you mean in `only`.")
    return list(allowed.values())


def _tool(one: ApiOperation, params: OpenApiParams, key: str) -> BaseTool:
    from patchbay.nodes.tools.any_arguments import AnyArguments

    base = params.base_url or one.server
    try:
        check_address(base)
    except FetchProblem as error:
        words = f"The document names no address that can be asked: {base[:200]!r}."
        raise _wrong(words, "Fill in `base_url`.") from error

    async def use(**given: Any) -> str:
        call = one.call(base, given)
        name = "Authorization" if params.auth == "bearer" else params.auth_name
        if key:
            value = f"Bearer {key}" if params.auth == "bearer" else key
            headers = {k: v for k, v in call.headers.items() if k.lower() != name.lower()}
            call = call.__class__(
                call.method,
                call.url,
                {**headers, name: value},
                call.body,
                frozenset({name.lower()}),
            )
        how = Sending(params.limit, params.allow_loopback)
        async with asyncio.timeout(params.seconds):
            reply = await send(call, how)
        said = shortened(reply.text())
        if reply.status >= 400:
            raise NodeError(f"Status {reply.status}: {said}", code="tool/failed", retry=False)
        return said or f"Status {reply.status}, and no text."

    return AnyArguments(
        name=one.name, description=one.about, args_schema=one.schema(), coroutine=use
    )


class OpenApiNode(DescribingNode):
    """Let an agent use a web interface that an OpenAPI document describes: a tool per operation.

    The document is a file and is read as data; no address in it is opened but the interface's own,
    which is judged as in *HTTP request*. Operations that change something are left out unless you
    let them in.
    """

    kind, version = "tool.openapi", 1
    title, family, icon = "OpenAPI tools", "Tools", "plug"
    synonyms = (
        "openapi", "swagger", "api", "rest", "openapi toolkit", "actions", "custom tool",
        "web service",
    )  # fmt: skip

    class Params(OpenApiParams):
        """Which interface, and what of it."""

    class Outputs(Ports):
        tool: OpenApiTools = port(doc="The tools, for an agent.")

    @classmethod
    def summary(cls, params: Params) -> str:
        """The document."""
        return params.document or "no document named"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tools; the document is not read yet."""
        settings = params.model_dump(mode="json", exclude={"secret"})
        return cls.Outputs(tool=OpenApiTools(settings=settings, key=params.secret))


def _wrong(message: str, fix: str, param: str | None = None) -> NodeError:
    return NodeError(message, fix=fix, param=param, code="openapi/document", retry=False)
