"""What all sessions of the process share: catalog, open documents, flows on disk, runs."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar, overload

from patchbay.nodes.home import cache_dir, home
from patchbay.nodes.private import private_folder
from patchbay.studio.documents.cards import Cards
from patchbay.studio.documents.choices import Choices
from patchbay.studio.documents.filing import Filing
from patchbay.studio.documents.library import Library
from patchbay.studio.server.grants import Grants

if TYPE_CHECKING:  # the first page is shown before any of these is needed
    from collections.abc import Callable

    from patchbay.flows.runs.history import History
    from patchbay.nodes.catalog import Catalog
    from patchbay.studio.documents.opened import Documents
    from patchbay.studio.runs.experiments import LiveExperiments
    from patchbay.studio.runs.run_forms import RunForms
    from patchbay.studio.runs.runner import Runner
    from patchbay.studio.runs.table_runs import TableRuns
    from patchbay.studio.server.served_flows import ServedFlows


T = TypeVar("T")


class made_once(cached_property[T]):  # noqa: N801 - a decorator, as its base is
    """A `functools.cached_property` that is made once, however many threads ask for it at a time.

    Since Python 3.12 the one of the library gives each of them another: two tabs that open at the
    same moment would each have documents and runs of their own.
    """

    def __init__(self, func: Callable[[Any], T]) -> None:
        super().__init__(func)
        self._making = threading.RLock()

    @overload
    def __get__(self, instance: None, owner: type[Any] | None = None) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type[Any] | None = None) -> T: ...
    def __get__(self, instance: object | None, owner: type[Any] | None = None) -> Self | T:
        if instance is None:
            return self
        with self._making:
            return super().__get__(instance, owner)


@dataclass
class Services:
    """One per process. Members are made when first asked for."""

    home: Path

    @made_once
    def catalog(self) -> Catalog:
        """The installed nodes."""
        from patchbay.flows.runs.defaults import default_catalog

        return default_catalog()

    @made_once
    def documents(self) -> Documents:
        """The open flows."""
        from patchbay.flows.checks.validate import validate
        from patchbay.studio.documents.opened import Documents

        return Documents(
            self.home,
            check=lambda flow, path: validate(flow, self.catalog, path.parent),
            catalog=lambda: self.catalog,
        )

    @made_once
    def library(self) -> Library:
        """The flows on disk."""
        from patchbay import flows

        templates = Path(flows.__file__).parent / "saved"
        return Library(self.home / "flows", templates, self.home / "trash", lambda: self.catalog)

    @made_once
    def cards(self) -> Cards:
        """What the Flows page shows of each."""
        return Cards(cache_dir() / "cards.json", lambda: self.catalog)

    @made_once
    def filing(self) -> Filing:
        """Folders and tags of the flows on disk."""
        return Filing(self.library.folder)

    @made_once
    def choices(self) -> Choices:
        """What the person chose on the pages."""
        return Choices(self.home / "studio-choices.json")

    @made_once
    def grants(self) -> Grants:
        """The tokens that pages were given for what they show."""
        return Grants()

    @made_once
    def history(self) -> History:
        """The record of past runs."""
        from patchbay.flows.runs.history import History

        private_folder(self.home)
        return History()

    @made_once
    def runner(self) -> Runner:
        """The runs that are under way, and the latest of each flow."""
        from patchbay.studio.runs.runner import Runner

        return Runner(history=lambda: self.history, owners=self.home / "run-owners.jsonl")

    @made_once
    def forms(self) -> RunForms:
        """What was typed for runs of open flows."""
        from patchbay.studio.runs.run_forms import RunForms

        return RunForms()

    @made_once
    def tables(self) -> TableRuns:
        """Flows that run over tables."""
        from patchbay.studio.runs.table_runs import TableRuns

        return TableRuns(self.home / "tables")

    @made_once
    def experiments(self) -> LiveExperiments:
        """The experiments that are under way."""
        from patchbay.studio.runs.experiments import LiveExperiments

        return LiveExperiments(self.runner, lambda: self.history)

    @made_once
    def served(self) -> ServedFlows:
        """The flows that are served to other programs."""
        from patchbay.studio.server.served_flows import ServedFlows

        return ServedFlows(self.home)


_lock = threading.Lock()
_services: Services | None = None


def services() -> Services:
    """The process's services."""
    global _services
    with _lock:
        if _services is None:
            _services = Services(home())
        return _services
