"""`patchbay diff`, `merge` and `git-setup`: flows compared and merged by nodes, not by lines."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug
from patchbay.flows.document.model import NodeInstance
from patchbay.flows.document.reading import read_flow
from patchbay.flows.problems import FlowError

DRIVER = "patchbay"


def diff(
    old: Annotated[Path, typer.Argument(help="The flow as it was.")],
    new: Annotated[Path, typer.Argument(help="The flow as it is.")],
    mermaid: Annotated[
        bool, typer.Option(help="As a Mermaid diagram: added, changed and removed nodes marked.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The sentences as a JSON list.")] = False,
    debug: Debug = False,
) -> None:
    """Say what changed between two flows, in words or as a picture.

    The exit status is 1 if anything did, as `diff` has it.
    """
    from patchbay.flows.document.diff import changes

    before, after = read_flow(old), read_flow(new)
    lines = changes(before, after)
    if mermaid:
        from patchbay.flows.exchange.difference import to_picture
        from patchbay.flows.runs.defaults import default_catalog

        say.out(to_picture(before, after, default_catalog()), end="")
    elif as_json:
        say.out(json.dumps(lines, ensure_ascii=False, indent=2))
    else:
        for line in lines:
            say.out(line)
        if not lines:
            say.err("no difference")
    sys.exit(1 if lines else 0)


def merge_flows(
    base: Annotated[Path, typer.Argument(help="What both started from.")],
    ours: Annotated[Path, typer.Argument(help="One side; it stays where both changed the same.")],
    theirs: Annotated[Path, typer.Argument(help="The other side.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file to write.")
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="Write the side that is ours, as git wants it.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Merge two edits of a flow by nodes; git can use it.

    The exit status is 1 where both changed the same: a note on the canvas says so. Layout
    never conflicts, and two people who add nodes never do. Files that are no flows are merged by
    git's own means.
    """
    from patchbay.flows.document.writing import canonical_text, save_flow
    from patchbay.flows.exchange.three_way import merge, with_notes

    try:
        old, mine, other = read_flow(base), read_flow(ours), read_flow(theirs)
    except FlowError:
        if not in_place:
            raise
        sys.exit(_by_lines(base, ours, theirs))
    merged = merge(old, mine, other, many=_many())
    flow = with_notes(merged)
    target = ours if in_place else output
    if target is None:
        say.out(canonical_text(flow), end="")
    else:
        save_flow(flow, target)
    for conflict in merged.conflicts:
        say.err(f"conflict {conflict}")
    sys.exit(1 if merged.conflicts else 0)


def _many() -> Callable[[NodeInstance, str], bool]:
    from patchbay.flows.checks.resolve import resolve_node
    from patchbay.flows.runs.defaults import default_catalog

    catalog = default_catalog()

    def many(node: NodeInstance, port: str) -> bool:
        found = resolve_node(node, catalog).input(port)
        return found is None or found.type.many

    return many


def _by_lines(base: Path, ours: Path, theirs: Path) -> int:
    """What git does without a driver."""
    command = ["git", "merge-file", str(ours), str(base), str(theirs)]
    return min(subprocess.run(command, check=False).returncode, 1)


def git_setup(
    patterns: Annotated[
        list[str] | None, typer.Argument(help="Which files are flows; *.json by default.")
    ] = None,
    debug: Debug = False,
) -> None:
    """Let git merge the flows of a repository by nodes.

    Writes `.gitattributes`, which is committed, and the repository's own configuration, which is
    not: everyone who merges runs this once.
    """
    found = _git("rev-parse", "--show-toplevel")
    if found.returncode:
        fix = "Run it in a folder of a repository, or make one with: git init"
        raise say.usage("This folder is in no git repository.", fix)
    top = Path(found.stdout.strip())
    program = shutil.which("patchbay")
    command = f'"{program}"' if program else f'"{sys.executable}" -m patchbay.flows'
    settings = {
        f"merge.{DRIVER}.name": "Patchbay flows, by nodes",
        f"merge.{DRIVER}.driver": f"{command} merge --in-place %O %A %B",
    }
    for key, value in settings.items():
        if (done := _git("config", "--local", key, value)).returncode:
            raise say.usage(done.stderr.strip(), "Check the repository.")
    attributes = top / ".gitattributes"
    text = attributes.read_text(encoding="utf-8") if attributes.exists() else ""
    new = [f"{pattern} merge={DRIVER}" for pattern in patterns or ["*.json"]]
    missing = [line for line in new if line not in text.splitlines()]
    if missing:
        gap = "" if not text or text.endswith("\n") else "\n"
        attributes.write_text(text + gap + "\n".join(missing) + "\n", encoding="utf-8")
    say.out(f"git now merges {', '.join(patterns or ['*.json'])} in {top} by nodes.")
    say.out("Commit .gitattributes; everyone who merges runs `patchbay git-setup` once.")


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(["git", *arguments], check=False, capture_output=True, text=True)
    except FileNotFoundError:
        fix = "Install git, and see that it is on the PATH."
        raise say.usage("There is no git here.", fix) from None
