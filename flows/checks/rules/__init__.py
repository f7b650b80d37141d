"""The rules: small functions, each with a code of its own, in one explicit table."""

from __future__ import annotations

from patchbay.flows.checks.rules import nodes, resources, structure, subflows, variables, wiring
from patchbay.flows.checks.rules.base import Facts, Rule

RULES: tuple[Rule, ...] = (
    Rule("structure/duplicate-id", "error", structure.duplicate_id),
    Rule("structure/cycle", "error", structure.cycle),
    Rule("structure/no-output", "error", structure.no_output),
    Rule("structure/duplicate-input", "error", structure.duplicate_input),
    Rule("structure/duplicate-output", "error", structure.duplicate_output),
    Rule("structure/unreachable", "warning", structure.unreachable),
    Rule("structure/disabled", "warning", structure.disabled),
    Rule("structure/layout", "warning", structure.layout),
    Rule("node/unknown-kind", "error", nodes.unknown_kind),
    Rule("node/missing-package", "error", nodes.missing_package),
    Rule("node/version", "error", nodes.version),
    Rule("node/ports", "error", nodes.ports),
    Rule("node/description", "error", nodes.description),
    Rule("node/refusal", "error", nodes.refusal),
    Rule("node/doubt", "warning", nodes.doubt),
    Rule("params/invalid", "error", nodes.invalid_params),
    Rule("params/plain-secret", "error", nodes.plain_secret),
    Rule("params/variable", "error", variables.variable),
    Rule("wiring/unknown-node", "error", wiring.unknown_node),
    Rule("wiring/unknown-port", "error", wiring.unknown_port),
    Rule("wiring/duplicate", "error", wiring.duplicate),
    Rule("wiring/type-mismatch", "error", wiring.type_mismatch),
    Rule("wiring/required", "error", wiring.required),
    Rule("wiring/many", "error", wiring.many),
    Rule("wiring/never", "warning", wiring.never),
    Rule("subflow/name", "error", subflows.name),
    Rule("subflow/missing", "error", subflows.missing),
    Rule("subflow/unreadable", "error", subflows.unreadable),
    Rule("subflow/recursion", "error", subflows.recursion),
    Rule("subflow/broken", "error", subflows.broken),
    Rule("subflow/inputs", "error", subflows.inputs),
    Rule("subflow/outputs", "error", subflows.outputs),
    Rule("resources/memory", "warning", resources.memory),
)

__all__ = ["RULES", "Facts", "Rule"]
