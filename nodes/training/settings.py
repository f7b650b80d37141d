"""How a network is trained: the settings that people choose, as one value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from patchbay.nodes.contract import Field, NodeParams

TrainingMethod = Literal[
    "LoRA", "rank-stabilized LoRA", "DoRA", "QLoRA", "8 bits", "IA3", "prompt tuning",
    "prefix tuning", "Houlsby", "all weights"
]  # fmt: skip
LEADING: tuple[TrainingMethod, ...] = ("prompt tuning", "prefix tuning")
"""Methods that train what stands before the prompt, and no layer."""
RANKED: tuple[TrainingMethod, ...] = (
    "LoRA", "rank-stabilized LoRA", "DoRA", "QLoRA", "8 bits", "Houlsby"
)  # fmt: skip
"""Methods with matrices of a rank."""
WhichLayers = Literal["attention", "feed-forward", "all", "by name"]

ATTENTION = ("q_proj", "k_proj", "v_proj", "o_proj")
FEED_FORWARD = ("gate_proj", "up_proj", "down_proj")
"""Names of layers in models built like Llama."""
SCALED = ("k_proj", "v_proj", "down_proj")
"""Layers that IA3 scales: keys, values, and what goes into the last layer of the feed-forward."""

BEHIND = ("o_proj", "down_proj")
"""Layers behind which Houlsby's bottlenecks stand: the last of attention and of feed-forward."""

ENCODED_ATTENTION = ("q", "k", "v", "o", "q_proj", "k_proj", "v_proj", "out_proj")
ENCODED_FEED_FORWARD = ("wi", "wi_0", "wi_1", "wo", "fc1", "fc2")
"""Names of layers in networks with an encoder, built like T5 or like BART."""
LAST = ("down_proj", "wo", "fc2")
"""The last layer of a feed-forward, by all these names: IA3 scales what goes into it."""
KEYS = ("k", "v", "k_proj", "v_proj")
BEHIND_ATTENTION = ("o", "out_proj")

RATES: Mapping[str, float] = {
    "all weights": 2e-5, "IA3": 5e-3, "prompt tuning": 1e-2, "prefix tuning": 1e-2,
}  # fmt: skip
"""Learning rate by method, where none is set; `RATE` for the others."""
RATE = 1e-3


class TrainingParams(NodeParams):
    """What every kind of training lets people set."""

    method: TrainingMethod = Field("LoRA")
    """What is trained: small matrices beside the layers, over frozen weights of 32, 8 or 4 bits;
    factors of what layers give and take (IA3); virtual tokens before the prompt, or their keys and
    values (prompt and prefix tuning); narrow layers behind others (Houlsby); or all weights."""
    layers: WhichLayers = Field("attention")
    """Which layers get matrices, factors, or a narrow layer behind them."""
    names: list[str] = Field([], max_length=100)
    """The layers by name, such as q_proj, where they are chosen so."""
    rank: int = Field(8, ge=1, le=1024)
    """Rows of the matrices: more of them can learn more, and take more memory. With Houlsby, how
    narrow the layers are."""
    alpha: float = Field(16, gt=0, le=10_000)
    """Strength: LoRA multiplies by alpha / rank, rank-stabilized by alpha / √rank."""
    virtual_tokens: int = Field(16, ge=1, le=4096)
    """With prompt and prefix tuning: how many tokens are trained."""
    prompt_start: str = Field("", max_length=20_000, widget="textarea")
    """With them: a text that the tokens begin as, repeated or cut; empty: tokens that are drawn."""
    start: Literal["zero", "PiSSA", "OLoRA"] = Field("zero")
    """How the matrices begin: so that they change nothing, or as the principal part of the layers,
    which the base then lacks while it is trained."""
    dropout: float = Field(0, ge=0, lt=1)
    """The share of inputs of the matrices that is left out in each step."""
    epochs: float = Field(2, gt=0, le=1000)
    """Times through the rows."""
    steps: int | None = Field(None, ge=1, le=10_000_000)
    """Steps in place of epochs; empty: as the epochs say."""
    batch: int = Field(4, ge=1, le=1024)
    """Rows computed together."""
    accumulate: int = Field(1, ge=1, le=1024)
    """Batches whose gradients make one step together."""
    rate: float | None = Field(None, gt=0, le=1)
    """Learning rate; empty: 0.001, for IA3 0.005, for prompts and prefixes 0.01, for all weights
    0.00002."""
    schedule: Literal["linear", "cosine", "constant"] = Field("linear")
    """How the rate falls to the end."""
    warmup: float = Field(0, ge=0, lt=1)
    """The share of steps in which the rate rises first."""
    limit: int = Field(512, ge=16, le=1_048_576)
    """Tokens of a row; the end of longer ones is cut off."""
    precision: Literal["float32", "bfloat16"] = Field("float32")
    """What is computed with. Processors compute with 16 bits only slowly."""
    checkpointing: bool = Field(False)
    """Compute what lies between layers anew on the way back: less memory, a third more time."""
    keep_every: int = Field(20, ge=1, le=1_000_000)
    """Steps between checkpoints, from which a training goes on that was stopped or killed."""
    seed: int = Field(0, ge=0, le=2**32 - 2)
    """For the order of rows and the start of the matrices."""

    @model_validator(mode="after")
    def _starts_where_it_can(self) -> TrainingParams:
        if self.start != "zero" and self.method not in ("LoRA", "rank-stabilized LoRA"):
            raise ValueError(f"{self.start} starts LoRA over weights in 16 or 32 bits only")
        if self.method == "prefix tuning" and self.checkpointing:
            raise ValueError(
                "prefix tuning trains what lies in the cache, and checkpointing goes without one"
            )
        return self


