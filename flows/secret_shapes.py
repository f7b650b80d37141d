"""Texts that look like keys, so that none is saved in a flow file by mistake."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

JsonPath = tuple[str | int, ...]

_SHAPES: tuple[tuple[str, str], ...] = (
    ("an Anthropic key", r"\bsk-ant-[A-Za-z0-9_-]{16,}"),
    ("an OpenAI-style key", r"\bsk-[A-Za-z0-9_-]{16,}"),
    ("a Hugging Face token", r"\bhf_[A-Za-z0-9]{16,}"),
    ("a GitHub token", r"\b(?:gh[pousr]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{20,})"),
    ("a GitLab token", r"\bglpat-[A-Za-z0-9_-]{16,}"),
    ("an AWS key", r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    ("a Google key", r"\b(?:AIza[A-Za-z0-9_-]{30,}|ya29\.[A-Za-z0-9_-]{20,})"),
    ("a Slack token", r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}"),
    ("a Stripe key", r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    ("a Groq, xAI, Replicate, Tavily, Perplexity or LangSmith key",
     r"\b(?:gsk_|xai-|r8_|tvly-|pplx-|lsv2_[a-z]{2}_|nvapi-)[A-Za-z0-9_-]{16,}"),
    ("a PyPI or npm token", r"\b(?:pypi-[A-Za-z0-9_-]{30,}|npm_[A-Za-z0-9]{30,})"),
    ("a private key", r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY"),
    ("a JSON web token", r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
    ("a bearer token", r"\b[Bb]earer +[A-Za-z0-9._~+/-]{20,}"),
    ("a password in an address", r"\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@{}]{1,100}:[^\s/@{}]{3,200}@"),
)  # fmt: skip
# Every shape holds one of these; looking for them first keeps long prompts cheap.
_HINT = re.compile(
    r"sk-|hf_|gh[pousr]_|github_pat_|glpat-|AKIA|ASIA|AIza|ya29\.|xox|k_live_|k_test_|gsk_|xai-|r8_"
    r"|tvly-|pplx-|lsv2_|nvapi-|pypi-|npm_|PRIVATE KEY|eyJ|earer|://"
)
_COMPILED = tuple((name, re.compile(pattern)) for name, pattern in _SHAPES)


_PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY.*?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)", re.DOTALL
)
TAKEN_OUT = "[key taken out]"
"""What stands in a text where something like a secret stood."""

LEAST = 11
"""Every shape has as many characters at least: the address `ab://c:123@` is the shortest."""


def secret_kind(text: str) -> str | None:
    """What sort of secret a text holds, in words, or None."""
    if len(text) < LEAST or not _HINT.search(text):
        return None
    return next((name for name, pattern in _COMPILED if pattern.search(text)), None)


def holds_secret(value: Any) -> bool:
    """Whether something like a secret is anywhere in a JSON value, keys too."""
    if isinstance(value, str):
        return secret_kind(value) is not None
    if isinstance(value, dict):
        return any(holds_secret(key) or holds_secret(inner) for key, inner in value.items())
    return isinstance(value, (list, tuple)) and any(holds_secret(inner) for inner in value)


def without_secrets(value: Any) -> Any:
    """A JSON value with `TAKEN_OUT` for whatever looks like a secret, in its texts and keys."""
    if isinstance(value, str):
        if secret_kind(value) is None:
            return value
        text = _PRIVATE_KEY.sub(TAKEN_OUT, value)
        for _, pattern in _COMPILED:
            text = pattern.sub(TAKEN_OUT, text)
        return text
    if isinstance(value, dict):
        return {without_secrets(key): without_secrets(inner) for key, inner in value.items()}
    return (
        [without_secrets(inner) for inner in value] if isinstance(value, (list, tuple)) else value
    )


def secrets_in(value: Any, where: JsonPath = ()) -> Iterator[tuple[JsonPath, str]]:
    """The places inside a JSON value (keys too) that hold something like a secret, and its sort."""
    stack: list[tuple[JsonPath, Any]] = [(where, value)]
    while stack:
        at, item = stack.pop()
        if isinstance(item, str):
            kind = secret_kind(item)
            if kind:
                yield at, kind
        elif isinstance(item, dict):
            for key, inner in reversed(item.items()):
                kind = secret_kind(key)
                if kind:
                    yield at, kind
                stack.append(((*at, "…" if kind else key), inner))
        elif isinstance(item, (list, tuple)):
            stack.extend(((*at, i), item[i]) for i in reversed(range(len(item))))
