"""LoRA adapters in files: which folder a reference names, and what it says of itself."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import weights_path
from patchbay.nodes.models.transformers.adapter_config import LoraSettings
from patchbay.nodes.models.transformers.anatomy import read_shapes
from patchbay.nodes.models.transformers.source import HubFolder, parse_hub
from patchbay.nodes.weights.refs import Report

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PICKLED = "adapter_model.bin"

SHIPPED = Path(__file__).parent / "shipped"
"""The adapters that come with Patchbay, each a folder by its name."""

_PART = re.compile(
    r"(?:base_model\.model\.)?(?P<module>.+?)\."
    r"(?P<part>lora_A|lora_B|lora_embedding_A|lora_embedding_B|lora_magnitude_vector|ia3_l"
    r"|houlsby_down|houlsby_up)"
    r"(?:\.default)?(?:\.(?P<param>weight|bias))?"
)
_WHOLE = re.compile(
    r"(?:base_model\.model\.)?(?P<module>.+?)(?:\.base_layer|\.modules_to_save\.default)?"
    r"\.(?P<param>[^.]+)"
)
_UNUSED = re.compile(r".*\.lora_velora_embed")
"""Tensors that only training looks at."""

DOWN, UP, SHIFT, LENGTHS, WHOLE = "down", "up", "shift", "lengths", "whole"
FACTORS = "factors"
NARROW, WIDE = "narrow", "wide"
LORA, IA3, HOULSBY = "LORA", "IA3", "HOULSBY"
PROMPT, PREFIX = "PROMPT_TUNING", "PREFIX_TUNING"
LEADS = (PROMPT, PREFIX)
"""The kinds that are read, in the words of PEFT, which has no bottlenecks as Houlsby et al. 2019
(arXiv:1902.00751) have them. IA3: Liu et al. 2022, arXiv:2205.05638. Trained vectors before the
prompt: Lester et al. 2021, arXiv:2104.08691; keys and values: Li & Liang 2021, arXiv:2101.00190."""
LEAD = "prompt_embeddings"
"""The one tensor of prompts and prefixes."""


@dataclass(frozen=True, slots=True)
class Adapter:
    """What an adapter's files say. Shapes are (outputs, inputs) of the layer that is adapted."""

    reference: str
    config: Mapping[str, Any]
    layers: Mapping[str, tuple[int, ...]]
    """Module → shape, for each layer that it adapts; (0, 0) parts where a matrix is missing."""
    ranks: Mapping[str, int]
    others: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Tensors that are no low-rank matrices: whole parameters of layers."""
    bytes: int = 0
    settings: LoraSettings = field(default_factory=LoraSettings)
    embeddings: frozenset[str] = frozenset()
    """The adapted layers that are tables of tokens: their inputs are tokens."""
    shifted: frozenset[str] = frozenset()
    """The layers whose second matrix has a bias."""
    stretched: frozenset[str] = frozenset()
    """The layers whose outputs have a length of their own (DoRA)."""
    kind: str = LORA
    """`LORA`; `IA3`: then a layer's shape is (outputs, 1) or (1, inputs), of what it scales;
    `HOULSBY`: then it is (outputs, outputs); or one of `LEADS`, which adapt no layer."""
    lead: tuple[int, ...] = (0, 0)
    """Virtual tokens before the prompt, and numbers of each."""

    @property
    def base(self) -> str:
        """The model that it was trained on, as its makers named it; empty where they did not."""
        return str(self.config.get("base_model_name_or_path") or "")

    @property
    def rank(self) -> int:
        """The highest rank in it; for Houlsby's the width of a bottleneck."""
        return max(self.ranks.values(), default=self.settings.r)

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
        return weights_path(reference)
    raise NodeError(
        f"There is no adapter named {reference!r}. Those that ship: {', '.join(shipped())}.",
        fix="Use one of them, a path to a folder that PEFT saved, or hf:owner/repo.",
        code="adapter/unknown",
        retry=False,
    )


def find_adapter(reference: str) -> Path | None:
    """The folder of an adapter, if it is here. Nothing is fetched."""
    place = locate(reference)
    folder = place.path if isinstance(place, HubFolder) else place
    return folder if folder.is_dir() else None


