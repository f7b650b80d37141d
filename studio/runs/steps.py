"""What a run spent and what its agents did, in the short form that pages and browsers get."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from patchbay.flows.runs.events import Tokens
from patchbay.flows.runs.prices import prices_or_none
from patchbay.flows.wording import plural
from patchbay.nodes.units import duration

STEP_TEXT = 4000
"""Characters of a step's text that pages get."""

Told = dict[str, Any]


def step_of(event: Mapping[str, Any]) -> Told:
    """A step of an agent from its event in JSON form.

    `what` and `text`; and `who`, `tool`, `seconds` and `tokens` (a number) where they are known.
    """
    text = str(event.get("text", ""))
    told: Told = {"what": event["what"], "text": text[:STEP_TEXT] + "…" * (len(text) > STEP_TEXT)}
    told |= {name: event[name] for name in ("who", "tool") if event.get(name)}
    if event.get("seconds") is not None:
        told["seconds"] = round(event["seconds"], 3)
    total = tokens_of(event.get("tokens")).total
    return told | ({"tokens": total} if total else {})


def by_role(steps: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """What each role did and spent, in words: `4 steps, 2 tool calls, 312 tokens, 4.1 s`."""
    roles: dict[str, list[Mapping[str, Any]]] = {}
    for step in steps:
        roles.setdefault(step.get("who", ""), []).append(step)
    return {who: _spent_by(own) for who, own in roles.items()}


def _spent_by(steps: list[Mapping[str, Any]]) -> str:
    facts = [plural(len(steps), "step")]
    if calls := sum(step["what"] == "tool call" for step in steps):
        facts.append(plural(calls, "tool call"))
    if tokens := sum(step.get("tokens", 0) for step in steps):
        facts.append(plural(tokens, "token"))
    if passed := sum(step.get("seconds", 0.0) for step in steps):
        facts.append(duration(passed))
    return ", ".join(facts)


def tokens_of(stored: Mapping[str, Any] | None) -> Tokens:
    """Tokens from their form in a recorded event."""
    return Tokens.read(stored) if stored else Tokens()


def told_tokens(tokens: Tokens) -> Told:
    """Tokens as browsers are told: how many, seconds to the first, how many a second."""
    told: Told = {"tokens": tokens.total} if tokens.total else {}
    if tokens.first_token_s is not None:
        told["first_token_s"] = round(tokens.first_token_s, 3)
    if tokens.per_second is not None:
        told["per_second"] = round(tokens.per_second, 1)
    return told


def spent(seconds: float | None, tokens: Tokens) -> list[str]:
    """`["1.2 s", "49 tokens", "0.21 s to first", "38 tokens/s"]`, as far as it is known."""
    facts = [duration(seconds)] if seconds is not None else []
    if tokens.total:
        facts.append(plural(tokens.total, "token"))
        if cost := prices_or_none().cost(tokens):
            facts.append(cost.words())
    if tokens.first_token_s is not None:
        facts.append(f"{duration(tokens.first_token_s)} to first")
    if tokens.per_second is not None:
        facts.append(f"{tokens.per_second:.0f} tokens/s")
    return facts
