"""`patchbay validate`, `show` and `nodes`: look, run nothing."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from patchbay.flows.cli import say
from patchbay.flows.cli.options import Debug, Json, JsonList
from patchbay.flows.document.reading import read_flow
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.runs.defaults import default_catalog
from patchbay.flows.wording import did_you_mean

if TYPE_CHECKING:
    from patchbay.flows.document.model import Flow
    from patchbay.nodes.catalog import Catalog


def validate(
    flows: Annotated[list[Path], typer.Argument(help="Flow files.")],
    as_json: JsonList = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="And what a machine without internet would lack.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Say everything that is wrong with flows: code, place, fix. Exit 1 if anything is an error."""
    from patchbay.flows.checks.memory import memory_plan
    from patchbay.flows.checks.resolve import resolve_once
    from patchbay.flows.checks.validate import validate_resolved

    found: dict[Path, list[Problem]] = {}
    memory: dict[Path, str] = {}
    for path in flows:
        folder = path.resolve().parent
        try:
            resolved = resolve_once(read_flow(path), default_catalog())
            found[path] = validate_resolved(resolved, folder, path.name)
            if offline and not any(p.severity == "error" for p in found[path]):
                found[path] += _lacking(resolved.flow, folder)
            memory[path] = "" if as_json else say.memory(memory_plan(resolved, folder))
        except FlowError as error:
            found[path] = list(error.problems)
    if as_json:
        rows = [{"flow": str(path), **p.as_dict()} for path, ps in found.items() for p in ps]
        say.out(json.dumps(rows, ensure_ascii=False, indent=2))
    else:
        for path, problems in found.items():
            head = f"{path}: " if len(found) > 1 else ""
            say.problems(problems, head)
            if not problems:
                say.err(f"{head}no problems")
            if memory.get(path):
                say.err(f"{head}{memory[path]}")
    failed = any(p.severity == "error" for problems in found.values() for p in problems)
    sys.exit(say.EXIT_PROBLEM if failed else 0)


def _lacking(flow: Flow, folder: Path) -> list[Problem]:
    from patchbay.flows.batch.needs import needs_of, offline_problems
    from patchbay.flows.runs.subflows import prepare

    return offline_problems(needs_of(prepare(flow, default_catalog(), folder), folder))


def show(
    flow: Annotated[Path, typer.Argument(help="The flow file.")],
    mermaid: Annotated[bool, typer.Option(help="As a Mermaid diagram.")] = False,
    debug: Debug = False,
) -> None:
    """Show a flow as text or as a diagram."""
    document = read_flow(flow)
    if mermaid:
        from patchbay.flows.exchange.mermaid import to_mermaid

        say.out(to_mermaid(document, default_catalog()))
    else:
        from patchbay.flows.exchange.text import to_text

        say.out(to_text(document, default_catalog()))


def nodes(
    kind: Annotated[str | None, typer.Argument(help="The kind to describe.")] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the catalog, or describe one kind of node: its params and ports."""
    from patchbay.nodes.declaration import node_declaration

    catalog = default_catalog()
    if kind is None:
        described = [node_declaration(node) for node in catalog]
        say.out(
            json.dumps(described, ensure_ascii=False, indent=2) if as_json else _table(described)
        )
    else:
        node = catalog.get(kind)
        if node is None:
            fix = _called(kind, catalog) or did_you_mean(
                kind, catalog.kinds(), "See: patchbay nodes"
            )
            raise FlowError([Problem("catalog/unknown-kind", f'There is no node "{kind}".', fix)])
        one = node_declaration(node)
        say.out(json.dumps(one, ensure_ascii=False, indent=2) if as_json else _page(one))
    for problem in catalog.problems:
        say.err(f"warning {problem.source}: {problem.message}")


def _called(word: str, catalog: Catalog) -> str:
    """The kinds that people call by a word, as a sentence; empty where there are none."""
    wanted = word.strip().casefold()
    words = set(wanted.split())
    titles = [n.kind for n in catalog if words and words <= set(n.title.casefold().split())]
    fit = dict.fromkeys([*titles, *(n.kind for n in catalog if wanted in n.synonyms)])
    return f"What people call {wanted}: {', '.join(fit)}." if fit else ""


def _table(described: list[dict[str, Any]]) -> str:
    width = max((len(d["kind"]) for d in described), default=0)
    lines: list[str] = []
    family = None
    for node in described:
        if node["family"] != family:
            family = node["family"]
            lines.append(("\n" if lines else "") + family)
        first = node["doc"].splitlines()[0] if node["doc"] else ""
        missing = f"  (needs: {node['install']})" if node["missing"] else ""
        lines.append(f"  {node['kind']:<{width}}  {first}{missing}")
    return "\n".join(lines)


def _page(node: dict[str, Any]) -> str:
    lines = [f"{node['title']} ({node['kind']}, version {node['version']})", "", node["doc"]]
    if node["missing"]:
        lines += ["", f"Not installed here: {node['install']}"]
    for title, ports in (("Inputs", node["inputs"]), ("Outputs", node["outputs"])):
        if ports:
            lines += ["", title]
            lines += [f"  {_port(p)}" for p in ports]
    if node["dynamic"]:
        lines += ["", "Ports depend on the params; these are those of a new node."]
    if node["params"]:
        lines += ["", "Params"]
        lines += [f"  {_param(name, p, node)}" for name, p in node["params"].items()]
    return "\n".join(lines)


def _port(port: dict[str, Any]) -> str:
    many = ", many wires" if port["many"] else ""
    need = "" if port["required"] else ", optional"
    doc = f"  {port['doc']}" if port["doc"] else ""
    return f"{port['name']}: {' or '.join(port['types'])}{many}{need}{doc}"


def _param(name: str, schema: dict[str, Any], node: dict[str, Any]) -> str:
    need = (
        "required"
        if name in node["required_params"]
        else f"default {json.dumps(schema.get('default'), ensure_ascii=False)}"
    )
    doc = f"  {schema['description']}" if "description" in schema else ""
    return f"{name} ({need}){doc}"