class AdapterByReference:
    """What a description says of the adapter that its `weights` name (`nodes.outside.Brought`)."""

    if TYPE_CHECKING:
        weights: str

    def ships(self) -> bool:
        """Whether it comes with Patchbay."""
        return self.weights in shipped()

    def here(self) -> Path | None:
        """Where it lies, if it is here."""
        return find_adapter(self.weights)


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
    if kind not in (LORA, IA3, HOULSBY, *LEADS):
        raise _bad(
            f"The adapter {reference!r} is of the kind {kind}, not LoRA, IA3, Houlsby's, or a "
            "trained prompt or prefix.",
            "adapter/kind",
        )
    try:
        settings = LoraSettings() if kind in LEADS else LoraSettings.of(config)
    except ValueError as error:
        raise _bad(
            f"The config of the adapter {reference!r} is damaged: {first_problem(error)}.",
            "adapter/damaged",
        ) from error
    shapes = {name: shape for name, (shape, _) in held.items()}
    if kind in LEADS:
        return _lead(reference, folder, config, shapes, kind)
    layers, ranks = _layers(shapes, kind)
    if not layers:
        what = {LORA: "LoRA matrices", IA3: "factors of IA3", HOULSBY: "bottlenecks"}[kind]
        raise _bad(f"The adapter {reference!r} holds no {what}.", "adapter/damaged")
    places = {name: at for name in shapes if (at := place_of(name)) is not None}
    return Adapter(
        reference,
        config,
        layers,
        ranks,
        {f"{at[0]}.{at[2]}": shapes[name] for name, at in places.items() if at[1] == WHOLE},
        (folder / WEIGHTS).stat().st_size,
        settings,
        embeddings=frozenset(at[0] for name, at in places.items() if ".lora_embedding_A" in name),
        shifted=frozenset(at[0] for at in places.values() if at[1] == SHIFT),
        stretched=frozenset(at[0] for at in places.values() if at[1] == LENGTHS),
        kind=kind,
    )


def _lead(
    reference: str,
    folder: Path,
    config: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    kind: str,
) -> Adapter:
    """A trained prompt or prefix."""
    lead = shapes.get(LEAD, ())
    if set(shapes) != {LEAD} or len(lead) != 2:
        raise _bad(f"The adapter {reference!r} holds no {LEAD} alone.", "adapter/damaged")
    size = (folder / WEIGHTS).stat().st_size
    return Adapter(reference, config, {}, {}, bytes=size, kind=kind, lead=lead)


def place_of(name: str) -> tuple[str, str, str] | None:
    """The layer that a tensor belongs to, what it is to it, and the parameter; None for none.

    Args:
        name: of a tensor in an adapter's file.
    """
    if _UNUSED.fullmatch(name):
        return None
    if (found := _PART.fullmatch(name)) is not None:
        return found["module"], _role(found["part"], found["param"]), found["param"] or "weight"
    whole = _WHOLE.fullmatch(name)
    return (whole["module"], WHOLE, whole["param"]) if whole else (name, WHOLE, "")


def _role(part: str, param: str | None) -> str:
    if part == "lora_magnitude_vector":
        return LENGTHS
    if part == "ia3_l":
        return FACTORS
    if part.startswith("houlsby"):
        return f"{NARROW if part.endswith('down') else WIDE}.{param or 'weight'}"
    if part.endswith("A"):
        return DOWN
    return SHIFT if param == "bias" else UP


def _layers(
    shapes: Mapping[str, tuple[int, ...]], kind: str
) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    if kind == LORA:
        return _matrices(shapes)
    return _bottlenecks(shapes) if kind == HOULSBY else (_factors(shapes), {})


def _bottlenecks(
    shapes: Mapping[str, tuple[int, ...]],
) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    """The layers behind which there is one, as wide as what these give; and how narrow it is."""
    narrow = {
        at[0]: shapes[name]
        for name, at in ((name, place_of(name)) for name in sorted(shapes))
        if at is not None and at[1] == f"{NARROW}.weight" and len(shapes[name]) == 2
    }
    return {n: (s[1], s[1]) for n, s in narrow.items()}, {n: s[0] for n, s in narrow.items()}


def _matrices(
    shapes: Mapping[str, tuple[int, ...]],
) -> tuple[dict[str, tuple[int, ...]], dict[str, int]]:
    """The adapted layers, and the ranks of their matrices."""
    downs: dict[str, tuple[int, ...]] = {}
    ups: dict[str, tuple[int, ...]] = {}
    for name, shape in shapes.items():
        at = place_of(name)
        if at is not None and len(shape) == 2 and at[1] in (DOWN, UP):
            (downs if at[1] == DOWN else ups)[at[0]] = shape
    layers: dict[str, tuple[int, ...]] = {
        module: (ups.get(module, (0, 0))[0], downs.get(module, (0, 0))[1])
        for module in sorted(downs.keys() | ups.keys())
    }
    return layers, {module: shape[0] for module, shape in downs.items()}


def _factors(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """The layers that are scaled, with the shapes of their factors."""
    places = {name: place_of(name) for name in shapes}
    return {
        at[0]: shapes[name]
        for name, at in sorted(places.items())
        if at is not None and at[1] == FACTORS and len(shapes[name]) == 2 and 1 in shapes[name]
    }


def first_problem(error: ValueError) -> str:
    """The field that is wrong, and why, of what Pydantic says."""
    if not isinstance(error, ValidationError):
        return str(error)
    found = error.errors()[0]
    return f"{found['loc'][0]} is {found['input']!r} ({found['msg'].lower()})"


def _bad(message: str, code: str) -> NodeError:
    return NodeError(
        message,
        fix=f"Name a folder with {CONFIG} and {WEIGHTS}, as PEFT's save_pretrained writes it.",
        code=code,
        port=None,
        retry=False,
    )
