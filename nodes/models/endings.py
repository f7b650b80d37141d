"""How an answer ended: whole, cut at the limit of tokens, or not as an answer at all.

Every provider has words of its own for it. Half an answer never passes for a whole one: one that
was cut says so, and what is no answer is an error in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patchbay.nodes.errors import NodeError

REASON = "finish_reason"
"""The key in `response_metadata` under which the reason stands."""

CUT = "length"
"""The reason of an answer that ended at the limit of tokens, whatever the provider calls it."""

_CUT = {"length", "max_tokens", "max_output_tokens", "model_length",
        "model_context_window_exceeded"}  # fmt: skip
_FILTERED = {"content_filter", "content_filtered", "guardrail_intervened", "safety", "recitation",
             "blocklist", "prohibited_content", "spii", "image_safety", "language"}  # fmt: skip
_REFUSED = {"refusal"}
_FAILED = {"error", "abort", "cancelled", "canceled", "malformed_function_call", "other",
           "network_error"}  # fmt: skip


def reason_of(metadata: Mapping[str, Any]) -> str:
    """Why an answer ended, from `response_metadata`; empty where that is not said.

    An answer that was cut is `CUT` whatever the provider's word.
    """
    found = next(
        (metadata[k] for k in (REASON, "done_reason", "stop_reason") if metadata.get(k)), ""
    )
    if not found and metadata.get("done") is True:  # older Ollama servers give no reason
        found = "stop"
    if not found and metadata.get("status") in ("completed", "incomplete"):  # OpenAI's Responses
        details = metadata.get("incomplete_details") or {}
        found = details.get("reason") or metadata["status"]
    word = str(found)
    return CUT if word.lower() in _CUT else word


def failure_of(reason: str, server: object, written: str, refusal: str) -> NodeError | None:
    """What is wrong with an answer that ended for this reason; None where it is one, or cut.

    Args:
        reason: as `reason_of` gives it.
        server: whom to name.
        written: what there is of the answer.
        refusal: the words of a refusal that came in a field of its own.
    """
    word = reason.lower()
    if refusal or word in _REFUSED:
        return refused_to_answer(server, refusal or written)
    if word in _FILTERED:
        return filtered(server, written)
    if word in _FAILED:
        return broke_off(server, f"it says {reason!r} for a reason", written)
    return None


def refused_to_answer(server: object, words: str) -> NodeError:
    """The model was asked and refused; its words are passed on as such, never as an answer."""
    said = f": {shown(words)}" if words.strip() else ", and gave no reason."
    return NodeError(
        f"{server} refused to answer{said}",
        fix="Ask for something else, or ask another model.",
        code="model/refusal",
        retry=False,
    )


def filtered(server: object, written: str) -> NodeError:
    """The provider's filter ended the answer, or let nothing of it through."""
    return NodeError(
        f"The content filter of {server} {_what_came(written, 'ended', 'held back')}.",
        fix="Ask in other words, or ask another model.",
        code="model/filtered",
        retry=False,
    )


def unfinished(server: object, written: str) -> NodeError:
    """The stream ended without the end that the protocol demands."""
    return NodeError(
        f"{server} ended its stream without saying that the answer was over: it "
        f"{_what_came(written, 'broke off', 'sent nothing of')}.",
        fix="Try again; if it happens every time, look at the server's log and at any proxy.",
        code="model/broke-off",
    )


def nothing_sent(server: object) -> NodeError:
    """The stream held its end and nothing else: not even an empty answer."""
    return NodeError(
        f"{server} ended its stream at once: there is no answer in it, not even an empty one.",
        fix="Try again; if it happens every time, look at the server's log and at any proxy.",
        code="model/broke-off",
    )


def broke_off(server: object, why: str, written: str, code: str = "model/broke-off") -> NodeError:
    """The server took the request, and failed in the middle of the answer or before it."""
    return NodeError(
        f"{server} took the request, but {_what_came(written, 'broke off', 'sent nothing of')}: "
        f"{why.rstrip('.')}.",
        fix="Try again, or look at what the server says.",
        code=code,
    )


def shown(text: str, limit: int = 300) -> str:
    """A text in a message, in quotes, cut where it is long."""
    text = text.strip()
    return repr(text if len(text) <= limit else f"{text[:limit]} …")


def _what_came(written: str, some: str, none: str) -> str:
    if not written.strip():
        return f"{none} the answer"
    return f"{some} the answer after {len(written):,} characters ({shown(written[-60:])})"
