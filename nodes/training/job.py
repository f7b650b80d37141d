"""A training that is asked for: on what, with what, how; and where it lies."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.anatomy import anatomy
from patchbay.nodes.models.transformers.fit import UPSTREAM
from patchbay.nodes.models.transformers.source import encodes
from patchbay.nodes.models.transformers.spec import weights_content
from patchbay.nodes.training.base import TrainableModel, base_id, root_of
from patchbay.nodes.training.datasets import DataSet
from patchbay.nodes.training.faults import SHOWN
from patchbay.nodes.training.place import TrainingPlace, place_of
from patchbay.nodes.training.row_notes import CUT, CUT_WHOLE, RowNotes
from patchbay.nodes.training.settings import TrainingSettings
from patchbay.nodes.training.tokens import RowReader, RowTokens


@dataclass(frozen=True)
class Job:
    """What a training is about; equal jobs are one training."""

    base: TrainableModel
    data: DataSet
    held_out: DataSet | None
    settings: TrainingSettings

    @cached_property
    def base_id(self) -> str:
        """What the weights are that it begins with."""
        return base_id(self.base)

    @cached_property
    def place(self) -> TrainingPlace:
        """Where it lies."""
        more = {} if self.held_out is None else {"held_out": self.held_out.sha256}
        settings = self.settings.model_copy(update={"more": {**self.settings.more, **more}})
        return place_of(self.base_id, self.data.sha256, settings)

    @cached_property
    def encodes(self) -> bool:
        """Whether the base has an encoder and a decoder."""
        return bool(encodes(root_of(self.base).weights))

    def targets(self) -> list[str]:
        """The layers of the base that get matrices, by the end of their names."""
        asked = self.settings.targets(self.encodes)
        made = anatomy(root_of(self.base).weights) if self.encodes else None
        if made is None:
            return asked
        there = {name.rsplit(".", 1)[-1] for name in made.linears}
        return [name for name in asked if name in there]

    @property
    def base_name(self) -> str:
        """The model as its makers call it."""
        weights = root_of(self.base).weights
        return UPSTREAM.get(weights, weights.removeprefix("hf:"))

    def about(self) -> dict[str, Any]:
        """What the result says of where it comes from."""
        root = root_of(self.base)
        return {
            "base": root.weights,
            "base_name": self.base_name,
            "base_sha256": self.base_id,
            "weights_content": weights_content(root.weights),
            "data": self.data.name,
            "data_sha256": self.data.sha256,
            "rows": self.data.rows,
            "settings": self.settings.model_dump(mode="json"),
        }


def tokens_of(
    job: Job, data: DataSet, reader: RowReader, notes: RowNotes | None = None
) -> list[RowTokens]:
    """The rows of a set, cut to the limit; those of which nothing would be learned are left out.

    Raises:
        NodeError: nothing is left.
    """
    limit, notes = job.settings.params.limit, RowNotes() if notes is None else notes
    good, empty = [], list[int]()
    for number, row in enumerate(data.read(), 1):
        whole = reader.tokens(row, number)
        cut = whole.cut(limit)
        if cut.taught:
            good.append(cut)
        else:
            empty.append(number)
        notes.rows = number
        for what in reader.lost(row, whole, number):
            notes.add(what)
        if not cut.taught or len(whole.ids) > limit:
            notes.add(CUT if cut.taught else CUT_WHOLE)
    if good:
        return good
    shown = ", ".join(map(str, empty[:SHOWN]))
    raise NodeError(
        f"Of the {len(empty)} rows of {data.name or 'the data set'} none has an answer within "
        f"{limit} tokens (rows {shown}{' and more' if len(empty) > SHOWN else ''}).",
        fix="Raise the limit of tokens, or give rows with answers.",
        port="data",
        param="limit",
        code="training/no-rows",
        retry=False,
    )
