"""A flow as a Python script of plain library calls.

Prompts, models behind providers and servers, questions to them, agents and crews, engines and
networks become the calls of LangChain, CrewAI, LlamaIndex and Transformers that say the same. Where
none does (a local model held to a grammar, an index kept by content), the script calls the node
itself by one small import.
"""

from __future__ import annotations

from collections.abc import Sequence

from patchbay.flows.document.model import Flow
from patchbay.flows.exchange.packages import install_line, packages
from patchbay.flows.exchange.script_draft import HELPER, ScriptDraft, one_line, script_of
from patchbay.nodes.catalog import Catalog


def to_python(flow: Flow, catalog: Catalog) -> str:
    """The script. It runs by itself: `python script.py question="…"`.

    Raises:
        FlowError: the flow holds a key as text, a cycle, or a node that is not known here.
    """
    made = script_of(flow, catalog)
    body = "\n\n".join(
        "\n".join(f"    {line}" if line else "" for line in block) for block in made.body
    )
    arguments = ", ".join(made.arguments)
    returned = ", ".join(f"{name!r}: {value}" for name, value in made.outputs)
    parts = [
        head_of(flow, needed(made)),
        *import_lines(made),
        "",
        "",
        f"def main({arguments}) -> dict:",
    ]
    parts += [f'    """{one_line(flow.description or flow.name)}"""']
    parts += [body] if body else []
    parts += ["", f"    return {{{returned}}}", "", "", *_ending(made)]
    return "\n".join(parts) + "\n"


def head_of(flow: Flow, packages: Sequence[str], about: str = "") -> str:
    """The first lines of a script: what it is, and what it needs."""
    first = f'"""{one_line(flow.name)}. Exported from Patchbay{about}.'
    install = install_line(packages)
    return f'{first}\n\n{install}\n"""\n' if install else f'{first}"""\n'


def needed(made: ScriptDraft) -> list[str]:
    """The packages of a script."""
    return packages(
        [*made.imports, *([f"from {HELPER} import"] if made.helpers else [])], made.packages
    )


def import_lines(made: ScriptDraft) -> list[str]:
    """The imports of a script, a line each."""
    lines = sorted(made.imports)
    helpers = sorted({*made.helpers, "show"})
    return (
        [*lines, *([""] if lines else []), f"from {HELPER} import {', '.join(helpers)}"]
        if made.helpers
        else lines
    )


def _ending(made: ScriptDraft) -> list[str]:
    """How the script runs by itself: `name=value` for each input."""
    lines = ['if __name__ == "__main__":', "    import sys", ""]
    lines += ['    given = dict(word.split("=", 1) for word in sys.argv[1:])']
    if made.helpers:
        return [*lines, "    show(main(**given))"]
    return [
        *lines,
        "    for name, value in main(**given).items():",
        '        print(f"{name}: {value}")',
    ]
