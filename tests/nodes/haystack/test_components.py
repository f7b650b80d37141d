"""The table of components says what Haystack's own classes say."""

from __future__ import annotations

import importlib
from typing import Any, get_args, get_origin

import pytest

from patchbay.nodes.haystack.build import real_type
from patchbay.nodes.haystack.components import COMPONENTS
from patchbay.nodes.haystack.kinds import fit, in_words, socket_type
from patchbay.nodes.haystack.plan import read_plan

SAMPLES: dict[str, dict[str, Any]] = {
    "PromptBuilder": {
        "template": "{{ a }} {% set b = 1 %}{{ b }}{% for c in d %}{{ c }}{% endfor %}",
    },
    "ChatPromptBuilder": {
        "template": '{% message role="user" %}{{ a }}{% endmessage %}', "required_variables": ["a"],
    },
    "OutputAdapter": {"template": "{{ a[0] }}", "output_type": "typing.List[str]"},
    "ConditionalRouter": {
        "routes": [
            {"condition": "{{ a }}", "output": "{{ b }}", "output_name": "x", "output_type": "int"},
            {"condition": "{{ True }}", "output": "{{ c }}", "output_name": "y",
             "output_type": "list[haystack.dataclasses.document.Document]"},
        ],
        "optional_variables": ["c"],
    },
    "BranchJoiner": {"type_": "str"},
    "ListJoiner": {"list_type_": "list[str]"},
    "MetaFieldRanker": {"meta_field": "a"},
    "MetaFieldGroupingRanker": {"group_by": "a"},
    "LLMRanker": {"chat_generator": None},
    "QueryExpander": {"chat_generator": None},
}  # fmt: skip
STORE = {"document_store": {"type": "x.InMemoryDocumentStore"}}
PLAIN = [name for name, component in COMPONENTS.items() if component.role == "plain"]


@pytest.mark.parametrize("kind", PLAIN)
def test_the_sockets_are_those_of_haystack(kind: str) -> None:
    import json

    from patchbay.nodes.haystack import build as building

    settings = SAMPLES.get(kind, {})
    needs_store = kind.endswith(("Retriever", "Writer"))
    row = {"type": f"x.{kind}", "init_parameters": {**settings, **(STORE if needs_store else {})}}
    part = read_plan(json.dumps({"components": {"it": row}})).parts["it"]

    made = building._made(part, building.Stores(), lambda name, said: _generator(), None)
    inputs = made.__haystack_input__._sockets_dict
    outputs = made.__haystack_output__._sockets_dict
    assert {n for n, s in inputs.items() if s.is_mandatory} == set(part.needs)
    assert {n for n, s in inputs.items() if not s.is_mandatory} == set(part.may)
    assert set(outputs) == set(part.gives)
    for name, socket in inputs.items():
        if kind == "ListJoiner":  # takes any list and says that it gives lists of texts
            assert (shown(socket.type), in_words(part.needs[name])) == ("list[any]", "list[str]")
            continue
        assert shown(socket.type) == in_words(part.taken(name)), name  # type: ignore[arg-type]
        wide = socket.is_variadic
        assert wide == (name in part.component.wide), name
    for name, socket in outputs.items():
        assert shown(socket.type) == in_words(part.gives[name]), name


def _generator() -> Any:
    import asyncio

    from patchbay.nodes.haystack.generator import PatchbayChatGenerator

    async def asks(messages: Any, call: Any) -> str:
        return ""

    return PatchbayChatGenerator(asks, asyncio.new_event_loop())


def shown(kind: Any) -> str:
    """A real type, as the table would write it."""
    if kind is Any:
        return "any"
    origin, parts = get_origin(kind), get_args(kind)
    if origin is list:
        return f"list[{shown(parts[0])}]"
    if origin is dict or kind is dict:
        return "dict"
    if parts and origin is not None and str(origin) == "typing.Literal":
        return "str"
    if parts:
        members = [shown(part) for part in parts if part is not type(None)]
        if any("Policy" in member for member in members):
            return "any"
        return " | ".join(dict.fromkeys(members))
    return str(kind.__name__)


@pytest.mark.parametrize("name", ["str", "list[str]", "dict", "list[Document]", "str | int", "any"])
def test_types_are_read_and_made(name: str) -> None:
    kind = socket_type(name)
    assert in_words(kind) == name
    assert shown(real_type(kind)) == name


TYPES = [
    "str", "int", "any", "dict", "ChatMessage", "Document", "list[str]", "list[ChatMessage]",
    "list[Document]", "list[any]", "list[ChatMessage] | str", "str | int", "list[list[str]]",
    "list[str] | list[ChatMessage]",
]  # fmt: skip


@pytest.mark.parametrize("sender", TYPES)
def test_what_fits_is_what_haystack_connects(sender: str) -> None:
    """The same yes, conversion or no as Haystack's own rule, for every pair of types."""
    rules = importlib.import_module("haystack.core.type_utils")
    for receiver in TYPES:
        one, other = socket_type(sender), socket_type(receiver)
        yes, how = rules._types_are_compatible(real_type(one), real_type(other))
        way = "same" if yes and how is None else None
        if how is not None:
            way = "unwrapped" if how.name.startswith("UNWRAP") else "converted"
        if (sender, receiver) == ("list[str] | list[ChatMessage]", "list[any]"):
            assert (way, fit(one, other)) == ("converted", "same")  # there: a list inside a list
            continue
        assert fit(one, other) == way, (sender, receiver)
