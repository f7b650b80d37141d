"""What goes wrong between us and a model server, in words and with a fix."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models import endings, errors
from patchbay.nodes.models.servers.answered import LONGEST_TEXT, Answered, causes, cut, text_of

_LATER = frozenset({429, 502, 503, 504, 529})
"""Statuses that say "not now"; 529 is Anthropic's "overloaded"."""

_OVERFLOW = re.compile(
    r"exceed_context_size|context_length_exceeded|context (?:length|size|window)|prompt is too long"
    r"|maximum context|exceeds? the (?:available )?context|too many tokens"
    r"|input token count .{0,20}exceeds",
    re.IGNORECASE,
)
_NO_MODEL = re.compile(r"\bmodel\b|\bmodels/\S+ is not found", re.IGNORECASE)
_NOT_FOUND = re.compile(
    r"not[ _]found|(?:does )?not exist|no such model|unknown model|invalid model|not a valid model"
    r"|model is not supported|no endpoints",
    re.IGNORECASE,
)
_NO_KEY = re.compile(
    r"no connected db|authentication[_ ]error|unauthori[sz]ed|unauthenticated"
    r"|(?:invalid|incorrect|wrong|missing|no|expired) (?:\S+ ){0,2}api[ _]key"
    r"|(?:invalid|missing)_api_key|api[ _]key (?:is |was )?(?:not |invalid|missing|required)",
    re.IGNORECASE,
)
"""A key that is wrong, however the status is (LiteLLM says 400 or 500, "No connected db.")."""


_NO_TOOLS = re.compile(
    r"not support tool|enable-auto-tool-choice|tools? param requires"
    r"|tool[ _-]?(?:use|call\w*|choice)[^.]{0,30} not supported",
    re.IGNORECASE,
)
"""Ollama; vLLM; llama-server; others."""

_BROKEN = frozenset({
    "ReadError", "WriteError", "CloseError", "RemoteProtocolError", "ConnectionResetError",
    "ConnectionAbortedError", "BrokenPipeError", "IncompleteRead",
})  # fmt: skip
"""Of a connection that there was."""


class SentInstead(Exception):  # noqa: N818 - what a server sent, seen below the client library
    """A server was asked for a stream and sent something else, with status 200.

    Args:
        kind: its content type.
        body: its body, parsed where it is JSON.
    """

    def __init__(self, kind: str, body: Any) -> None:
        super().__init__(f"{kind}: {body!r}"[:LONGEST_TEXT])
        self.kind, self.body = kind, body


class EndedEarly(Exception):  # noqa: N818 - what a server sent, seen below the client library
    """A stream ended without the mark that ends it."""


class NothingSent(Exception):  # noqa: N818 - what a server sent, as above
    """A stream was ended as it should be, and nothing was in it."""


