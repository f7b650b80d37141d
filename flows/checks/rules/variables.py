"""The rule about a flow's variables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from patchbay.flows.checks.rules.base import Facts, Finding
from patchbay.flows.wording import did_you_mean, quoted


def variable(facts: Facts) -> Iterator[Finding]:
    """A param names a variable that the flow does not declare, or one is declared wrongly.

    A param takes a variable as `{"variable": "NAME"}`. Two variables of one name, and one whose
    value is a secret, are refused as well: secrets are named in the params themselves.
    """
    declared = facts.resolved.flow.variables
    for name, count in Counter(one.name for one in declared).items():
        if count > 1:
            yield Finding(
                f"There are {count} variables called {quoted(name)}.", "Give each its own name."
            )
    for one in declared:
        if any(_is_secret(value) for value in (one.value, *one.environments.values())):
            yield Finding(
                f"The variable {quoted(one.name)} names a secret.",
                'Write {"secret": "NAME"} into the param itself; variables are no secrets.',
            )
    yield from _unknown(facts)


def _unknown(facts: Facts) -> Iterator[Finding]:
    flow = facts.resolved.flow
    known = [one.name for one in flow.variables]
    for node in facts.nodes():
        # Without variables, data may look like a reference; what the kind refuses is one.
        if not known and node.error is None:
            continue
        from patchbay.flows.document.variables import references

        for param, value in node.instance.params.items():
            for name in references(value):
                if name not in known:
                    yield Finding(
                        f"{facts.name(node.instance.id)}: {quoted(param)} takes the variable "
                        f"{quoted(name)}, which the flow does not have.",
                        did_you_mean(name, known, _DECLARE),
                        node=node.instance.id,
                        param=param,
                    )


_DECLARE = "Declare it in the flow's settings, or write the value itself."


def _is_secret(value: object) -> bool:
    return isinstance(value, dict) and set(value) == {"secret"}
