"""The description of a model with low-rank adapters on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.data import content
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.may_be_far import MayBeFar
from patchbay.nodes.models.transformers.adapter import (
    CONFIG,
    WEIGHTS,
    Adapter,
    AdapterByReference,
    locate,
    read_adapter,
)
from patchbay.nodes.models.transformers.anatomy import anatomy
from patchbay.nodes.models.transformers.precision import BYTES, dtype_on
from patchbay.nodes.models.transformers.source import HubFolder
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.values import ModelSpec, Opening, Spec

if TYPE_CHECKING:
    from patchbay.nodes.models.transformers.chat import ChatTransformers


class LoraUse(AdapterByReference, BaseModel):
    """An adapter by its reference, and how strongly it acts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    weights: str
    scale: float = Field(1.0, ge=-10, le=10)


class LoraModel(MayBeFar, ModelSpec):
    """A base and the adapters that act on it together.

    The base is opened once, whatever number of such models hang on it, and their requests share
    its queue. With `merge` the adapters are added to the weights of a base of their own.
    """

    backend: ClassVar[str] = "lora"
    hosted: ClassVar[bool] = True

    base: TransformersModel | LoraModel
    adapters: tuple[LoraUse, ...] = Field(min_length=1)
    merge: bool = False

    @property
    def root(self) -> TransformersModel:
        """The network under all adapters."""
        return self.base if isinstance(self.base, TransformersModel) else self.base.root

    @property
    def slots(self) -> int:
        """As many as the base has."""
        return self.root.slots

    def queue(self) -> Spec:
        """Requests wait at the base; a merged model is one of its own."""
        return self if self.merge else self.base.queue()

    def resource(self) -> LoraModel:
        """Without the base's sampling defaults."""
        return self.model_copy(update={"base": self.base.resource()})

    def parts(self) -> tuple[Spec, ...]:
        """The base, unless its weights are changed for good."""
        return () if self.merge else (self.base,)

    def content_key(self) -> JsonValue:
        """The description with the hashes of base and adapters."""
        used = [{"weights": adapter_content(a.weights), "scale": a.scale} for a in self.adapters]
        return {"$type": self.tag(), "base": content(self.base), "adapters": used,
                "merge": self.merge}  # fmt: skip

    def memory(self) -> int | None:
        """Estimated bytes: the matrices (32-bit), or the whole network where they are merged."""
        try:
            read = [read_adapter(use.weights) for use in self.adapters]
        except NodeError:
            return None
        known = [adapter for adapter in read if adapter is not None]
        if self.merge:
            whole = self.root.memory()
            return None if whole is None else whole + self._untied(known)
        return sum(map(_matrices, known)) * 4 if len(known) == len(read) else None

    @property
    def gpu(self) -> int | None:
        """The graphics card that its base runs on."""
        return self.root.gpu

    def _untied(self, adapters: Sequence[Adapter]) -> int:
        """Bytes of a second table of tokens, where one of them changes it or the head alone."""
        made = anatomy(self.root.weights)
        ends = ("embed_tokens", "lm_head")
        changed = any(name.endswith(ends) for adapter in adapters for name in adapter.layers)
        if made is None or not changed or "lm_head.weight" in made.tensors:
            return 0
        width = BYTES[dtype_on(self.root.device, self.root.dtype)]
        return made.vocabulary * made.hidden * width

    @property
    def sampling(self) -> CallOptions:
        """As the base says."""
        return self.base.sampling

    def unforced(self, schema: Mapping[str, JsonValue]) -> tuple[str, ...]:
        """As the base says."""
        return self.base.unforced(schema)

    def words(self, call: CallOptions) -> dict[str, Any]:
        """As the base says it."""
        return self.base.words(call)

    def open(self, opening: Opening) -> ChatTransformers:
        """Open the base, or share it where it is open, and hang the adapters on it.

        Raises:
            NodeError: base or adapters cannot be had, or do not go together.
        """
        from patchbay.nodes.models.transformers.attach import open_lora

        return open_lora(self, opening)


def _matrices(adapter: Adapter) -> int:
    """Numbers in an adapter's matrices and whole layers."""
    pairs = sum(
        adapter.ranks.get(name, 0) * (rows + columns)
        for name, (rows, columns) in adapter.layers.items()
    )
    return int(pairs + sum(map(math.prod, adapter.others.values())))


def adapter_content(reference: str) -> str:
    """What an adapter holds, for cache keys: its files' hashes where they are here."""
    from patchbay.nodes.weights.digest import memo_path, sha256_of
    from patchbay.nodes.weights.refs import quiet

    place = locate(reference)
    folder = place.path if isinstance(place, HubFolder) else place
    paths = [folder / CONFIG, folder / WEIGHTS]
    if not all(path.is_file() for path in paths):
        return reference
    return "sha256:" + ",".join(sha256_of(path, quiet, memo_path(path)) for path in paths)