@dataclass(frozen=True, slots=True)
class Server:
    """Whom a model is asked from: enough to say what is wrong.

    Args:
        address: where it is.
        model: the name it is asked for.
        secret: the name of the secret that is its key; empty where there is none.
        start: what would start one, as a sentence.
        models: asks it what models it has; may raise `NodeError`.
    """

    address: str
    model: str
    secret: str = ""
    start: str = "Start it, or change the address."
    models: Callable[[], list[str]] | None = None

    def in_words(self, error: Exception, written: str = "") -> NodeError:
        """What happened. Asks the server for its models where the one that is wanted is unknown.

        Libraries raise their own classes. They are told apart by status, body and name, so that
        none has to be imported, nor installed. `written` is what there is of the answer.
        """
        for cause in causes(error):
            if isinstance(cause, NodeError):
                return cause
            if isinstance(cause, SentInstead):
                return self._sent_instead(cause)
            if isinstance(cause, NothingSent):
                return endings.nothing_sent(self)
            if isinstance(cause, EndedEarly):
                return endings.unfinished(self, written)
        answer = Answered.of(error)
        if answer.status is None or written:  # what goes wrong in an answer was said in its stream
            return self._without_answer(error, answer, written)
        return self._answered(answer)

    # --- no answer ------------------------------------------------------------------------------

    def _without_answer(self, error: Exception, answer: Answered, written: str) -> NodeError:
        kinds = {cls.__name__ for cause in causes(error) for cls in type(cause).__mro__}
        if "ConnectTimeout" in kinds:
            return self.unreachable("it does not take the connection")
        if kinds & {"TimeoutException", "APITimeoutError", "TimeoutError"}:
            when = f" in the middle of its answer ({len(written):,} characters)" if written else ""
            return NodeError(
                f"{self} was silent for too long{when}.",
                fix="Give it more time (timeout), or ask for less.",
                code="model/timeout",
            )
        if _OVERFLOW.search(answer.text):
            return self._overflow(answer)
        if kinds & {"TransportError", "APIConnectionError", "ConnectionError", "InvalidURL"}:
            first = causes(error)[-1]  # "Connection error." alone says little
            why = (str(first) or type(first).__name__).rstrip(".")
            if kinds & _BROKEN and "ConnectError" not in kinds:
                return endings.broke_off(self, f"the connection broke ({why})", written)
            return self.unreachable(why)
        if kinds & {"APIError", "ResponseError"}:  # said in a stream
            why = f"it sent an error: {answer.text}"
            return endings.broke_off(self, why, written, code="model/busy")
        if "JSONDecodeError" in kinds:
            return endings.broke_off(self, f"what it sent is not JSON ({answer.text})", written)
        return NodeError(
            f"{self} cannot be asked: {type(error).__name__}: {answer.text}", code="model/request"
        )

    def unreachable(self, why: str) -> NodeError:
        """Nobody answers."""
        return errors.unreachable(self.address, why, self.start)

    def _sent_instead(self, sent: SentInstead) -> NodeError:
        """A reply that says 200 and is no answer: an error object, a web page, nothing."""
        if isinstance(sent.body, Mapping) and (inner := sent.body.get("error")):
            status = inner.get("code") if isinstance(inner, Mapping) else None
            if isinstance(status, int) and 400 <= status < 600:
                return self._answered(Answered(status, text_of(sent.body), str(sent.body), {}))
            return NodeError(
                f"{self} says that all is well (200) and sends an error in place of an answer: "
                f"{cut(text_of(sent.body))}",
                fix="Look at what the server says, or at a proxy in between.",
                code="model/request",
            )
        what = cut(text_of(sent.body)) or "nothing"
        return self.strange(f"in place of an answer it sends {sent.kind or 'no type'}: {what}")

    # --- an answer with an error ----------------------------------------------------------------

    def _answered(self, answer: Answered) -> NodeError:
        status, text = answer.status or 0, answer.text
        if 300 <= status < 400:
            return self._redirected(answer)
        if status in (401, 403) or (status in (400, 500) and _NO_KEY.search(answer.raw)):
            return errors.wrong_key(f"{self.address} ({status}, {text})", self.secret)
        if _OVERFLOW.search(text) and status < 500:
            return self._overflow(answer)
        if _NO_TOOLS.search(text):
            return self._without_tools(answer)
        if status == 404 or (
            status in (400, 422, 500) and _NO_MODEL.search(text) and _NOT_FOUND.search(answer.raw)
        ):
            return self._unknown(answer)
        if status in _LATER:
            return self._later(answer)
        if status >= 500:
            return errors.busy(str(self), f"{status}, {text.rstrip('.')}")
        return NodeError(
            f"{self} refused the request with {status}: {text}", code="model/request", retry=False
        )

    def _redirected(self, answer: Answered) -> NodeError:
        return NodeError(
            f"{self.address} sends us on to {answer.headers.get('location', 'another address')}; "
            "that is not followed, since what is asked, and the key, would go there.",
            fix="Name that address yourself if you trust it.",
            code="model/redirect",
            retry=False,
        )

    def _unknown(self, answer: Answered) -> NodeError:
        if not _NO_MODEL.search(answer.text):
            return self.strange(f"it answers {answer.status}: {answer.text}")
        return self.unknown(self._listed())

    def strange(self, why: str) -> NodeError:
        """What answers is something else."""
        return NodeError(
            f"{self.address} does not look like a model server of this kind: {why.rstrip('.')}.",
            fix="Check the address and its path; OpenAI-compatible ones mostly end in /v1.",
            code="model/address",
            retry=False,
        )

    def unnamed(self, there: list[str]) -> NodeError:
        """The model has no name here, and the server has not just one."""
        names = ", ".join(there[: errors.MAX_SHOWN])
        return NodeError(
            f"Which model of {self.address} is to be asked is not said. It has {names or 'none'}.",
            fix="Name one of them." if there else "Load a model there.",
            code="model/unknown",
            retry=False,
        )

    def unknown(self, there: Iterable[str]) -> NodeError:
        """The server does not have the model; `there` is what it has."""
        return errors.unknown(self.model, self.address, there, "Check the name.")

    def _listed(self) -> list[str]:
        try:
            return self.models() if self.models else []
        except NodeError:
            return []

    def _overflow(self, answer: Answered) -> NodeError:
        return NodeError(
            f"The prompt and its answer do not fit into the context of {self.model!r}: "
            f"{answer.text}",
            fix="Shorten the prompt, lower max tokens, or start the server with more context.",
            code="model/context-overflow",
            retry=False,
        )

    def _without_tools(self, answer: Answered) -> NodeError:
        return NodeError(
            f"{self} takes no tools: {answer.text}",
            fix="Set tools_as of the model to schema: tools are then described in the prompt, as "
            "local models get them. Or start the server with tool calls.",
            code="model/no-tools",
            retry=False,
        )

    def _later(self, answer: Answered) -> NodeError:
        if "insufficient_quota" in answer.raw:
            return NodeError(
                f"The account at {self.address} is used up: {answer.text}",
                fix="Add credit, or use another model.",
                code="model/quota",
                retry=False,
            )
        if answer.status == 429:
            return errors.rate_limited(f"{self} ({answer.text})", retry_after(answer.headers))
        return errors.busy(str(self), f"{answer.status}, {answer.text.rstrip('.')}")

    def __str__(self) -> str:
        return f"{self.model!r} at {self.address}" if self.model else self.address


