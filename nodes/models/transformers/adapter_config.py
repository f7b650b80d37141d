"""The config of a LoRA adapter: what each field does here, or why the adapter is refused.

Every field of PEFT's `LoraConfig` stands in one of three places: in `LoraSettings`, which is
honoured; in `HARMLESS`, which changes no answer; or in `REFUSED`. A field that nobody here knows is
refused where it is set.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Names = list[str] | str | None

HARMLESS = frozenset({
    "auto_mapping", "base_model_name_or_path", "corda_config", "enable_lora", "ensure_weight_tying",
    "eva_config", "fan_in_fan_out", "feedforward_modules", "inference_mode", "init_ia3_weights",
    "loftq_config", "lora_dropout",
    "lora_ga_config", "megatron_core", "merge_weights", "peft_type", "peft_version",
    "qalora_group_size", "revision", "runtime_config", "task_type", "velora_config",
})  # fmt: skip
"""Fields about training, or about where the adapter comes from. What is tied stands in the file."""

_MERGE = (
    "Merge it into its base with PEFT (merge_and_unload), save that model, and name the folder as "
    "weights."
)
_CONVERT = (
    "Save it again where it was trained, with PEFT's save_pretrained(…, "
    "path_initial_model_for_weight_conversion=…), which makes it plain LoRA."
)

REFUSED: Mapping[str, tuple[str, str]] = {
    "alora_invocation_tokens": (
        "it acts only after certain tokens (activated LoRA), and here an adapter acts everywhere",
        "Wire a server that knows activated LoRA, such as vLLM, or take another adapter.",
    ),
    "arrow_config": ("it is a router between other adapters", "Chain those adapters instead."),
    "kasa_config": ("it needs a base with its smallest singular values cut off", _MERGE),
    "layer_replication": ("it is made for a base whose layers are repeated", _MERGE),
    "megatron_config": ("it is made for the parallel layers of Megatron", _MERGE),
    "monteclora_config": ("its matrices are drawn anew from a distribution", _MERGE),
    "target_parameters": ("it adapts single parameters, not layers", _MERGE),
    "trainable_token_indices": ("it trained single tokens of the vocabulary", _MERGE),
    "use_bdlora": ("its matrices are stored as blocks", _MERGE),
    "use_qalora": ("it averages what goes into its layers (QA-LoRA)", _MERGE),
}
"""Field → why an adapter that sets it is refused, and what to do."""

PRINCIPAL = ("pissa", "olora")
"""Ways to begin in which the base loses what the adapter begins with; it is computed from the base.

PiSSA: Meng et al. 2024, https://arxiv.org/abs/2404.02948. OLoRA: Büyükakyüz 2024,
https://arxiv.org/abs/2406.01775.
"""

_PLAIN = (True, False, "gaussian", "eva", "orthogonal", "mica")
"""Ways to begin that leave the base as it is, so that the file says everything."""


class LoraSettings(BaseModel):
    """What of a config shapes an answer. Names and defaults are PEFT's."""

    model_config = ConfigDict(frozen=True, extra="allow")

    r: int = Field(8, ge=1)
    lora_alpha: float = 8
    rank_pattern: dict[str, int] = {}
    alpha_pattern: dict[str, float] = {}
    use_rslora: bool = False
    use_dora: bool = False
    lora_bias: bool = False
    bias: Literal["none", "all", "lora_only"] = "none"
    init_lora_weights: bool | str = True
    target_modules: Names = None
    exclude_modules: Names = None
    layers_to_transform: list[int] | int | None = None
    layers_pattern: Names = None
    modules_to_save: list[str] | None = None

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> LoraSettings:
        """The settings in a config; fields without a value have PEFT's default.

        Raises:
            ValueError: a field has a value that it cannot have.
        """
        return cls.model_validate({k: v for k, v in config.items() if v is not None})

    @property
    def begins_with(self) -> str:
        """How the matrices began, in small letters; empty for PEFT's default."""
        return self.init_lora_weights.lower() if isinstance(self.init_lora_weights, str) else ""

    @property
    def takes_from_base(self) -> bool:
        """Whether the base has to lose what the matrices began with."""
        return self.begins_with in PRINCIPAL

    def rank(self, module: str) -> int:
        """The rank of a layer's matrices."""
        return self.rank_pattern.get(_pattern(self.rank_pattern, module), self.r)

    def strength(self, module: str) -> float:
        """What B A is multiplied by: alpha / r, rank-stabilized (arXiv:2312.03732) alpha / √r."""
        alpha = self.alpha_pattern.get(_pattern(self.alpha_pattern, module), self.lora_alpha)
        rank = self.rank(module)
        return alpha / (rank**0.5 if self.use_rslora else rank)

    def targets(self, module: str) -> bool:
        """Whether PEFT would adapt a layer of that name."""
        saved = self.modules_to_save or ()
        if any(re.match(rf"(^|.*\.){name}($|\..*)", module) for name in saved):
            return False
        if self.exclude_modules and _named(self.exclude_modules, module):
            return False
        if self.target_modules is None or self.target_modules == "all-linear":
            return True  # chosen by the architecture
        return _named(self.target_modules, module) and self._in_layers(module)

    def saves(self, module: str) -> bool:
        """Whether a layer of that name, or one around it, was trained whole, in its own copy."""
        parts = module.split(".")
        around = [".".join(parts[:end]) for end in range(1, len(parts) + 1)]
        return any(path.endswith(name) for path in around for name in self.modules_to_save or ())

    def _in_layers(self, module: str) -> bool:
        wanted = self.layers_to_transform
        if wanted is None or wanted == []:
            return True
        patterns = self.layers_pattern or [r"[^.]*"]
        for pattern in [patterns] if isinstance(patterns, str) else patterns:
            if found := re.match(rf"(?:^|.*?\.){pattern}\.(\d+)\.", module):
                return int(found[1]) in ([wanted] if isinstance(wanted, int) else wanted)
        return False


def refusals(settings: LoraSettings) -> Iterator[tuple[str, str, str]]:
    """Field, why it cannot be honoured, and what to do, for each such field that is set."""
    for name, value in (settings.model_extra or {}).items():
        if name in HARMLESS or not value:
            continue
        if name in REFUSED:
            yield name, *REFUSED[name]
        else:
            yield name, "it is not known here, and may change what the adapter does", _MERGE
    start = settings.begins_with
    if start in PRINCIPAL:
        if settings.use_dora:
            yield "init_lora_weights", f"{start} together with DoRA is not computed here", _CONVERT
    elif settings.init_lora_weights not in _PLAIN and start not in _PLAIN:
        why = f"{start!r} changed the base in a way that the adapter does not hold"
        yield "init_lora_weights", why, _CONVERT


def _pattern(patterns: Sequence[str] | Mapping[str, Any], module: str) -> str:
    """The first pattern that a layer's name ends with, as PEFT finds it."""
    found = (key for key in patterns if re.match(rf"(.*\.)?({key})$", module))
    return next(found, module)


def _named(names: list[str] | str, module: str) -> bool:
    if isinstance(names, str):
        return re.fullmatch(names, module) is not None
    return any(module == name or module.endswith(f".{name}") for name in names)
