"""The description of a model that runs in this process through Transformers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import Field, JsonValue

from patchbay.nodes import gpus
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.doubts import unforced
from patchbay.nodes.models.may_be_far import MayBeFar
from patchbay.nodes.models.options import LocalSampling, SampledModel, Thinks
from patchbay.nodes.models.transformers.precision import BYTES, DType, Quantization, dtype_on
from patchbay.nodes.models.transformers.source import WEIGHTS, Gguf, HubFolder, parse
from patchbay.nodes.values import Opening
from patchbay.nodes.weights.manifest import DEFAULT

if TYPE_CHECKING:
    from patchbay.nodes.models.transformers.anatomy import Anatomy
    from patchbay.nodes.models.transformers.chat import ChatTransformers

WORKSPACE = 88 * 2**20
"""Bytes that torch takes besides weights and cache: buffers, the tokenizer, one batch of prompt."""

_FEWER_BITS = (Quantization(bits=8), Quantization(bits=4))


class TransformersModel(MayBeFar, LocalSampling, Thinks, SampledModel):
    """A chat model of Transformers. Its weights are safetensors; code of a repository never runs.

    `weights` is `hf:owner/repo[@revision]`, a folder, or a GGUF file by any of its references,
    which is dequantized. `context` counts tokens for each of the `parallel` requests.
    """

    backend: ClassVar[str] = "transformers"
    hosted: ClassVar[bool] = True

    weights: str = DEFAULT
    dtype: DType = "auto"
    device: str = "auto"
    context: int = Field(2048, ge=64, le=1_048_576)
    parallel: int = Field(4, ge=1, le=64)
    chat_template: str | None = None
    quantization: Quantization | None = None

    @property
    def slots(self) -> int:
        """Requests that share the model, computed together."""
        return self.parallel

    @property
    def sees(self) -> bool | None:
        """Whether its config names a part that looks at pictures; None where it is not here yet."""
        from patchbay.nodes.models.transformers.source import sees

        return sees(self.weights)

    def content_key(self) -> JsonValue:
        """The description with the hash of the weights in place of their name or path."""
        fields = self.model_dump(mode="json", exclude={"weights"})
        return {"$type": self.tag(), "weights": weights_content(self.weights), **fields}

    def memory(self) -> int | None:
        """Estimated bytes, from the heads of the files: weights, full caches, a working margin."""
        from patchbay.nodes.models.transformers.anatomy import anatomy

        try:
            made = anatomy(self.weights)
        except NodeError:
            return None
        return None if made is None else self.estimate(made)

    @property
    def gpu(self) -> int | None:
        """The graphics card that it runs on."""
        return gpus.place_of(self.device)

    def estimate(self, made: Anatomy) -> int:
        """Estimated bytes for a model of that make."""
        width = BYTES[dtype_on(self.device, self.dtype)]
        weights = made.parameters * width
        if (bits := self.quantization) is not None:
            weights -= made.linear_parameters * width
            weights += sum(bits.weight_bytes(*shape) for shape in made.linears.values())
        cache = made.cache_values * width * self.slot_context(made.trained) * self.parallel
        return weights + cache + WORKSPACE

    def lighter(self, excess: int) -> tuple[str, ...]:
        """Fewer requests at once, a shorter context, or fewer bits through *Quantize*."""
        from patchbay.nodes.models.transformers.anatomy import anatomy

        if (made := anatomy(self.weights)) is None:
            return ()
        most = self.estimate(made) - excess
        tokens = self.slot_context(made.trained)

        def fits(**changes: Any) -> bool:
            return self.model_copy(update=changes).estimate(made) <= most

        quantizations = _FEWER_BITS if self.quantization is None else ()
        ways = (
            (
                f"{n} parallel request{'s' if n > 1 else ''} instead of {self.parallel}"
                for n in range(self.parallel - 1, 0, -1)
                if fits(parallel=n)
            ),
            (
                f"a context of {n:,} tokens instead of {tokens:,}"
                for n in range(tokens // 256 * 256, 0, -256)
                if fits(context=n)
            ),
            (f'{q.bits} bits by a "Quantize" node' for q in quantizations if fits(quantization=q)),
        )
        return tuple(first for way in ways if (first := next(way, "")))

    def slot_context(self, trained: int) -> int:
        """Tokens that a request gets from a model trained for `trained` (0: not known)."""
        return min(self.context, trained) if trained else self.context

    def unforced(self, schema: Mapping[str, JsonValue]) -> tuple[str, ...]:
        """What a grammar cannot hold. Raises `NodeError` where none can be made."""
        return unforced(schema)

    def open(self, opening: Opening) -> ChatTransformers:
        """Fetch or dequantize the weights if need be, and load them.

        Raises:
            NodeError: the weights cannot be had, do not load, or do not fit into memory.
        """
        from patchbay.nodes.models.transformers.load import load

        return load(self, opening.report)


def weights_content(weights: str) -> str:
    """What the weights hold that a reference names: hashes of the files where they are here."""
    from patchbay.nodes.weights.digest import memo_path, sha256_of
    from patchbay.nodes.weights.refs import quiet
    from patchbay.nodes.weights.resolve import content_id

    source = parse(weights)
    if isinstance(source, Gguf):
        return content_id(source.text)
    folder = source.path if isinstance(source, HubFolder) else source
    files = sorted([*folder.glob("*.safetensors"), folder / "config.json"])
    if not (folder / WEIGHTS).is_file() and len(files) < 2:
        return weights
    hashes = [sha256_of(path, quiet, memo_path(path)) for path in files if path.is_file()]
    return "sha256:" + ",".join(hashes)
