"""The tables: for each builder a JSON file that says what its node types become here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "tables"


@dataclass(frozen=True, slots=True)
class PieceSpec:
    """A node here that a type there becomes, alone or with others."""

    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    when: str = ""
    """`$setting` that must be set, `$setting=a|b` that must be one of these, `^input` or `@output`
    that must be wired; `!` turns it round."""


@dataclass(frozen=True, slots=True)
class TypeSpec:
    """One node type of a builder: what it becomes, and how its ports are called here."""

    name: str
    title: str = ""
    """What people of that builder call it."""
    pieces: Mapping[str, PieceSpec] = field(default_factory=dict)
    wires: tuple[tuple[str, str], ...] = ()
    takes: Mapping[str, Any] = field(default_factory=dict)
    gives: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    """Where values go by fields of one output: field, with `/` inside another → the end."""
    texts: tuple[Mapping[str, Any], ...] = ()
    chat: tuple[str, ...] = ()
    """Ports that get the question when nothing is wired into them."""
    talk: tuple[str, ...] = ()
    """Ports that get the conversation, or the question where nothing remembers."""
    session: str = ""
    """The port that gets the conversation where the setting `session` says so."""
    answer: str = ""
    """The output that is the flow's answer when nothing hangs on the node."""
    lends: Mapping[str, Any] = field(default_factory=dict)
    wraps: Mapping[str, Any] = field(default_factory=dict)
    guards: Mapping[str, Any] = field(default_factory=dict)
    """A step that stands in front of the port that it guards there."""
    memory: bool = False
    same: str = ""
    differs: str = ""
    naming: tuple[str, ...] = ()
    narrows: Mapping[str, str] = field(default_factory=dict)
    """Condition → how it then differs, besides `differs`."""
    losses: Mapping[str, str] = field(default_factory=dict)
    """Condition → what is then left out, in words."""
    step: str = ""
    """For steps over a shared conversation: start, llm, agent, route, condition, reply, end."""
    ways: bool = False
    """Whether it is a condition that decides what runs next, as its setting `$ways` says."""
    ends: bool = False
    """Whether it answers although wires lead out of it."""
    refused: str = ""
    note: str = ""
    """The setting that is the text of a sticky note."""
    chooses: bool = False
    """Whether some pieces are needed only under a condition."""


@lru_cache(maxsize=16)
def table(builder: str) -> Mapping[str, TypeSpec]:
    """The types of a builder by name."""
    raw = json.loads((FOLDER / f"{builder}.json").read_text(encoding="utf-8"))
    types: dict[str, Any] = raw["types"]
    return {name: _spec(name, _whole(entry, types)) for name, entry in types.items()}


def _whole(entry: Mapping[str, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    """An entry with what it takes over from the one that it is like."""
    like = entry.get("like")
    if like is None:
        return dict(entry)
    base = _whole(types[like], types)
    own = {key: value for key, value in entry.items() if key != "like"}
    if "params" in own and "params" in base:
        own["params"] = {**base["params"], **own["params"]}
    return {**base, **own}


def _spec(name: str, entry: Mapping[str, Any]) -> TypeSpec:
    given = dict(entry)
    pieces = given.pop("pieces", {})
    if "kind" in given:
        only = {"kind": given.pop("kind"), "params": given.pop("params", {})}
        pieces = {"it": only, **pieces}
    for key in ("wires", "texts", "chat", "talk", "naming"):
        value = given.get(key, ())
        value = (value,) if isinstance(value, (str, Mapping)) else value
        given[key] = tuple(tuple(v) if isinstance(v, list) else v for v in value)
    made = {key: PieceSpec(**piece) for key, piece in pieces.items()}
    chooses = any(piece.when for piece in made.values())
    return TypeSpec(name=name, pieces=made, chooses=chooses, **given)
