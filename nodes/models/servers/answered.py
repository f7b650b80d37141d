"""What a server answered, read from what client libraries raise: none has to be imported for it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LONGEST_TEXT = 500
"""Characters of a server's own words that a message repeats."""

MOST_CAUSES = 10
"""How far the causes of an exception are followed."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What a server answered, as far as an exception tells. `status` None: it did not."""

    status: int | None
    text: str
    raw: str
    headers: Mapping[str, str]

    @classmethod
    def of(cls, error: Any) -> Answered:
        """Read an exception of `httpx`, `openai`, `anthropic`, `ollama`, `google` or the like.

        Where an integration raises a class of its own that says no status, what it was raised from
        is read (LangChain's for Google does so with most errors).
        """
        told = next((one for one in _raised_from(error) if _status(one) is not None), error)
        response = getattr(told, "response", None)
        body = getattr(told, "body", None) or getattr(told, "error", None)
        if not body and isinstance(details := getattr(told, "details", None), Mapping):
            body = details  # Google's
        body = body or _body(response)
        text = text_of(body) or str(told) or type(told).__name__
        return cls(_status(told), cut(text), f"{body} {told}", getattr(response, "headers", {}))


def _status(error: Any) -> int | None:
    """The status of an answer: of the error, of its response, or (Google's) the error's code."""
    response = getattr(error, "response", None)
    status = getattr(error, "status_code", None) or getattr(response, "status_code", None)
    if isinstance(status, int) and status >= 400:
        return status
    code = getattr(error, "code", None)
    if isinstance(code, int) and 400 <= code < 600 and not hasattr(error, "body"):
        return int(code)  # an error with a body and no status was said in a stream: OpenAI's
    return status if isinstance(status, int) and status >= 100 else None


def _body(response: Any) -> Any:
    try:
        text = response.text
    except Exception:  # a streamed body that was never read, or no response at all
        return None
    return text if isinstance(text, str | bytes) else None  # aiohttp's is still to be awaited


def text_of(body: Any) -> str:
    """The message inside an error body: OpenAI, FastAPI, Ollama and Anthropic nest it."""
    if isinstance(body, bytes):
        body = body.decode(errors="replace")
    if isinstance(body, str):
        try:
            return text_of(json.loads(body)) if body.lstrip()[:1] in ("{", '"') else _plain(body)
        except ValueError:
            return _plain(body)
    if isinstance(body, Mapping):
        inner = body.get("error") or body.get("message") or body.get("detail")
        return text_of(inner) if inner else json.dumps(body, default=str)
    return "" if body is None else str(body)


def cut(text: str) -> str:
    """At most `LONGEST_TEXT` characters of it."""
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]} …"


def _plain(text: str) -> str:
    """Text without the tags of an error page."""
    return " ".join(re.sub(r"<[^>]{0,500}>", " ", text[:5000]).split())


def _raised_from(error: BaseException) -> list[BaseException]:
    """The error, and what it was made of on purpose (`raise … from`): never what came by chance."""
    found = [error]
    while len(found) < MOST_CAUSES and (inner := error.__cause__):
        error = inner
        found.append(error)
    return found


def causes(error: BaseException) -> list[BaseException]:
    """The error, what it was raised from, and so on to the first."""
    found = [error]
    while len(found) < MOST_CAUSES and (inner := error.__cause__ or error.__context__):
        error = inner
        found.append(error)
    return found
