"""What the Flows page shows of a flow: worked out once, and kept on the disk.

To draw a flow, its kinds must be imported and its nodes resolved. That takes longer than starting
the studio does, and seldom gives something new. Nothing here imports a flow's parts before one has
to be looked at.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.private import private_folder
from patchbay.studio.documents.finding import rank, words_of
from patchbay.studio.documents.purposes import purpose_of

if TYPE_CHECKING:
    from patchbay.flows.document.model import Flow
    from patchbay.nodes.catalog import Catalog

KEPT = 400
"""Cards that are kept on the disk, the latest made."""
ABOUT = 4000
"""Characters of a description that are searched."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Card:
    """A flow file at a glance. `light` and `dark` are its picture as SVG, or ""."""

    path: Path
    modified: float
    """Unix time in seconds."""
    title: str
    about: str = ""
    nodes: int = 0
    purpose: str = ""
    words: str = ""
    """What it is found by besides: what its nodes are called, and their synonyms."""
    digest: str = ""
    """Names what the flow does: two with the same differ in name, description and layout only."""
    error: str = ""
    """Why it cannot be opened, or ""."""
    builder: str = ""
    """Whose flow the file holds, where it is another builder's: `flowise`, say."""
    light: str = ""
    dark: str = ""

    def rank(self, wanted: str, more: Iterable[str] = ()) -> int | None:
        """How well the card fits a search, 0 best; None where it does not. See `finding.rank`."""
        return rank(self, wanted, more)


class Cards:
    """The cards of flow files.

    Args:
        store: where they are kept; a broken or older file is made anew.
        catalog: gives the catalog, when a flow has to be drawn.
    """

    def __init__(self, store: Path, catalog: Callable[[], Catalog]) -> None:
        self._store, self._catalog = store, catalog
        self._lock = threading.RLock()
        self._known: dict[str, tuple[int, int, Card]] = {}
        self._foreign: set[str] = set()
        self._named: dict[str, str] | None = None
        """Pictures by name; None until somebody asks, and since a card was made."""
        self._news = False
        self._read()

    def of(self, paths: Iterable[Path]) -> list[Card]:
        """The cards of these files; one that is just gone is left out."""
        with self._lock:
            found = [card for path in paths if (card := self._one(path))]
            if self._news:
                self._write()
            return found

    def picture(self, name: str) -> str | None:
        """The picture, as SVG, that `picture_name` gives this name; None where no card has it."""
        with self._lock:
            if self._named is None:
                cards = [card for _, _, card in self._known.values()]
                drawn = [picture for card in cards for picture in (card.light, card.dark)]
                self._named = {picture_name(picture): picture for picture in drawn if picture}
            return self._named.get(name)

    # --- one card -----------------------------------------------------------------------------

    def _one(self, path: Path) -> Card | None:
        try:
            status = path.stat()
        except OSError:
            return None
        known = self._known.get(str(path))
        if known and known[:2] == (status.st_mtime_ns, status.st_size):
            return known[2]
        card, foreign = self._made(path, status.st_mtime_ns / 1e9)
        self._known.pop(str(path), None)  # so that it comes last
        self._known[str(path)] = (status.st_mtime_ns, status.st_size, card)
        (self._foreign.add if foreign else self._foreign.discard)(str(path))
        self._news, self._named = True, None
        return card

    def _made(self, path: Path, modified: float) -> tuple[Card, bool]:
        """The card of a file; and whether other packages have a say in what it looks like."""
        from patchbay.flows.document.reading import read_flow
        from patchbay.flows.problems import FlowError

        try:
            flow = read_flow(path)
        except FlowError as error:
            words = error.problems[0].message if error.problems else str(error)
            return Card(
                path,
                modified,
                path.stem,
                error=words or "It holds no flow.",
                builder=_builder(path),
            ), False
        catalog = self._catalog()
        light, dark = self._pictures(flow, path)
        card = Card(
            path,
            modified,
            flow.name or path.stem,
            flow.description.strip()[:ABOUT],
            len(flow.nodes),
            purpose_of(flow, catalog),
            words_of(flow, catalog),
            digest_of(flow),
            light=light,
            dark=dark,
        )
        return card, any(node.kind not in BUILTIN for node in flow.nodes)

    def _pictures(self, flow: Flow, path: Path) -> tuple[str, str]:
        from patchbay.studio.pictures.picture import draw

        try:
            picture = draw(flow, self._catalog())
            return picture.svg(), picture.svg(dark=True)
        except Exception:  # one odd flow must not hide the others
            _log.exception("The picture of %s cannot be drawn", path)
            return "", ""

    # --- the disk -----------------------------------------------------------------------------

    def _read(self) -> None:
        try:
            kept = json.loads(self._store.read_text("utf-8"))
            if kept["stamp"] != code_stamp():
                return
            for path, (modified, size, told) in kept["cards"].items():
                card = Card(**{**told, "path": Path(path)})
                self._known[path] = (modified, size, card)
        except (OSError, ValueError, KeyError, TypeError):
            self._known = {}

    def _write(self) -> None:
        self._news = False
        kept = [item for item in self._known.items() if item[0] not in self._foreign][-KEPT:]
        cards: dict[str, Any] = {
            path: [modified, size, {k: v for k, v in asdict(card).items() if k != "path"}]
            for path, (modified, size, card) in kept
        }
        data = {"stamp": code_stamp(), "cards": cards}
        with contextlib.suppress(OSError):  # next time it is made anew
            private_folder(self._store.parent)
            write_atomic(self._store, json.dumps(data, ensure_ascii=False), durable=False)


def picture_name(picture: str) -> str:
    """Names a picture by what it shows, so that a browser may keep it for ever."""
    return hashlib.sha256(picture.encode()).hexdigest()[:32]


def digest_of(flow: Flow) -> str:
    """Names what a flow does, whatever it is called and however it lies on the canvas."""
    from patchbay.flows.document.writing import canonical_text

    bare = flow.model_copy(
        update={"name": "", "description": "", "layout": {}, "notes": (), "groups": ()}
    )
    return hashlib.sha256(canonical_text(bare).encode()).hexdigest()[:16] if flow.nodes else ""


def _builder(path: Path) -> str:
    """Whose flow a file holds that is none of ours; "" where that cannot be told."""
    from patchbay.flows.problems import FlowError
    from patchbay.studio.documents.importing import LARGEST, foreign

    try:
        if path.stat().st_size > LARGEST:
            return ""
        found = foreign(path.read_bytes(), path.name)
    except (FlowError, OSError):
        return ""
    return found[0].report.builder if found else ""


@cache
def code_stamp() -> str:
    """Names the code that cards come from: another version of it draws other ones."""
    root = Path(__file__).parents[2]
    found = hashlib.sha256()
    for room in ("nodes", "flows", "studio/documents", "studio/pictures"):
        for name, modified, size in sorted(_sources(root / room)):
            found.update(f"{name} {modified} {size}\n".encode())
    return found.hexdigest()[:16]


def _sources(folder: Path) -> Iterator[tuple[str, int, int]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir():
                yield from _sources(Path(entry.path))
            elif entry.name.endswith(".py"):
                status = entry.stat()
                yield entry.path, status.st_mtime_ns, status.st_size
