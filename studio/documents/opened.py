"""The open flows of this process: one document per file, saved in the background."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from patchbay.flows.document.model import Flow
from patchbay.flows.problems import Problem
from patchbay.studio.documents.document import FlowDocument
from patchbay.studio.documents.pins import Pins
from patchbay.studio.documents.versions import Versions

if TYPE_CHECKING:
    from patchbay.nodes.catalog import Catalog

SAVE_AFTER_S = 0.4
"""How long a document must be at rest before it is saved."""
SAVE_AT_LEAST_S = 3.0
"""How long edits that never rest may stay unsaved."""
LOOK_EVERY_S = 1.0
"""How often files are compared with the disk."""


class Documents:
    """Opens each file once, saves what changed, and notices what other programs write.

    Args:
        home: the studio's home folder, where versions are kept; None keeps none.
        check: finds the problems of a flow that lies at a path.
        catalog: by whose titles versions call nodes.
        background: whether a thread saves and looks at the disk. Without it call `tick()`.
    """

    def __init__(
        self,
        home: Path | None = None,
        *,
        check: Callable[[Flow, Path], Sequence[Problem]] = lambda flow, path: (),
        catalog: Callable[[], Catalog] | None = None,
        background: bool = True,
    ) -> None:
        self._home, self._check, self._catalog = home, check, catalog
        self._open: dict[Path, FlowDocument] = {}
        self._by_id: weakref.WeakValueDictionary[str, FlowDocument] = weakref.WeakValueDictionary()
        self._dirty_since: dict[Path, float] = {}
        self._lock = threading.Lock()
        self._looked = 0.0
        self._stop = threading.Event()
        if background:
            threading.Thread(target=self._work, name="patchbay-save", daemon=True).start()
            atexit.register(self.close_all)

    def open(self, path: Path) -> FlowDocument:
        """The document of a file: the same object for everybody in this process.

        Raises:
            FlowError: the file holds no flow.
        """
        path = path.resolve()
        with self._lock:
            if path not in self._open:
                versions = Versions(self._home, path, catalog=self._catalog) if self._home else None
                self._open[path] = document = FlowDocument(
                    path,
                    check=lambda flow: self._check(flow, path),
                    versions=versions,
                    pins=Pins(self._home, path),
                )
                self._by_id[document.id] = document
            return self._open[path]

    def shown(self, flow: Flow) -> FlowDocument:
        """A document that lies nowhere, for a page that only shows a flow: a past run's, say.

        It is found by its id for as long as somebody holds it.
        """
        document = FlowDocument(None, flow)
        with self._lock:
            self._by_id[document.id] = document
        return document

    def by_id(self, document_id: str) -> FlowDocument | None:
        """The document that a browser names: edits find theirs after the page has moved on.

        One whose file was renamed or removed is found for as long as a page holds it.
        """
        with self._lock:
            return self._by_id.get(document_id)

    def close(self, path: Path, *, save: bool = True) -> None:
        """Forget a document: its file is being renamed or removed."""
        with self._lock:
            document = self._open.pop(path.resolve(), None)
        if document and save:
            document.save()

    def close_all(self) -> None:
        """Save everything and stop."""
        self._stop.set()
        for document in self._all():
            document.save()

    def tick(self, now: float | None = None) -> None:
        """Save what has come to rest; now and then look at the disk. `now` is monotonic."""
        now = time.monotonic() if now is None else now
        look = now - self._looked >= LOOK_EVERY_S
        for document in self._all():
            path = document.path
            if path is None:
                continue
            if document.saved or document.conflict:
                self._dirty_since.pop(path, None)
            else:
                since = self._dirty_since.setdefault(path, now)
                if now - document.touched >= SAVE_AFTER_S or now - since >= SAVE_AT_LEAST_S:
                    document.save()
            if look:
                document.poll()
        if look:
            self._looked = now

    def _all(self) -> list[FlowDocument]:
        with self._lock:
            return list(self._open.values())

    def _work(self) -> None:
        while not self._stop.wait(0.2):
            self.tick()
