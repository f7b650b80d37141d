"""Proximal policy optimization for language models, as the lecture teaches it.

Schulman et al. 2017, arXiv:1707.06347: the ratio of the policy to the one that sampled is clipped,
and so is the change of the values. Ziegler et al. 2019, arXiv:1909.08593: each token costs β times
how much likelier it has become than under the reference; the score of the whole answer comes with
its last token. Advantages: Schulman et al. 2015, arXiv:1506.02438. TRL has no PPO any more.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patchbay.nodes.training.job import Job
from patchbay.nodes.training.kept_figures import meanings, steps_of
from patchbay.nodes.training.place import step_of
from patchbay.nodes.training.said import last_words
from patchbay.nodes.training.watching import Watch

GAMMA, LAMBDA = 1.0, 0.95
"""How later rewards count, and how far advantages look ahead."""
CLIP, VALUES_CLIP, VALUES_WEIGHT = 0.2, 0.2, 0.1
ROUNDS = 4
"""Times through what was sampled, before the next answers are."""
CLIP_GRADIENT = 1.0


@dataclass
class PpoState:
    """How far it is, in the words of Transformers' trainers."""

    max_steps: int
    global_step: int = 0
    log_history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Sampled:
    """Answers and all that is known of them: batch x tokens of the answer, but `ids` and `mask`."""

    ids: Any
    mask: Any
    said: Any
    """Which tokens belong to an answer."""
    likely: Any
    reference: Any
    values: Any
    advantages: Any
    returns: Any
    scores: Any
    start: int
    """Where the answers begin."""


def advantages_of(rewards: Any, values: Any, said: Any) -> tuple[Any, Any]:
    """Generalized advantages, and the returns that values are to foresee.

    Args:
        rewards: of each token, batch x tokens.
        values: foreseen before each token.
        said: 1 for the tokens of the answer, 0 for what pads it.
    """
    import torch

    last = torch.zeros_like(rewards[:, 0])
    found = []
    for at in reversed(range(rewards.shape[1])):
        ahead = values[:, at + 1] * said[:, at + 1] if at + 1 < rewards.shape[1] else 0.0
        delta = rewards[:, at] + GAMMA * ahead - values[:, at]
        last = (delta + GAMMA * LAMBDA * last) * said[:, at]
        found.append(last)
    advantages = torch.stack(found[::-1], dim=1)
    return advantages, advantages + values


def policy_loss(likely: Any, before: Any, advantages: Any, said: Any) -> Any:
    """-min(ρ A, clip(ρ, 1 - ε, 1 + ε) A), the mean over the tokens of the answers."""
    import torch

    ratio = (likely - before).exp()
    clipped = ratio.clamp(1 - CLIP, 1 + CLIP)
    return _mean(-torch.minimum(ratio * advantages, clipped * advantages), said)


def divergence(likely: Any, reference: Any, said: Any) -> Any:
    """KL to the reference, nats a token; as GRPO's: r - 1 - ln r, r = reference / policy."""
    apart = reference - likely
    return _mean(apart.exp() - 1 - apart, said)


def values_loss(values: Any, before: Any, returns: Any, said: Any) -> Any:
    """Half the squared error, of the value or of the one that has moved no more than ε."""
    import torch

    near = before + (values - before).clamp(-VALUES_CLIP, VALUES_CLIP)
    return 0.5 * _mean(torch.maximum((values - returns) ** 2, (near - returns) ** 2), said)


