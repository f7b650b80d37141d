"""Long work of a node that may be done in another process, perhaps on another machine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

T = TypeVar("T")

Tell = Callable[..., None]
"""Takes a name and what is told under it, from any thread."""

LongWork = Callable[..., T]
"""A function of a module, called with its arguments, then a `Tell` and a `threading.Event` that is
set when it is to stop. It blocks, and leaves on a shared folder what it needs to go on."""


class FarWork(Protocol):
    """Another place for long work."""

    async def do(
        self,
        work: LongWork[T],
        *given: object,
        hear: Mapping[str, Callable[..., None]],
        cancelled: threading.Event,
    ) -> T:
        """What the work gives there. Where its process dies, another one does it again.

        Args:
            work: what is done; what it holds and gives can be pickled.
            given: its arguments.
            hear: by name, who hears what the work tells; `report` also hears a label, what is
                done and all that is to do while it has not begun.
            cancelled: is set when the run is being cancelled, which stops it there too.

        Raises:
            NodeError: what the work raised, or why it cannot be done there.
        """


def hearing(hear: Mapping[str, Callable[..., None]]) -> Tell:
    """Tells those who hear it here."""

    def tell(name: str, *what: object) -> None:
        hear[name](*what)

    return tell
