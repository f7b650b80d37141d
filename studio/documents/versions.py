"""Every save of a flow, by content, with what changed in words. Kept under the home folder."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patchbay.flows.document.diff import changes
from patchbay.flows.document.model import Flow
from patchbay.flows.document.reading import read_text
from patchbay.flows.document.writing import canonical_text
from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.private import private_file, private_folder

if TYPE_CHECKING:
    from patchbay.nodes.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Version:
    """One save. `at` is Unix time in seconds; `digest` names the content; `name` is what a person
    called it, or ""."""

    digest: str
    at: float
    changes: tuple[str, ...]
    by: str = ""
    name: str = ""


class Versions:
    """The versions of one flow file: an index of lines and a folder of contents.

    Args:
        home: the studio's home folder.
        path: the flow file.
        clock: Unix time in seconds.
        catalog: by whose titles nodes are called in what changed; None calls them by their ids.
    """

    def __init__(
        self,
        home: Path,
        path: Path,
        clock: Callable[[], float] = time.time,
        catalog: Callable[[], Catalog] | None = None,
    ) -> None:
        self._home = home
        self._blobs = home / "versions" / "contents"
        self._index = self._index_of(path)
        self._clock, self._catalog = clock, catalog
        self._last: tuple[str, Flow] | None = None

    def add(self, flow: Flow, by: str = "") -> Version | None:
        """Keep a flow. None when it equals the latest version."""
        text = canonical_text(flow)
        digest = hashlib.sha256(text.encode()).hexdigest()
        before = self._latest()
        if before and before[0] == digest:
            return None
        catalog = self._catalog() if self._catalog is not None else None
        words = changes(before[1], flow, catalog) if before else ["First version."]
        version = Version(digest, self._clock(), tuple(words or ["Written out anew."]), by)
        blob = self._blob(digest)
        private_folder(blob.parent)
        if not blob.exists():
            write_atomic(blob, text)
        told = asdict(version)
        del told["name"]
        self._append(told)
        self._last = (digest, flow)
        return version

    def call(self, version: Version, name: str) -> None:
        """Give a version a name of its own; "" takes it away.

        Raises:
            OSError: the disk refuses.
        """
        self._append({"digest": version.digest, "of": version.at, "name": " ".join(name.split())})

    def _append(self, told: Mapping[str, Any]) -> None:
        with private_file(self._index).open("a", encoding="utf-8") as index:
            index.write(json.dumps(told, ensure_ascii=False) + "\n")

    def move(self, path: Path) -> None:
        """Go with the flow file, which lies at `path` now.

        Raises:
            OSError: the disk refuses.
        """
        target = self._index_of(path)
        if self._index.exists() and not target.exists():
            self._index.rename(target)
        self._index = target

    def _index_of(self, path: Path) -> Path:
        name = hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]
        return self._home / "versions" / f"{path.stem[:40]}-{name}.jsonl"

    def list(self) -> list[Version]:
        """All versions, newest first. A damaged line is left out."""
        found: list[Version] = []
        names: dict[tuple[str, float], str] = {}
        if self._index.exists():
            for line in self._index.read_text("utf-8").splitlines():
                try:
                    data = json.loads(line)
                    if "of" in data:
                        names[data["digest"], data["of"]] = str(data["name"])
                        continue
                    data["changes"] = tuple(data["changes"])
                    found.append(Version(**data))
                except (ValueError, KeyError, TypeError):
                    continue
        return [replace(one, name=names.get((one.digest, one.at), "")) for one in reversed(found)]

    def read(self, digest: str) -> Flow:
        """The flow of a version.

        Raises:
            FlowError: there is no such version any more.
            ValueError: the digest is not one.
        """
        if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
            raise ValueError(f"{digest!r} does not name a version.")
        from patchbay.flows.document.reading import read_bytes

        return read_text(read_bytes(self._blob(digest)))

    def _latest(self) -> tuple[str, Flow] | None:
        if self._last is None and (found := self.list()):
            try:
                self._last = (found[0].digest, self.read(found[0].digest))
            except Exception:  # a lost content must not keep anybody from saving
                return None
        return self._last

    def _blob(self, digest: str) -> Path:
        return self._blobs / digest[:2] / f"{digest}.json"
