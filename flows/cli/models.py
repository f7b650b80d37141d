"""`patchbay models`: the weights on this machine."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated, Any

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug, Json
from patchbay.flows.cli.watch import StatusLine
from patchbay.flows.runs.events import NodeProgress
from patchbay.nodes.units import size_in_words

app = typer.Typer(help="List, fetch and remove weights of models.", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def models(
    context: typer.Context,
    as_json: Json = False,
    every: Annotated[
        bool, typer.Option("--all", help="Also the catalogue, and what other programs have.")
    ] = False,
    debug: Debug = False,
) -> None:
    """List named weights: what is here, what it weighs, where it comes from."""
    if context.invoked_subcommand is not None:
        return
    from patchbay.nodes.weights.resolve import listing

    found = listing()
    if as_json:
        rows: list[dict[str, Any]] = [{**asdict(i), "path": str(i.path)} for i in found]
        say.out(json.dumps(rows, ensure_ascii=False, indent=2))
        return
    for info in found:
        here = "here" if info.present else "not fetched"
        bits = f"  {info.bits_per_weight:.1f} bits/weight" if info.bits_per_weight else ""
        say.out(f"{info.name}  {here}  {size_in_words(info.size)}{bits}  {info.license}")
        say.out(f"    from {info.source}")
        say.out(f"    sha256 {info.sha256}")
        if info.present:
            say.out(f"    in {info.path}")
    if every:
        _others()


def _others() -> None:
    """What Hugging Face's programs and Ollama keep here, and what can be fetched."""
    from patchbay.nodes.weights.catalogue import CATALOGUE
    from patchbay.nodes.weights.listed_model import FACTS
    from patchbay.nodes.weights.on_disk import on_disk

    for one in on_disk():
        say.out(f"{one.reference}  in {one.store}'s store  {size_in_words(one.size)}")
    for listed in CATALOGUE:
        if not listed.named:
            about = "" if listed.pinned else "about "
            say.out(f"{listed.reference}  {about}{size_in_words(listed.size)}")
            say.out(f"    {'; '.join(listed.stated(fact) for fact in FACTS)}")


@app.command()
def search(
    words: Annotated[list[str], typer.Argument(help="What to look for, or owner/repo.")],
    debug: Debug = False,
) -> None:
    """Search a Hugging Face hub for GGUF files; with the name of a repository, list its files."""
    from patchbay.nodes.weights.hub_search import hub_files, search_hub

    wanted = " ".join(words)
    with say.nodes_words():
        if wanted.count("/") == 1 and " " not in wanted:
            for file in hub_files(wanted):
                say.out(f"{file.reference}  {size_in_words(file.size)}")
            return
        for model in search_hub(wanted):
            terms = model.license or "license: see the repository"
            say.out(f"{model.repo}  {model.downloads:,} downloads  {terms}")


@app.command()
def pull(
    name: Annotated[str, typer.Argument(help="A name, a path, hf:owner/repo/file, ollama:name.")],
    debug: Debug = False,
) -> None:
    """Fetch weights, unless they are here."""
    from patchbay.nodes.weights.resolve import resolve

    line = StatusLine(enabled=True)

    def report(label: str, done: float, total: float | None) -> None:
        line.progress(NodeProgress(at=0.0, node="", label=label, done=done, total=total))

    with say.nodes_words():
        try:
            path = resolve(name, report)
        finally:
            line.clear()
    say.out(str(path))


@app.command()
def remove(
    name: Annotated[str, typer.Argument(help="The name of fetched weights.")],
    debug: Debug = False,
) -> None:
    """Remove fetched weights from this machine."""
    from patchbay.nodes.weights.resolve import delete

    with say.nodes_words():
        say.err("Removed." if delete(name) else "There was nothing to remove.")
