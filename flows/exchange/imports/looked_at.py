"""What the switches of a condition look at: a value as it is, a place inside it, or a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from patchbay.flows.exchange.imports.references import Output, PlainText, ValueSource
from patchbay.flows.exchange.imports.routes import expression_of, place_in
from patchbay.flows.exchange.imports.template import Var, pieces

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.mapped import Mapped
    from patchbay.flows.exchange.imports.texts import Texts

Seen = tuple[ValueSource, tuple[str, ...]]
"""A value, and the way to the place inside of it."""


def look_at(texts: Texts, mapped: Mapped) -> None:
    """Wire what decides into the switches of a condition."""
    if "test" in mapped.pieces:
        _route(texts, mapped)
        return
    nodes = texts.lowering.draft.nodes
    for number, piece in enumerate(list(mapped.pieces)):
        seen = _seen(texts, mapped, str(mapped.settings.get(f"look_{number}") or ""))
        if seen is None:
            told = {"from": f"$look_{number}", "to": f"{piece}.decide", "syntax": texts.syntax}
            texts.text(mapped, {**told, "as": "decide", "port": True}, number)
            continue
        source, keys = seen
        node = mapped.pieces[piece]
        texts.hang(source, f"{node}.decide", mapped)
        if keys:
            pointer = "".join("/" + k.replace("~", "~0").replace("/", "~1") for k in keys)
            nodes[node]["params"]["pointer"] = pointer


def _seen(texts: Texts, mapped: Mapped, text: str) -> Seen | None:
    """What a text that is one reference stands for; None for any other text."""
    parts = pieces(text.strip(), texts.syntax, texts.references.knows)
    if len(parts) != 1 or not isinstance(parts[0], Var):
        return None
    name, fields = parts[0].name, texts.lowering.fields
    found = fields.looked_at(name, mapped) if fields is not None else None
    source, keys = found or (texts.references.resolve(name, texts.lowering, mapped), ())
    return None if isinstance(source, PlainText) else (source, keys)


def _route(texts: Texts, mapped: Mapped) -> None:
    """The expression that says which way is taken, and what it looks at."""
    cases, test = mapped.settings["$cases"], mapped.pieces["test"]
    rows = [row for case in cases for row in case["rows"]]
    looked = [row[key] for row in rows for key in ("look_at", "operand_at") if key in row]
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    hung: dict[ValueSource, str] = {}
    for text in dict.fromkeys(looked):
        source, keys = _seen(texts, mapped, text) or (_made(texts, mapped, text), ())
        if source not in hung:
            hung[source] = "value" if not hung else f"value_{len(hung) + 1}"
            texts.hang(source, f"{test}.{hung[source]}", mapped)
        found[text] = (hung[source], keys)
    only = len(hung) == 1
    places = {text: place_in("@" if only else port, keys) for text, (port, keys) in found.items()}
    params = texts.lowering.draft.nodes[test]["params"]
    params["expression"] = expression_of(cases, places.__getitem__)
    if not only:
        params["inputs"] = list(hung.values())[1:]


def _made(texts: Texts, mapped: Mapped, text: str) -> Output:
    """A text with references in it, as a node that fills them in."""
    at = mapped.node.at
    place = (at[0] - 600, at[1] + 160) if at else None
    made = texts.lowering.draft.add("looked-at", "prompt.template", {"template": ""}, place)
    texts.fill(mapped, text, made, "template")
    return Output(mapped.node.id, "", f"{made}.text")
