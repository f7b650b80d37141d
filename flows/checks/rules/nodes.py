"""Rules about one node: its kind, its package, its version, its params."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from patchbay.flows.checks.resolve import ResolvedNode
from patchbay.flows.checks.rules.base import Facts, Finding
from patchbay.flows.document.explain import explain, json_place
from patchbay.flows.document.migrate import MigrationError
from patchbay.flows.document.writing import plain_secrets
from patchbay.flows.wording import did_you_mean, listed, printable, quoted
from patchbay.nodes.catalog import install_command, missing_packages
from patchbay.nodes.contract import UNSET, Node, NodeError

PATCHBAY = "pip install --upgrade patchbay-studio"


def unknown_kind(facts: Facts) -> Iterator[Finding]:
    """A node is of a kind that no installed package offers.

    The file may come from a machine with more packages, or the kind may be misspelt. Kinds are
    stable for ever, so a kind that Patchbay once had does not go away. A node that is switched off
    may be of any kind: that is how an import keeps what has no equal here.
    """
    catalog = facts.resolved.catalog
    for node in facts.nodes():
        if (
            node.cls is None and not node.instance.disabled
        ):  # only now: listing all kinds imports every plugin
            kinds, broken = catalog.kinds(), catalog.problems
            kind = quoted(node.instance.kind)
            message = f"{facts.name(node.instance.id)} is of the kind {kind}, which is not known."
            if broken:
                sources = listed((problem.source for problem in broken), last="and", limit=3)
                message += f" Something of {sources} could not be loaded; it may be there."
            otherwise = "Install the package that offers it, or delete the node."
            fix = did_you_mean(node.instance.kind, kinds, otherwise) if kinds else otherwise
            yield Finding(message, fix, node=node.instance.id)


def missing_package(facts: Facts) -> Iterator[Finding]:
    """A node needs an optional package that is not installed.

    The rest of the flow is looked at as usual; the node cannot run until the package is there.
    """
    known: dict[type[Node], list[str]] = {}
    for node in facts.nodes():
        if node.cls is None or not node.cls.requires:
            continue
        if node.cls not in known:
            known[node.cls] = missing_packages(node.cls)
        missing = known[node.cls]
        if missing:
            name = facts.name(node.instance.id)
            message = f"{name} needs {listed(missing, last='and')}, not installed here."
            fix = f"Run: {install_command(missing)}"
            yield Finding(message, fix, node=node.instance.id)


def version(facts: Facts) -> Iterator[Finding]:
    """A node is of a newer version than the installed kind, or cannot be upgraded to it.

    Params of an older version are upgraded when a flow is opened. The other way round nothing is
    guessed.
    """
    for node in facts.nodes():
        if node.cls is not None and isinstance(node.error, MigrationError):
            name = f"{facts.name(node.instance.id)} ({quoted(node.cls.kind)})"
            message = f"{name} cannot be opened: {printable(str(node.error), 300)}"
            package = node.cls.__module__.partition(".")[0]
            upgrade = PATCHBAY if package == "nodes" else f"pip install --upgrade {package}"
            yield Finding(message, f"Run: {upgrade}", node=node.instance.id)


def ports(facts: Facts) -> Iterator[Finding]:
    """A node's ports could not be derived from its params.

    Ports may follow params, such as the variables of a template. A kind that fails at this is
    broken, or its params say something that it cannot follow.
    """
    for node in facts.nodes():
        error = node.error
        if error is None or isinstance(error, (MigrationError, ValidationError)):
            continue
        if isinstance(error, NodeError):
            why, fix, param = error.message, error.fix or "Change its params.", error.param
        else:
            why = f"{type(error).__name__}: {printable(str(error), 200)}"
            fix, param = "Change its params, or report it to those who made the node.", None
        message = f"{facts.name(node.instance.id)} has no ports: {why.rstrip('.')}."
        yield Finding(message, fix, node=node.instance.id, param=param)


def description(facts: Facts) -> Iterator[Finding]:
    """What is wired into a node, or set in it, does not go together.

    Nodes that describe a model, an adapter or an agent compare what they are given before any
    weight is read: an adapter that was trained on another base, say.
    """
    for node_id, error in facts.described.errors.items():
        if isinstance(error, NodeError):
            message, fix, port, param = error.message, error.fix, error.port, error.param
        else:
            message = f"It describes nothing: {type(error).__name__}: {error}"
            fix, port, param = "", None, None
        yield Finding(
            f"{facts.name(node_id)}: {printable(message, 500)}",
            printable(fix, 300) or "Change its params or its wires.",
            node=node_id,
            port=port,
            param=param,
        )


def doubt(facts: Facts) -> Iterator[Finding]:
    """Something about a node is better known before it runs.

    The flow runs all the same: a JSON schema holds something that a grammar cannot force, say, or a
    setting is old.
    """
    for node in facts.nodes():
        for text in _doubts(node, facts):
            if isinstance(text, str):
                message = f"{facts.name(node.instance.id)}: {printable(text, 700)}"
                fix = "Change it, or leave it where that is what you want."
                yield Finding(message, fix, node=node.instance.id)


def refusal(facts: Facts) -> Iterator[Finding]:
    """A node is certain to fail with what is set and wired.

    No model can be held to a JSON schema that no answer follows, say, or that refers to a part that
    is not there.
    """
    for node in facts.nodes():
        for error in _doubts(node, facts):
            if isinstance(error, NodeError):
                message = f"{facts.name(node.instance.id)}: {printable(error.message, 500)}"
                fix = printable(error.fix, 300) or "Change its params or its wires."
                yield Finding(
                    message, fix, node=node.instance.id, port=error.port, param=error.param
                )


def _doubts(node: ResolvedNode, facts: Facts) -> list[str | NodeError]:
    """What a node says of itself beforehand."""
    if node.cls is None or node.inputs is None or node.instance.disabled:
        return []
    known = facts.described.inputs.get(node.instance.id, {})
    wired = dict.fromkeys(facts.resolved.incoming.get(node.instance.id, ()), UNSET)
    there = {name: value for name, value in wired.items() if name in node.inputs.declared}
    try:
        return list(node.cls.doubts(node.params, node.inputs(**{**there, **known})))
    except NodeError as error:
        return [error]
    except Exception:  # a stranger's defect; it comes out when the node runs
        return []


def invalid_params(facts: Facts) -> Iterator[Finding]:
    """A param is missing, unknown, of the wrong type or out of bounds.

    Each finding stands at its param. What the kind declares decides; `patchbay nodes KIND` lists
    it.
    """
    for node in facts.nodes():
        if node.cls is not None and isinstance(node.error, ValidationError):
            yield from _invalid(facts, node, node.cls, node.error)


def _invalid(
    facts: Facts, node: ResolvedNode, cls: type[Node], error: ValidationError
) -> Iterator[Finding]:
    known = [field.alias or name for name, field in cls.Params.model_fields.items()]
    for where, phrase in explain(error, node.instance.params):
        param = str(where[0]) if where else None
        if param is not None and _takes_variable(node.instance.params.get(param)):
            continue  # params/variable says it better
        if param is None:
            message = f"The params of {facts.name(node.instance.id)} do not fit: {phrase}."
        else:
            message = f"Param {quoted(json_place(where))} {phrase}."
        fix = "Give it a value." if phrase == "is missing" else "Change it."
        if phrase == "is not known here" and len(where) == 1:
            fix = did_you_mean(str(where[0]), known, f"Remove it; {cls.kind} has no such param.")
        safe = printable(param) if param else None
        yield Finding(message, fix, node=node.instance.id, param=safe)


def _takes_variable(value: object) -> bool:
    """Whether a param refers to a variable; one that is there was put in already."""
    return isinstance(value, dict) and set(value) == {"variable"}


def plain_secret(facts: Facts) -> Iterator[Finding]:
    """A text in the flow looks like a key, token or password.

    Flow files are shared, committed and kept in histories. A secret is named instead, as
    `{"secret": "NAME"}`, and looked up in the environment when the flow runs. Such a flow is not
    saved either. The value is never repeated in the message.
    """
    return map(Finding.of, plain_secrets(facts.resolved.flow))
