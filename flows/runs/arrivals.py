"""What arrives at a port and what leaves one, looked at against the declaration."""

from __future__ import annotations

from typing import Any

from patchbay.flows.runs.plan import PlanStep
from patchbay.nodes.contract import UNSET, NodeError, Ports
from patchbay.nodes.values import MAX_DEPTH, has_half, is_too_deep, type_in_words


def check_arrival(step: PlanStep, name: str, inputs: Ports) -> None:
    """Look at what arrived at a port whose wires promised only "any".

    Raises:
        NodeError: the port does not take it.
    """
    port = inputs.declared[name]
    values = inputs[name] if port.type.many else [inputs[name]]
    for value in values:
        if value is not port.default and not port.type.accepts(value):
            raise NodeError(
                f'"{step.id}.{name}" takes {port.type}, but {type_in_words(value)} arrived.',
                fix="Wire something else, or convert it on the way.",
                port=name,
                code="node/wrong-input",
                retry=False,
            )


def checked(step: PlanStep, result: object) -> dict[str, Any]:
    """The outputs of a node, without those that are not this branch.

    Raises:
        NodeError: they are not what the node declares.
    """
    if not isinstance(result, Ports):
        raise _wrong(
            step, None, f"{step.cls.__name__}.run returned {type_in_words(result)}, not Ports."
        )
    outputs = {}
    for name, value in result.as_dict().items():
        port = step.outputs.declared.get(name)
        if port is None:
            raise _wrong(step, name, f'It gave an output "{name}" that it does not declare.')
        if value is UNSET or (value is None and not port.type.accepts(None)):
            continue
        if not port.type.accepts(value):
            if is_too_deep(value):
                raise too_deep(f'"{step.id}.{name}"', name)
            raise _wrong(
                step,
                name,
                f'"{step.id}.{name}" gives {port.type}, but it was {type_in_words(value)}.',
            )
        if has_half(value):
            raise half(f'"{step.id}.{name}"', name)
        outputs[name] = value
    return outputs


def as_stored(step: PlanStep, outputs: object) -> dict[str, Any] | None:
    """Outputs that were stored, where they are what the node declares; else None.

    A store holds what somebody wrote there: an older version, a hand, a damaged disk. Nothing at
    all is no result either, since a node that gave nothing is not stored.
    """
    if not isinstance(outputs, dict) or not outputs:
        return None
    for name, value in outputs.items():
        port = step.outputs.declared.get(name)
        if port is None or not port.type.accepts(value) or has_half(value):
            return None
    return outputs


def too_deep(what: str, port: str | None = None) -> NodeError:
    """A value that no wire carries: a matter of what was given, not of the node."""
    return NodeError(
        f"{what} is a value nested deeper than {MAX_DEPTH} levels; a wire carries no deeper one.",
        fix="Give a flatter value, or pass it on as text.",
        port=port,
        code="node/too-deep",
        retry=False,
    )


def half(what: str, port: str | None = None) -> NodeError:
    """A text that no file, page or terminal can hold."""
    return NodeError(
        f"{what} holds half a character (a lone surrogate, such as an emoji that was cut).",
        fix="Leave it out where the text comes from.",
        port=port,
        code="node/half-character",
        retry=False,
    )


def _wrong(step: PlanStep, port: str | None, message: str) -> NodeError:
    return NodeError(
        message,
        fix=f"This is a mistake in the node {step.cls.kind}; tell its author.",
        port=port,
        code="node/wrong-output",
        retry=False,
    )