class PpoTrainer:
    """Samples, scores, and moves the policy; kept and resumed as Transformers' trainers are.

    Args:
        job: what is trained.
        network: of the base, without PEFT.
        tokenizer: of it.
        rows: the prompts (`reinforce.AskedPrompt`).
        rewards: scores answers.
        watch: hears of each step.
    """

    def __init__(
        self, job: Job, network: Any, tokenizer: Any, rows: list[Any], rewards: Any, watch: Watch
    ) -> None:
        import torch
        import transformers
        from peft import get_peft_model

        from patchbay.nodes.training.methods import peft_config

        self.model: Any = get_peft_model(network, peft_config(job.settings, network))
        network.config.use_cache = True
        if job.settings.params.checkpointing:
            network.gradient_checkpointing_enable({"use_reentrant": False})
        self.processing_class, self.watch = tokenizer, watch
        self.state = PpoState(job.settings.total_steps(len(rows)))
        self._job, self._rows, self._rewards = job, rows, rewards
        width = network.config.get_text_config().hidden_size
        self._head = torch.nn.Linear(width, 1).to(network.device)
        torch.nn.init.zeros_(self._head.weight)
        torch.nn.init.zeros_(self._head.bias)
        chosen = [p for p in self.model.parameters() if p.requires_grad]
        self._chosen = [*chosen, *self._head.parameters()]
        self._optimizer = torch.optim.AdamW(self._chosen, lr=job.settings.rate, weight_decay=0.0)
        steps, settings = self.state.max_steps, job.settings
        self._schedule = transformers.get_scheduler(
            settings.schedule, self._optimizer, settings.warmup_steps(steps), steps
        )

    def train(self, resume_from_checkpoint: str | None = None) -> None:
        """To the end, from where it was left."""
        if resume_from_checkpoint is not None:
            self._load(Path(resume_from_checkpoint))
        else:
            import transformers

            transformers.set_seed(self._job.settings.params.seed)
        self.model.train()
        while self.state.global_step < self.state.max_steps:
            self.watch.begin()
            figures = self._step()
            self.state.global_step += 1
            self.watch.over()
            self.state.log_history.append({"step": float(self.state.global_step), **figures})
            self.watch.log(self.state.global_step, self.state.max_steps, figures)
            stop = self.watch.cancelled.is_set()
            if stop or self.state.global_step % self._job.settings.params.keep_every == 0:
                self._save()
            if stop:
                self.watch.stopped = True
                return

    # --- a step -----------------------------------------------------------------------------------

    def _step(self) -> dict[str, float]:
        import torch

        held = self._sample()
        rate = self._optimizer.param_groups[0]["lr"]
        lost = 0.0
        for _ in range(ROUNDS):
            likely, values = self._computed(held.ids, held.mask, held.start)
            loss = policy_loss(likely, held.likely, held.advantages, held.said)
            loss = loss + VALUES_WEIGHT * values_loss(values, held.values, held.returns, held.said)
            self._optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(self._chosen, CLIP_GRADIENT)
            self._optimizer.step()
            lost += float(loss.detach()) / ROUNDS
        self._schedule.step()
        apart = float(divergence(held.likely, held.reference, held.said))
        reward = float(held.scores.mean())
        return {"loss": lost, "reward": reward, "kl": apart, "learning_rate": rate}

    def _sample(self) -> Sampled:
        import torch

        params, more = self._job.settings.params, self._job.settings.more
        # The rows in a new order for each time through them, as the step says; so it resumes.
        count = len(self._rows)
        wanted = range(
            self.state.global_step * params.batch, (self.state.global_step + 1) * params.batch
        )
        orders = {n: _order(count, params.seed + n) for n in {at // count for at in wanted}}
        chosen = [self._rows[orders[at // count][at % count]] for at in wanted]
        chosen = [one for one in chosen for _ in range(int(more["answers"]))]
        start = max(len(one.ids) for one in chosen)
        pad, device = self.processing_class.pad_token_id, self.model.device
        asked = torch.tensor(
            [[pad] * (start - len(o.ids)) + list(o.ids) for o in chosen], device=device
        )
        mask = torch.tensor(
            [[0] * (start - len(o.ids)) + [1] * len(o.ids) for o in chosen], device=device
        )
        self.model.eval()
        with torch.no_grad():
            ids = self.model.generate(
                input_ids=asked, attention_mask=mask, do_sample=True, top_k=0, top_p=1.0,
                temperature=float(more["temperature"]), max_new_tokens=int(more["answer"]),
                repetition_penalty=1.0, pad_token_id=pad, use_cache=True,
            )  # fmt: skip
            said = _until_end(ids[:, start:], self.model.generation_config.eos_token_id, pad)
            mask = torch.cat([mask, said], dim=1)
            likely, values = self._computed(ids, mask, start)
            with self.model.disable_adapter():
                reference, _ = self._computed(ids, mask, start)
        self.model.train()
        texts = [
            self.processing_class.decode(row[on.bool()], skip_special_tokens=True)
            for row, on in zip(ids[:, start:], said, strict=True)
        ]
        scored = self._rewards([o.messages for o in chosen], texts, [o.row for o in chosen])
        self.watch.sample(last_words(chosen[0].messages), texts[0], scored[0])
        scores = torch.tensor(scored, device=device)
        rewards = -float(more["beta"]) * (likely - reference) * said
        last = said.sum(1).long().clamp(min=1) - 1
        rewards[torch.arange(len(chosen)), last] += scores
        advantages, returns = advantages_of(rewards, values * said, said)
        centred = advantages - _mean(advantages, said)
        spread = (_mean(centred**2, said) + 1e-8).sqrt()
        return Sampled(
            ids, mask, said, likely, reference, values, centred / spread, returns, scores, start
        )

    def _computed(self, ids: Any, mask: Any, start: int) -> tuple[Any, Any]:
        """How likely each token of the answers is, in logarithms, and the value before it."""
        places = (mask.cumsum(1) - 1).clamp(min=0)
        out = self.model(
            input_ids=ids, attention_mask=mask, position_ids=places, output_hidden_states=True,
            use_cache=False,
        )  # fmt: skip
        heat = float(self._job.settings.more["temperature"])
        scores = out.logits[:, start - 1 : -1].float() / heat
        likely = scores.log_softmax(-1).gather(2, ids[:, start:, None])[..., 0]
        values = self._head(out.hidden_states[-1][:, start - 1 : -1].float())[..., 0]
        return likely, values

    def _save(self) -> None:
        import torch

        folder = self._job.place.checkpoints / f"checkpoint-{self.state.global_step}"
        self.model.save_pretrained(folder)
        held = {
            "head": self._head.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "random": torch.random.get_rng_state(),
            "random_cuda": torch.cuda.get_rng_state_all(),
        }
        torch.save(held, folder / "ppo.pt")
        said = {"global_step": self.state.global_step, "log_history": self.state.log_history,
                "means": meanings(self._job.settings)}  # fmt: skip
        (folder / "trainer_state.json").write_text(json.dumps(said), "utf-8")
        for old in sorted(folder.parent.glob("checkpoint-*"), key=step_of)[:-2]:
            shutil.rmtree(old, ignore_errors=True)

    def _load(self, folder: Path) -> None:
        import torch

        self.model.load_adapter(str(folder), self.model.active_adapter, is_trainable=True)
        held = torch.load(folder / "ppo.pt", weights_only=True)
        self._head.load_state_dict(held["head"])
        self._optimizer.load_state_dict(held["optimizer"])
        self._schedule.load_state_dict(held["schedule"])
        torch.random.set_rng_state(held["random"])
        torch.cuda.set_rng_state_all(held.get("random_cuda", []))
        said = json.loads((folder / "trainer_state.json").read_text("utf-8"))
        self.state.global_step = said["global_step"]
        self.state.log_history = steps_of(self._job.settings, said)


def _order(count: int, seed: int) -> list[int]:
    import torch

    return list(torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist())


def _until_end(answers: Any, ends: Any, pad: int) -> Any:
    """1 for every token up to the first that ends an answer, that one with them."""
    ended = answers == pad
    for end in ends if isinstance(ends, list) else [ends]:
        ended = ended | (answers == end)
    return ((ended.cumsum(1) - ended.long()) == 0).long()


def _mean(values: Any, said: Any) -> Any:
    return (values * said).sum() / said.sum().clamp(min=1)
