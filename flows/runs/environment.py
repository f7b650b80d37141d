"""What a run needs besides the flow: everything from outside, as one argument."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from patchbay.flows.runs.cache import Cache
from patchbay.flows.runs.events import Event
from patchbay.flows.runs.resources import Pool
from patchbay.flows.runs.secrets import Secrets
from patchbay.nodes.catalog import Catalog

if TYPE_CHECKING:
    from patchbay.flows.runs.asking import Asker, Desk
    from patchbay.flows.runs.elsewhere import Elsewhere
    from patchbay.flows.runs.history import History
    from patchbay.flows.runs.journal import Journal
    from patchbay.nodes.far_work import FarWork
    from patchbay.nodes.made_calls import ModelCall, ToolCall


class Trace(Protocol):
    """Follows one run closely, such as to send spans of it somewhere."""

    def event(self, event: Event) -> None:
        """An event of the run."""

    def called(self, node: str, call: ModelCall | ToolCall) -> None:
        """A call of a model or a tool in a node has ended. Comes from any thread."""


Sink = Callable[[Event], None]
"""Takes events as they happen, on the thread of the run."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What a node gave in an earlier try of the same run, and for which key."""

    key: str
    outputs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Environment:
    """Catalog, pool, secrets, stores and folder of a run.

    `cache` None runs every node. `stored` holds results of an interrupted try by node path.
    People are asked through `desk`, which keeps questions until they are answered, or through
    `asker`, which asks at once; without either a flow that asks is refused.
    """

    catalog: Catalog
    pool: Pool
    secrets: Secrets = field(default_factory=Secrets)
    cache: Cache | None = None
    folder: Path | None = None
    stored: Mapping[str, Stored] = field(default_factory=dict)
    pinned: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By node id, what nodes give that are not run: people have pinned it."""
    sinks: tuple[Sink, ...] = ()
    trace: Trace | None = None
    """Follows the run, calls of models and tools among it."""
    journal: Journal | None = None
    """The one of the sinks that keeps steps as well; a run finds it itself."""
    desk: Desk | None = None
    asker: Asker | None = None
    history: History | None = None
    """Where what outlives the run is kept; None is the default history."""
    thread: str = ""
    """The thread that the run is a turn of; a run sets it itself, as it does `place`."""
    place: str = ""
    """What the flow is known by: the path of its file, or its name."""
    variables: str = ""
    """The environment whose values the flow's variables have; "" for this machine's."""
    keeps_quick: bool = True
    """Whether the cache holds what nodes gave that never wait. A batch has a million of them."""
    elsewhere: Elsewhere | None = None
    """Where items of loops run; None for in this process."""
    far_work: FarWork | None = None
    """Where long work of nodes is done, such as a training; None for in this process."""
    person: str = ""
    """Whom the run is for; "" for whoever uses this machine."""

    @property
    def keyed(self) -> bool:
        """Whether anybody asks for keys; they cost time."""
        return self.cache is not None or bool(self.stored) or bool(self.sinks)

    def side_by_side(self, wanted: int) -> int:
        """How many runs of other flows should be under way at once, so that nothing idles that is
        there for them elsewhere."""
        return wanted if self.elsewhere is None else max(wanted, self.elsewhere.slots)
