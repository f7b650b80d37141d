"""What goes wrong with models, in words and with one code each, whatever the backend.

A backend raises these itself where it knows, and passes what its library raised through `in_words`
where it does not. Codes: `model/context-overflow`, `model/memory`, `model/unreachable`,
`model/unknown`, `model/key`, `model/rate-limit`, `model/busy`, `model/request`, `model/closed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches

from patchbay.nodes.errors import NodeError
from patchbay.nodes.units import duration, size_in_words

MAX_SHOWN = 8
"""So many names of other models are listed at most."""


# --- any backend --------------------------------------------------------------------------------


def overflow(prompt: int, limit: int, answer: int = 0, trained: int = 0) -> NodeError:
    """The context is full: before the answer, or in the middle of it. Counts are tokens.

    `trained` is the most that the model can take, 0 where that is not known.
    """
    if answer:
        message = (
            f"The model ran out of context: a prompt of {prompt:,} tokens and an answer that "
            f"reached {answer:,} fill the {limit:,} there are."
        )
    else:
        message = f"The prompt has {prompt:,} tokens, but the context holds {limit:,}."
    if trained and limit >= trained:
        fix = f"Shorten the prompt; this model takes no more than {trained:,} tokens."
    else:
        fix = "Raise the model's context, or shorten the prompt."
    return NodeError(
        message,
        fix=f"{fix} A lower limit of tokens keeps the answer short." if answer else fix,
        code="model/context-overflow",
        retry=False,
    )


def out_of_memory(
    what: str, needed: int | None = None, free: int | None = None, *, gpu: bool = False
) -> NodeError:
    """There is no room for a model. `what` names it; sizes are bytes where they are known.

    `gpu` says that it is the memory of a graphics card that does not suffice.
    """
    memory = "GPU memory" if gpu else "memory"
    about = (
        f"needs about {size_in_words(needed)} of {memory}"
        if needed
        else f"needs more {memory} than there is"
    )
    but = f", but only {size_in_words(free)} are free" if free is not None else ""
    return NodeError(
        f"{what} {about}{but}.",
        fix="Lower the context or the number of parallel requests, or take a smaller model.",
        code="model/memory",
        retry=False,
    )


def memory_ran_out(error: BaseException) -> bool:
    """Whether a library says that memory did not suffice, the machine's or a card's."""
    said = str(error).lower()
    words = ("out of memory", "can't allocate memory", "alloc_failed", "not enough memory")
    return isinstance(error, MemoryError) or any(word in said for word in words)


def of_a_gpu(error: BaseException) -> bool:
    """Whether it is about a graphics card."""
    return "cuda" in f"{type(error).__name__} {error}".lower()


def refused(text: object) -> NodeError:
    """The backend does not take the request, for a reason of its own."""
    return NodeError(f"The model refused: {text}", code="model/request", retry=False)


def closed() -> NodeError:
    """The model went away while it was asked."""
    return NodeError("The model was closed.", code="model/closed")


def host_ended() -> NodeError:
    """The process that the models live in is not there, or ended in the midst of a call."""
    return NodeError(
        "The process that the models live in has ended.",
        fix="Try again; it is started again by itself. If it keeps ending, memory may be short.",
        code="model/host-ended",
    )


# --- servers ------------------------------------------------------------------------------------


def unreachable(where: str, why: str = "", fix: str = "") -> NodeError:
    """No server answers at `where`. `fix` says how to start one."""
    return NodeError(
        f"Nothing answers at {where}{': ' + why if why else ''}.",
        fix=fix or "Start the server, or correct its address.",
        code="model/unreachable",
    )


def unknown(model: str, where: str, known: Iterable[str] = (), fix: str = "") -> NodeError:
    """The server has no such model; `known` are those that it has."""
    names = sorted(known)
    message = f"{where} has no model {model!r}."
    if names:
        more = f" and {len(names) - MAX_SHOWN} more" if len(names) > MAX_SHOWN else ""
        message += f" It has {', '.join(names[:MAX_SHOWN])}{more}."
    close = get_close_matches(model, names, 1)
    otherwise = fix or "Name a model that is there."
    return NodeError(
        message,
        fix=f"Did you mean {close[0]!r}?" if close else otherwise,
        code="model/unknown",
        retry=False,
    )


def wrong_key(where: str, secret: str = "") -> NodeError:
    """The server does not accept the key. `secret` is the key's name, never its value."""
    key = f"the key in the secret {secret}" if secret else "a request without a key"
    return NodeError(
        f"{where} does not accept {key}.",
        fix="Set the secret to a key that is valid there." if secret else "Name a secret.",
        code="model/key",
        retry=False,
    )


def rate_limited(where: str, wait_s: float | None = None) -> NodeError:
    """Too many requests. A node with retries tries again, waiting longer each time."""
    when = f" It asks to wait {duration(wait_s)}." if wait_s else ""
    return NodeError(
        f"{where} takes no more requests for now.{when}",
        fix="Wait, lower the number of requests at once, or give the node more retries.",
        code="model/rate-limit",
    )


def busy(where: str, why: object = "") -> NodeError:
    """The server is there, but failed at this request; another try may do."""
    return NodeError(
        f"{where} failed at the request{f': {why}' if why else ''}.",
        fix="Try again, or look at what the server says.",
        code="model/busy",
    )


# --- from what a library raised -----------------------------------------------------------------

Translation = Callable[[BaseException], NodeError | None]
"""Words for the exceptions of one library; None for those that it does not know."""


def in_words(error: BaseException, *translations: Translation) -> BaseException:
    """The error in words, where any translation knows it; an error in words stays as it is."""
    if isinstance(error, NodeError):
        return error
    if isinstance(error, MemoryError):
        return out_of_memory("The model")
    for translate in translations:
        if (found := translate(error)) is not None:
            found.__cause__ = error
            return found
    return error
