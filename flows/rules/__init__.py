"""The rules: small functions, each with a code of its own, in one explicit table."""

from __future__ import annotations

from flows.rules.base import Facts, Rule

RULES: tuple[Rule, ...] = ()

__all__ = ["RULES", "Facts", "Rule"]