# --- trying again -------------------------------------------------------------------------------

LONGEST_WAIT_S = 60.0
"""A server that asks to wait longer is not waited for."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a server asks to wait (`Retry-After`: a number, or a date; RFC 9110)."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        text = headers.get(name, "")
        try:
            return max(0.0, float(text) / unit)
        except ValueError:
            pass
        if name == "retry-after" and text:
            try:
                return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
            except ValueError:
                return None
    return None


_CLOSED = _BROKEN | {"ServerDisconnectedError"}


def _closed_before(error: Exception) -> bool:
    """Whether a connection ended before a word of an answer came."""
    if Answered.of(error).status is not None:
        return False
    chain = causes(error)
    kinds = {cls.__name__ for cause in chain for cls in type(cause).__mro__}
    if kinds & {"ConnectError", "ConnectTimeout", "TimeoutException", "APITimeoutError"}:
        return False
    half = any("incomplete" in str(cause) or "peer closed" in str(cause) for cause in chain)
    return bool(kinds & _CLOSED) and not half


def pause_s(error: Exception, tries: int, retries: int, *, received: bool = False) -> float | None:
    """Seconds to wait before asking again after `tries` tries; None to give up.

    Where the server said "not now", that doubles from one second unless it says how long. Where it
    had closed a connection that was kept, and `received` nothing of an answer came, it is asked
    once more, at once: clients may do so (RFC 9110, 9.2.2, and RFC 9112, 9.3.1).
    """
    if tries == 1 and retries and not received and _closed_before(error):
        return 0.0
    answer = Answered.of(error)
    if answer.status not in _LATER or tries > retries or "insufficient_quota" in answer.raw:
        return None
    asked = retry_after(answer.headers)
    wait = 2.0 ** (tries - 1) if asked is None else asked
    return wait if wait <= LONGEST_WAIT_S else None
