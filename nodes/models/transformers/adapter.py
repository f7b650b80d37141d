"""LoRA adapters in files: which folder a reference names, and what it says of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.anatomy import read_shapes
from patchbay.nodes.models.transformers.source import HubFolder, parse_hub
from patchbay.nodes.weights.refs import Report

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PICKLED = "adapter_model.bin"

SHIPPED = Path(__file__).parent / "shipped"
"""The adapters that come with Patchbay, each a folder by its name."""

_MATRIX = re.compile(
    r"(?:base_model\.model\.)?(?P<module>.+?)\.lora_(?P<part>A|B|embedding_A|embedding_B)"
    r"(?:\.default)?(?:\.weight)?"
)

KNOWN = {
    "alpha_pattern", "bias", "fan_in_fan_out", "layers_pattern", "layers_to_transform",
    "lora_alpha", "modules_to_save", "r", "rank_pattern", "target_modules", "use_dora",
    "use_rslora",
}  # fmt: skip
"""What of a config shapes the network. The rest is about training, or names code, and is left."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an adapter's files say. Shapes are (outputs, inputs) of the layer that is adapted."""

    reference: str
    config: Mapping[str, Any]
    layers: Mapping[str, tuple[int, ...]]
    """Module → shape, for each layer that it adapts; (0, 0) parts where a matrix is missing."""
    ranks: Mapping[str, int]
    others: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Tensors that are no low-rank matrices: whole layers that were trained along."""
    bytes: int = 0

    @property
    def base(self) -> str:
        """The model that it was trained on, as its makers named it; empty where they did not."""
        return str(self.config.get("base_model_name_or_path") or "")

    @property
    def rank(self) -> int:
        """The highest rank in it."""
        return max(self.ranks.values(), default=int(self.config.get("r") or 0))

    @property
    def targets(self) -> tuple[str, ...]:
        """The kinds of layers it adapts, such as `q_proj`."""
        return tuple(sorted({name.rsplit(".", 1)[-1] for name in self.layers}))


def shipped() -> list[str]:
    """The names of the adapters that come with Patchbay."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}"))


def locate(reference: str) -> Path | HubFolder:
    """Where an adapter is. Pure: nothing is looked up but the names that ship.

    Raises:
        NodeError: the reference is none.
    """
    if reference in shipped():
        return SHIPPED / reference
    if reference.startswith("hf:"):
        return parse_hub(reference)
    if "/" in reference or "\\" in reference:
        return Path(reference).expanduser()
    raise NodeError(
        f"There is no adapter named {reference!r}. Those that ship: {', '.join(shipped())}.",
        fix="Use one of them, a path to a folder that PEFT saved, or hf:owner/repo.",
        code="adapter/unknown",
        retry=False,
    )


def read_adapter(reference: str) -> Adapter | None:
    """What an adapter's files say; None where they have not been fetched yet.

    Raises:
        NodeError: there is no such adapter, or it is none that may be loaded.
    """
    place = locate(reference)
    folder = place.path if isinstance(place, HubFolder) else place
    if isinstance(place, HubFolder) and not (folder / WEIGHTS).is_file():
        return None
    return read_folder(reference, folder)


def fetch_adapter(reference: str, report: Report) -> Path:
    """The folder of an adapter, fetched if need be.

    Raises:
        NodeError: it cannot be had, in words.
    """
    place = locate(reference)
    if isinstance(place, HubFolder):
        from patchbay.nodes.models.transformers.fetch import fetch_files

        return fetch_files(place, (CONFIG, WEIGHTS), report)
    return place


def read_folder(reference: str, folder: Path) -> Adapter:
    """What the files in a folder say.

    Raises:
        NodeError: they are not there, damaged, pickled, or of another kind than LoRA.
    """
    if not folder.is_dir():
        raise _bad(f"The adapter folder {folder} does not exist.", "adapter/missing")
    if not (folder / CONFIG).is_file():
        raise _bad(f"The folder {folder} holds no {CONFIG}.", "adapter/missing")
    weights = folder / WEIGHTS
    if not weights.is_file():
        if (folder / PICKLED).is_file():
            raise _bad(
                f"The adapter {reference!r} holds its weights as {PICKLED}, which is pickled. "
                "Loading that could run code, so only safetensors are loaded.",
                "adapter/not-safe",
            )
        raise _bad(f"The folder {folder} holds no {WEIGHTS}.", "adapter/missing")
    stamp = (weights.stat().st_mtime_ns, (folder / CONFIG).stat().st_mtime_ns)
    return _read(reference, folder, stamp)


@lru_cache(maxsize=64)
def _read(reference: str, folder: Path, stamp: tuple[int, int]) -> Adapter:
    try:
        config = json.loads((folder / CONFIG).read_text("utf-8"))
        held = read_shapes(folder / WEIGHTS)
        kind = str(config.get("peft_type", "LORA")).upper()
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise _bad(f"The adapter {reference!r} is damaged: {error}.", "adapter/damaged") from error
    if kind != "LORA":
        raise _bad(f"The adapter {reference!r} is of the kind {kind}, not LoRA.", "adapter/kind")
    layers, ranks, others = _sorted_out({name: shape for name, (shape, _) in held.items()})
    if not layers:
        raise _bad(f"The adapter {reference!r} holds no LoRA matrices.", "adapter/damaged")
    size = (folder / WEIGHTS).stat().st_size
    return Adapter(reference, config, layers, ranks, others, size)


def _sorted_out(
    shapes: Mapping[str, tuple[int, ...]],
) -> tuple[dict[str, tuple[int, ...]], dict[str, int], dict[str, tuple[int, ...]]]:
    """The adapted layers, their ranks, and what else is there."""
    downs: dict[str, tuple[int, ...]] = {}
    ups: dict[str, tuple[int, ...]] = {}
    others: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        match = _MATRIX.fullmatch(name)
        if match is None or len(shape) != 2:
            others[name.removeprefix("base_model.model.")] = shape
        elif match["part"].endswith("A"):
            downs[match["module"]] = shape
        else:
            ups[match["module"]] = shape
    layers: dict[str, tuple[int, ...]] = {
        module: (ups.get(module, (0, 0))[0], downs.get(module, (0, 0))[1])
        for module in sorted(downs.keys() | ups.keys())
    }
    ranks = {module: shape[0] for module, shape in downs.items()}
    return layers, ranks, others


def _bad(message: str, code: str) -> NodeError:
    return NodeError(
        message,
        fix=f"Name a folder with {CONFIG} and {WEIGHTS}, as PEFT's save_pretrained writes it.",
        code=code,
        port=None,
        retry=False,
    )
