"""What most often follows an output, learned from the flows that ship: what `+` on it adds."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from functools import cache
from pathlib import Path

import patchbay.flows

SAVED = Path(patchbay.flows.__file__).parent / "saved"
MOST = 3
"""How many followers are told of each output."""

Followers = dict[str, dict[str, list[tuple[str, str]]]]
"""By kind and output: the kinds and inputs that take it, the most frequent first."""


@cache
def followers() -> Followers:
    """What takes each output."""
    return _ranked(turned=False)


@cache
def givers() -> Followers:
    """By kind and input: the kinds and outputs that are wired into it, the most frequent first."""
    return _ranked(turned=True)


@cache
def _wires() -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """The wires of the flows that ship: kind and output, kind and input."""
    found = []
    for path in sorted(SAVED.glob("*.json")):
        flow = json.loads(path.read_text("utf-8"))
        kinds = {node["id"]: node["kind"] for node in flow["nodes"]}
        for edge in flow["edges"]:
            source, _, given = edge["from"].partition(".")
            target, _, taken = edge["to"].partition(".")
            found.append(((kinds[source], given), (kinds[target], taken)))
    return found


def _ranked(turned: bool) -> Followers:
    """Counted over the flows that ship."""
    counts: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    for ends in _wires():
        start, end = reversed(ends) if turned else ends
        counts[start][end] += 1
    found: Followers = {}
    for (kind, port), takers in sorted(counts.items()):
        ranked = sorted(takers, key=lambda taker: (-takers[taker], taker))
        found.setdefault(kind, {})[port] = ranked[:MOST]
    return found
