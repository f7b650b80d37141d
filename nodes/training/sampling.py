"""Answers on the way: what a model says to a few prompts, every so many steps of its training.

They are the likeliest ones, word for word, so that they draw no random numbers: the figures of a
training are the same with and without them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from patchbay.nodes.training.datasets import DataSet
from patchbay.nodes.training.held_out import measuring
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.place import step_of
from patchbay.nodes.training.settings import LEADING
from patchbay.nodes.training.tokens import RowReader
from patchbay.nodes.training.watching import Watch

PROMPTS = 2
"""Prompts that are asked, the first of the rows held out, or of those that are trained on."""
TOKENS = 48
"""Tokens of an answer."""


@dataclass(frozen=True, slots=True)
class SamplePrompt:
    """A prompt as the model reads it, and its last words as people do."""

    text: str
    ids: tuple[int, ...]


def prompts_of(data: DataSet, reader: RowReader, limit: int) -> list[SamplePrompt]:
    """The first prompts of a set that leave room for an answer.

    Args:
        data: pairs, or conversations, which are asked up to their last answer.
        reader: reads them as the model would.
        limit: tokens of a row.
    """
    found: list[SamplePrompt] = []
    for number, row in enumerate(data.read(), 1):
        turns = row.get("prompt") or _asked(row["messages"])
        ids = reader.ids(turns, row.get("tools"), number, asks=True) if turns else []
        if ids and len(ids) + TOKENS <= limit:
            found.append(SamplePrompt(str(turns[-1].get("content", "")), tuple(ids)))
        if len(found) == PROMPTS:
            break
    return found


def ask_on_the_way(job: Job, trainer: Any, reader: RowReader, watch: Watch) -> None:
    """Have a trainer ask every so many steps, where the settings say so; before the first, too."""
    every = int(job.settings.more.get("sample_every", 0))
    data = job.data if job.held_out is None else job.held_out
    prompts = prompts_of(data, reader, job.settings.params.limit) if every else []
    if not prompts:
        return
    start = job.place.last_checkpoint()
    watch.keep_samples(job.place.checkpoints / "samples.jsonl", step_of(start) if start else -1)

    def ask(step: int) -> None:
        with measuring(trainer.model) as network:
            for one in prompts:
                plainly = job.settings.params.method in LEADING and not job.encodes
                answer = (_uncached if plainly else likeliest)(
                    network, reader.tokenizer, one.ids, TOKENS
                )
                watch.sample(one.text, answer, step=step)

    trainer.add_callback(_asking(ask, every, watch))


def _asking(ask: Any, every: int, watch: Watch) -> Any:
    from transformers import TrainerCallback

    class Asking(TrainerCallback):
        """Asks before the first step, every so many, and after the last."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == 0:
                ask(0)

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            last = state.global_step == state.max_steps
            if (state.global_step % every == 0 or last) and not watch.cancelled.is_set():
                ask(state.global_step)

    return Asking()


def likeliest(network: Any, tokenizer: Any, ids: Sequence[int], most: int) -> str:
    """The likeliest answer of a network, word for word."""
    import torch

    encodes = network.config.is_encoder_decoder
    prompt = torch.tensor([list(ids)], device=network.device)
    made = network.generate(
        input_ids=prompt, attention_mask=torch.ones_like(prompt), do_sample=False,
        max_new_tokens=most, repetition_penalty=1.0, pad_token_id=tokenizer.pad_token_id,
        use_cache=not encodes,  # the library's is as deep as the encoder, and decoders are deeper
    )  # fmt: skip
    begun = 0 if encodes else len(ids)
    return str(tokenizer.decode(made[0, begun:], skip_special_tokens=True))


def _uncached(network: Any, tokenizer: Any, ids: Sequence[int], most: int) -> str:
    """The same where something is trained that stands before the prompt.

    PEFT's cached generation leaves a prefix out, or repeats a prompt, so all is read anew for each
    token.
    """
    import torch

    ends = network.generation_config.eos_token_id
    ends = set(ends if isinstance(ends, list) else [ends, tokenizer.eos_token_id])
    said: list[int] = []
    while len(said) < most:
        read = torch.tensor([[*ids, *said]], device=network.device)
        said.append(int(network(input_ids=read, use_cache=False).logits[0, -1].argmax()))
        if said[-1] in ends:
            break
    return str(tokenizer.decode(said, skip_special_tokens=True))


def _asked(messages: Sequence[Any]) -> list[Any]:
    """A conversation up to its last answer."""
    at = [place for place, one in enumerate(messages) if one["role"] == "assistant"]
    return list(messages[: at[-1]] if at else messages)
