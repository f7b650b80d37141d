"""Texts of roles and tasks with `{variables}`: each is an input of the node."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from patchbay.nodes.contract import NodeError, Ports, port
from patchbay.nodes.prompts.braces import check, fill, variables
from patchbay.nodes.values import Promptable, as_text


def check_text(text: str, own: Collection[str], whose: str) -> str:
    """The text itself.

    Raises:
        ValueError: it is no template, or a variable is called as a port of every such node.
    """
    check(text)
    for name in own:
        if name in variables(text):
            raise ValueError(f"{{{name}}} is the name of a port of every {whose}; choose another")
    return text


def with_variables(ports: type[Ports], *texts: str) -> type[Ports]:
    """The ports, and one for each variable of the texts."""
    names = dict.fromkeys(name for text in texts for name in variables(text))
    return ports.plus(
        {name: (Promptable, port(doc=f"What {{{name}}} stands for.")) for name in names}
    )


def filled(text: str, values: Mapping[str, Any], whose: str) -> str:
    """The text with what arrived for its variables.

    Raises:
        NodeError: nothing arrived for one.
    """

    def written(name: str) -> str:
        if values.get(name) is None:
            raise NodeError(
                f"The {whose} needs {{{name}}}, but nothing arrived for it.",
                fix=f'Wire a value into "{name}", or take {{{name}}} out of the text.',
                port=name,
                code="prompt/missing-value",
                retry=False,
            )
        return as_text(values[name])

    return fill(text, written)
