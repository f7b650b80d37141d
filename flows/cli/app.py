"""The commands of `patchbay`, put together. Only the one that is asked for is imported."""

from __future__ import annotations

import gc
import importlib
import os
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from patchbay.flows.cli.say import out

COMMANDS: Mapping[str, tuple[str, str]] = {
    "run": ("run:run", "Run a flow and print what it gives."),
    "batch": (
        "batch:batch",
        "Run a flow over the rows of a table, and write what it gives as columns.",
    ),
    "validate": (
        "look:validate",
        "Say everything that is wrong with flows: code, place, fix. Exit 1 if anything is an "
        "error.",
    ),
    "show": ("look:show", "Show a flow as text or as a diagram."),
    "export": (
        "exporting:export",
        "Write a flow as a Python script, a notebook, a LangGraph graph, or a file of another "
        "builder.",
    ),
    "diff": ("merging:diff", "Say what changed between two flows, in words or as a picture."),
    "merge": ("merging:merge_flows", "Merge two edits of a flow by nodes; git can use it."),
    "git-setup": ("merging:git_setup", "Let git merge the flows of a repository by nodes."),
    "import": (
        "imports:import_flows",
        "Bring a flow of Flowise, Langflow, CrewAI, Haystack, Dify or n8n, with a report.",
    ),
    "nodes": (
        "look:nodes",
        "List the catalog, or describe one kind of node: its params and ports.",
    ),
    "models": ("models:app", "List, fetch and remove weights of models."),
    "mcp": ("mcp:app", "Serve flows as MCP tools; list MCP servers, and sign in at hosted ones."),
    "chat": ("chat:chat", "Talk to a flow in the terminal; the conversation is kept."),
    "threads": (
        "threads:app",
        "List, show, rename, move, branch, export and delete conversations.",
    ),
    "runs": ("runs:runs", "List recorded runs, newest first, or the events of one."),
    "inbox": (
        "inbox:inbox",
        "List the open questions of all runs: who is asked, what, since when, until when.",
    ),
    "answer": (
        "answer:answer",
        "Answer a question of a recorded run. Where nobody has the run, it goes on here.",
    ),
    "triggers": (
        "triggers:app",
        "List, add, remove and try what starts flows by itself: schedules and webhooks.",
    ),
    "experiment": (
        "experiment:experiment",
        "Run a flow in variants over cases, and say which is better and by how much.",
    ),
    "serve": ("serve:serve", "Serve flows over HTTP, to programs, OpenAI's clients and browsers."),
    "bundle": (
        "bundle:bundle",
        "Put a flow and all that it needs into one file, for a machine without internet.",
    ),
    "doctor": (
        "doctor:doctor",
        "Say what is here and what is missing: GPUs, memory, disk, packages, servers, cluster.",
    ),
    "studio": (
        "studio:studio",
        "Open the studio in the browser.",
    ),
}
"""Command → "module:function" in this folder, and the line about it in `patchbay --help`."""


def build(asked: str | None = None) -> typer.Typer:
    """The program.

    Args:
        asked: the one command that will be called; the others are there by name and help alone.
            None imports them all.
    """
    app = typer.Typer(
        name="patchbay",
        help="Draw flows of language models, run them anywhere.",
        no_args_is_help=True,
        add_completion=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name, (_, text) in COMMANDS.items():
        if asked is not None and name != asked:
            app.command(name, help=text)(_not_asked)
            continue
        command = loaded(name)
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
    return app


def loaded(name: str) -> Any:
    """The function (or group) of a command, imported."""
    module, _, member = COMMANDS[name][0].partition(":")
    return getattr(importlib.import_module(f"patchbay.flows.cli.{module}"), member)


def asked_in(arguments: list[str]) -> str | None:
    """The command that a command line asks for: "" for none, None when all must be known."""
    if "_PATCHBAY_COMPLETE" in os.environ:  # the shell wants to know every option
        return None
    return next((word for word in arguments if not word.startswith("-")), "")


def _not_asked() -> None:
    raise NotImplementedError("another command was asked for")


def _version(wanted: bool) -> None:
    if wanted:
        from patchbay.flows.cli.version import line

        out(line())
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Say the version.")
    ] = False,
) -> None:
    """Options of `patchbay` itself. Its help is the one above."""
    gc.enable()
