"""Which MCP server is meant: an address in the flow, or a name from the person's own settings.

Programs are started only from the settings file, `settings.toml` below the home folder: a flow from
elsewhere can name a server that you have, and never a command.

    [mcp.servers.files]
    command = "uvx"
    args = ["mcp-server-files", "/home/me/notes"]
    env = ["HOME"]

    [mcp.servers.tickets]
    url = "https://tickets.example/mcp"
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError, model_validator
from pydantic import Field as PydanticField

from patchbay.nodes.contract import Field, NodeParams
from patchbay.nodes.errors import NodeError
from patchbay.nodes.settings import SETTINGS, section, settings_file
from patchbay.nodes.tools.ask_first import Pattern, When, check_when
from patchbay.nodes.tools.fetch import check_address
from patchbay.nodes.values import SecretRef


def _check_url(text: str) -> str:
    text = text.strip()
    if text:
        check_address(text)
    return text


class ServerPolicy(BaseModel):
    """When a person is asked before a tool is used; of several the first that fits counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tool: str = PydanticField("*", max_length=200)
    """The name of the tool; `*` stands for any letters."""
    when: When = "always"
    """When a person is asked."""
    argument: str = PydanticField("", max_length=200)
    """For `an argument matches`: which one. Empty: any of them."""
    pattern: Pattern = PydanticField("", max_length=1000)
    """For `an argument matches`: a regular expression that is looked for in it."""

    @model_validator(mode="after")
    def _makes_sense(self) -> ServerPolicy:
        check_when(self.when, self.pattern)
        return self

    def fits(self, tool: str) -> bool:
        """Whether it says something about a tool."""
        return fnmatchcase(tool, self.tool)


class McpServer(BaseModel):
    """A server as a person has written it down. `env` names variables that the program gets."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    command: str = ""
    args: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    cwd: str | None = None
    url: str = ""
    loopback: bool = True
    ask: tuple[ServerPolicy, ...] = ()
    """When you are asked before a tool of it is used, whatever a flow says."""
    scope: str = ""
    """What a sign-in asks for; "" leaves it to the server."""
    client_id: str = ""
    """The client that a sign-in is for, where the server registers none by itself."""
    callback_port: int = PydanticField(0, ge=0, le=65535)
    """The port that the browser comes back to, where the server wants a certain one."""

    @model_validator(mode="after")
    def _one_way(self) -> McpServer:
        if bool(self.command) == bool(self.url):
            raise ValueError("give command or url")
        return self


class McpParams(NodeParams):
    """Where the server is."""

    server: str = Field("", max_length=100)
    """The name of a server in your settings (`[mcp.servers.NAME]` in settings.toml)."""
    url: Annotated[str, AfterValidator(_check_url)] = Field("", max_length=2000)
    """The address of a server that speaks streamable HTTP, such as https://example.org/mcp; in
    place of a name."""
    token: SecretRef | None = Field(None, widget="secret")
    """A token that the server wants, sent as `Authorization: Bearer`."""
    allow_loopback: bool = Field(False)
    """Whether the address may be on this very machine."""
    seconds: float = Field(60, gt=0, le=3600)
    """The longest that one request may take."""

    @model_validator(mode="after")
    def _not_both(self) -> McpParams:
        if self.server and self.url:
            raise ValueError("give the name of a server or an address, not both")
        return self


def server_of(params: McpParams, env: Mapping[str, str] = os.environ) -> McpServer:
    """The server that is meant.

    Raises:
        NodeError: none is named, or the settings do not have it.
    """
    if params.url:
        return McpServer(url=params.url, loopback=params.allow_loopback)
    known = servers(settings_file(env))
    if params.server in known:
        return known[params.server]
    there = ", ".join(known) or "none"
    words = f"There is no MCP server {params.server!r} in your settings; there are: {there}."
    if not params.server:
        words = "No MCP server is named."
    raise _problem(words, f"Fill in `url`, or add it to {SETTINGS} below the home folder.")


def named_server(text: str, env: Mapping[str, str] = os.environ) -> McpServer:
    """The server that a person means by a name of the settings or an address.

    Raises:
        NodeError: there is none.
    """
    if "://" in text:
        by_url = (s for s in servers(settings_file(env)).values() if s.url == text)
        return next(by_url, None) or McpServer(url=text)
    return server_of(McpParams(server=text), env)


def servers(file: Path) -> dict[str, McpServer]:
    """The servers in a settings file, by name; none where there is no such file.

    Raises:
        NodeError: the file cannot be read, or says something else.
    """
    said = section("mcp", file)
    given = said.get("servers", {})
    if not isinstance(given, dict) or said.keys() - {"servers"}:
        words = f"[mcp] in {file.name} holds tables [mcp.servers.NAME], and nothing else."
        raise _problem(words, f"Correct {file}.")
    found: dict[str, McpServer] = {}
    for name, one in given.items():
        try:
            found[name] = McpServer.model_validate(one)
        except ValidationError as error:
            why = "; ".join(f"{'.'.join(map(str, e['loc']))} {e['msg']}" for e in error.errors())
            words = f"The MCP server {name!r} in {file.name} is not written as it should be: {why}"
            raise _problem(words, f"Correct {file}.") from error
    return found


def _problem(message: str, fix: str) -> NodeError:
    return NodeError(message, fix=fix, code="mcp/server", retry=False)
