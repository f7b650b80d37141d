"""Names that people give: to inputs, outputs and template variables, which become names of ports;
to flows; to weights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel

from patchbay.nodes.contract import Ports

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_FLOW = re.compile(r"(?!\.)[\w .-]{1,100}(/(?!\.)[\w .-]{1,100}){0,8}")


def is_name(text: str) -> bool:
    """Whether a text is a plain name: a letter or `_`, then letters, digits, `_`; at most 64.

    The few names that `Ports` itself uses (`declared`, say) are taken.
    """
    return _NAME.fullmatch(text) is not None and not hasattr(Ports, text)


def is_taken(text: str) -> bool:
    """Whether a text would be a plain name, were it not taken."""
    return _NAME.fullmatch(text) is not None and hasattr(Ports, text)


def _check_name(text: str) -> str:
    if is_taken(text):
        raise ValueError(f"the name {text!r} is taken; choose another")
    if not is_name(text):
        raise ValueError(
            f"{text[:80]!r} is not a plain name; use letters, digits and _, at most 64, "
            "and start with a letter"
        )
    return text


def _check_flow(text: str) -> str:
    if text and not _FLOW.fullmatch(text):
        raise ValueError(
            f"{text[:80]!r} is not the name of a flow; give the name of a flow file beside "
            "this one, such as summarize or steps/summarize.json"
        )
    return text


Name = Annotated[str, AfterValidator(_check_name)]
"""A plain name, refused in words otherwise."""

FlowName = Annotated[str, AfterValidator(_check_flow)]
"""The name of a flow file beside this one, or in a folder there; never outside of it."""


class NamesWeights:
    """Marks a param that names weights or an adapter."""


OwnWeights = Annotated[str, NamesWeights()]
"""Weights or an adapter: a known name, a repository, or a path, which may begin at the flow's
folder."""


@cache
def names_weights(model: type[BaseModel]) -> bool:
    """Whether a param of these, or of the records in them, is of the type `OwnWeights`."""
    return any(
        any(isinstance(mark, NamesWeights) for mark in field.metadata)
        or any(names_weights(record) for record in records_in(field.annotation))
        for field in model.model_fields.values()
    )


def records_in(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models of Pydantic in a type: records of a list, say."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from records_in(inner)
