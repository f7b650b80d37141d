"""`patchbay mcp`: the MCP servers of your settings, signing in at hosted ones, and being one."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from patchbay.flows.cli import say
from patchbay.flows.cli.mcp_tools import serve_tools
from patchbay.flows.cli.options import Debug
from patchbay.nodes.contract import NodeError


class ServesByDefault(TyperGroup):
    """`patchbay mcp FLOWS…` is `patchbay mcp serve FLOWS…`: what is no command is a flow."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command before the name of a file."""
        if args and not args[0].startswith("-") and args[0] not in self.commands:
            args = ["serve", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=ServesByDefault,
    help="Serve flows as MCP tools; list MCP servers, and sign in at hosted ones.",
    rich_markup_mode=None,
)
app.command("serve")(serve_tools)


@app.callback(invoke_without_command=True)
def mcp(
    context: typer.Context,
    debug: Debug = False,
) -> None:
    """List the servers of your settings: how each is reached, whether you are signed in."""
    if context.invoked_subcommand is not None:
        return
    from patchbay.nodes.mcp.oauth import SignIn
    from patchbay.nodes.mcp.servers import servers
    from patchbay.nodes.settings import settings_file

    file = settings_file()
    with say.nodes_words():
        found = servers(file)
    if not found:
        say.out(f"There are no servers in {file}.")
    for name, server in found.items():
        here = "signed in" if server.url and SignIn(server.url).there else "not signed in"
        say.out(f"{name}  {server.url or server.command}" + (f"  {here}" if server.url else ""))


@app.command()
def login(
    server: Annotated[str, typer.Argument(help="A name of your settings, or an address.")],
    browser: Annotated[bool, typer.Option(help="Open the browser.")] = True,
    minutes: Annotated[float, typer.Option(min=0.1, max=60, help="How long to wait.")] = 5,
    debug: Debug = False,
) -> None:
    """Sign in at a server by OAuth. The tokens lie in your home folder, for you alone."""
    from patchbay.nodes.mcp.servers import named_server
    from patchbay.nodes.mcp.sign_in import sign_in

    async def show(address: str) -> None:
        say.err(f"Open this address and agree:\n{address}")
        if browser:
            import webbrowser

            webbrowser.open(address)

    with say.nodes_words():
        meant = named_server(server)
        if not meant.url:
            raise NodeError(f"{server!r} is a program, which needs no sign-in.", code="mcp/sign-in")
        tools = asyncio.run(sign_in(meant, server, show, wait_s=minutes * 60))
    say.out(f"Signed in at {server}. Its tools: {', '.join(tools) or 'none'}.")


@app.command()
def logout(
    server: Annotated[str, typer.Argument(help="A name of your settings, or an address.")],
    debug: Debug = False,
) -> None:
    """Forget the tokens of a server."""
    from patchbay.nodes.mcp.oauth import SignIn
    from patchbay.nodes.mcp.servers import named_server

    with say.nodes_words():
        meant = named_server(server)
    gone = bool(meant.url) and SignIn(meant.url).forget()
    say.out(f"Signed out of {server}." if gone else f"Nobody was signed in at {server}.")