class SamplingParams(TrainingParams):
    """And, where answers are known that are trained on: whether it is asked on the way."""

    sample_every: int = Field(0, ge=0, le=1_000_000)
    """Steps between sample answers to the first two prompts held out, or trained on; 0: none."""

    def plain(self, *own: str) -> TrainingParams:
        """What every training has.

        Args:
            own: params of this kind of training alone, which are left out.
        """
        return TrainingParams(**self.model_dump(exclude={"sample_every", *own}))

    def sampled(self) -> dict[str, float | str]:
        """What it adds to the settings; nothing where none is asked, as before there were any."""
        return {"sample_every": self.sample_every} if self.sample_every else {}


class TrainingSettings(BaseModel):
    """All that the numbers of a training depend on, besides base and rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str
    """Which training: `supervised`, `preference`, `reward` or `reinforce`."""
    params: TrainingParams
    more: dict[str, float | str] = {}
    """What only this kind of training knows."""

    @property
    def rate(self) -> float:
        """The learning rate."""
        return self.params.rate or RATES.get(self.params.method, RATE)

    @property
    def schedule(self) -> str:
        """How the rate falls, in the word of Transformers."""
        if self.params.schedule == "constant" and self.params.warmup:
            return "constant_with_warmup"
        return self.params.schedule

    def warmup_steps(self, total: int) -> int:
        """In how many of all steps the rate rises first."""
        return round(self.params.warmup * total)

    def lora(self) -> dict[str, Any]:
        """What PEFT's LoraConfig takes, besides the layers and the task."""
        params = self.params
        return {
            "r": params.rank,
            "lora_alpha": params.alpha,
            "lora_dropout": params.dropout,
            "init_lora_weights": True if params.start == "zero" else params.start.lower(),
            "use_rslora": params.method == "rank-stabilized LoRA",
            "use_dora": params.method == "DoRA",
        }

    def total_steps(self, rows: int) -> int:
        """How many steps it takes."""
        if self.params.steps is not None:
            return self.params.steps
        batches = -(-rows // self.params.batch)
        each = -(-batches // self.params.accumulate)
        return max(1, math.ceil(each * self.params.epochs))

    def targets(self, encodes: bool = False) -> list[str]:
        """The layers that get matrices, by the end of their names.

        Args:
            encodes: of a network with an encoder; then these are more names than one network has.
        """
        if encodes and self.params.layers != "by name":
            return list(self._encoded())
        if self.params.method == "IA3" and self.params.layers != "by name":
            scaled = {"attention": SCALED[:2], "feed-forward": SCALED[2:], "all": SCALED}
            return list(scaled[self.params.layers])
        if self.params.method == "Houlsby" and self.params.layers != "by name":
            behind = {"attention": BEHIND[:1], "feed-forward": BEHIND[1:], "all": BEHIND}
            return list(behind[self.params.layers])
        chosen = {
            "attention": ATTENTION,
            "feed-forward": FEED_FORWARD,
            "all": (*ATTENTION, *FEED_FORWARD),
            "by name": tuple(self.params.names),
        }
        return list(chosen[self.params.layers])

    def _encoded(self) -> tuple[str, ...]:
        attention: tuple[str, ...] = ENCODED_ATTENTION
        feed_forward: tuple[str, ...] = ENCODED_FEED_FORWARD
        if self.params.method == "IA3":
            attention, feed_forward = KEYS, LAST[1:]
        elif self.params.method == "Houlsby":
            attention, feed_forward = BEHIND_ATTENTION, LAST[1:]
        if self.params.layers == "all":
            return attention + feed_forward
        return attention if self.params.layers == "attention" else feed_forward
