"""Policy gradients from a checker or a reward model, by TRL's GRPO and RLOO trainers, or our PPO.

GRPO: Shao et al. 2024, arXiv:2402.03300. RLOO: Ahmadian et al. 2024, arXiv:2402.14740. The KL term
is to the model that is wired: the network with its trained part off.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from patchbay.nodes.contract import NodeError
from patchbay.nodes.training.base import network_of, root_of
from patchbay.nodes.training.checking import checked
from patchbay.nodes.training.datasets import DataSet
from patchbay.nodes.training.doing import BaseOpening, arguments
from patchbay.nodes.training.held_out import RowLosses, measuring
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.methods import bits_of, peft_config
from patchbay.nodes.training.place import step_of
from patchbay.nodes.training.reward_value import RewardModel, Scorer
from patchbay.nodes.training.row_notes import NO_ROOM, RowNotes
from patchbay.nodes.training.said import last_words
from patchbay.nodes.training.sampling import likeliest
from patchbay.nodes.training.tokens import RowReader, RowTokens
from patchbay.nodes.training.watching import Watch, hush, made_trainer

MEASURED = 24
"""Prompts held out that are answered, before and after."""

Rewards = Callable[[Sequence[Any], Sequence[str], Sequence[dict[str, Any]]], list[float]]
"""Prompts, answers and rows → how good each answer is."""


@dataclass(frozen=True, slots=True)
class AskedPrompt:
    """A prompt, as messages and as tokens, and the row that it stands in."""

    messages: list[dict[str, Any]]
    ids: tuple[int, ...]
    row: dict[str, Any]


def rewards_of(model: RewardModel | None, watch: Watch) -> Rewards:
    """What scores answers: a reward model, or the check in each row."""
    if model is None:
        return lambda prompts, answers, rows: [
            checked(row, answer) for row, answer in zip(rows, answers, strict=True)
        ]
    scorer = Scorer(model, watch.report)
    return lambda prompts, answers, rows: scorer.scores(prompts, answers)


class Reinforce:
    """Answers that are sampled, and get likelier where they are rewarded.

    Args:
        reward: a reward model; None for the checks in the rows.
    """

    measures = "Reward of the likeliest answer"

    def __init__(self, reward: RewardModel | None) -> None:
        self._model = reward
        self._rewards: Rewards | None = None

    def rows(
        self, job: Job, data: DataSet, reader: RowReader, notes: RowNotes | None = None
    ) -> list[AskedPrompt]:
        """The prompts as tokens; those that leave no room for an answer are left out.

        Raises:
            NodeError: nothing is left.
        """
        room = job.settings.params.limit - int(job.settings.more["answer"])
        found = [
            AskedPrompt(row["prompt"], tuple(reader.ids(row["prompt"], None, n, asks=True)), row)
            for n, row in enumerate(data.read(), 1)
        ]
        good = [one for one in found if len(one.ids) <= room]
        if notes is not None:
            notes.rows, notes.counts[NO_ROOM] = len(found), len(found) - len(good)
        if good:
            return good
        raise NodeError(
            f"Of the {len(found)} prompts none has {room} tokens or fewer, which is what is left "
            "beside an answer.",
            fix="Raise the limit of tokens, or shorten the answers.",
            port="data",
            param="limit",
            code="training/no-rows",
            retry=False,
        )

    def sizes(self, rows: list[AskedPrompt]) -> list[RowTokens]:
        """A prompt with an answer of some length, sampled and then computed three times."""
        return [RowTokens(one.ids * 4, (True,) * 4 * len(one.ids)) for one in rows]

    def rewards(self, watch: Watch) -> Rewards:
        """What scores answers, opened once."""
        if self._rewards is None:
            self._rewards = rewards_of(self._model, watch)
        return self._rewards

    def measured(self, trainer: Any, rows: list[AskedPrompt]) -> RowLosses:
        """The reward of the likeliest answer to each prompt."""
        found: RowLosses = []
        with measuring(trainer.model) as network:
            for one in rows[:MEASURED]:
                answer = likeliest(
                    network, trainer.processing_class, one.ids, trainer.answer_tokens
                )
                scored = self.rewards(trainer.watch)([one.messages], [answer], [one.row])
                found.append((scored[0], 1))
        return found

    def trainer(self, job: Job, tokenizer: Any, rows: list[AskedPrompt], watch: Watch) -> Any:
        """TRL's GRPOTrainer or RLOOTrainer, or our PPO."""
        import transformers

        hush()
        params, more = job.settings.params, job.settings.more
        how = BaseOpening(watch.report)
        network, _ = network_of(job.base, params.precision, bits_of(job.settings), how)
        tokenizer.chat_template = root_of(job.base).chat_template or tokenizer.chat_template
        rewards = self.rewards(watch)  # before the seed: a reward model draws numbers of its own
        transformers.set_seed(params.seed)
        if more["algorithm"] == "PPO":
            from patchbay.nodes.training.ppo import PpoTrainer

            made: Any = PpoTrainer(job, network, tokenizer, rows, rewards, watch)
        else:
            made = self._of_trl(job, network, tokenizer, rows, watch)
        made.watch, made.answer_tokens = watch, int(more["answer"])
        start = job.place.last_checkpoint()
        step = 0 if start is None else step_of(start)
        watch.keep_samples(job.place.checkpoints / "samples.jsonl", step)
        return made

    def _of_trl(
        self, job: Job, network: Any, tokenizer: Any, rows: list[AskedPrompt], watch: Watch
    ) -> Any:
        import datasets
        from trl.trainer.grpo_config import GRPOConfig
        from trl.trainer.grpo_trainer import GRPOTrainer
        from trl.trainer.rloo_config import RLOOConfig
        from trl.trainer.rloo_trainer import RLOOTrainer

        more, score = job.settings.more, self.rewards(watch)

        def reward(prompts: Any, completions: Any, at: Any, **_: Any) -> list[float]:
            said = [one[-1]["content"] for one in completions]
            scored = score(prompts, said, [rows[number].row for number in at])
            watch.sample(last_words(rows[at[0]].messages), said[0], scored[0])
            return scored

        config, kind = (
            (GRPOConfig, GRPOTrainer) if more["algorithm"] == "GRPO" else (RLOOConfig, RLOOTrainer)
        )
        count = int(more["answers"])
        named = arguments(job, job.settings.total_steps(len(rows)))
        named["per_device_train_batch_size"] *= count
        args = config(
            output_dir=str(job.place.checkpoints),
            num_generations=count,
            max_completion_length=int(more["answer"]),
            temperature=float(more["temperature"]),
            beta=float(more["beta"]),
            shuffle_dataset=False,  # a resumed training would draw another order for its epoch
            **named,
        )
        order = random.Random(job.settings.params.seed).sample(range(len(rows)), len(rows))  # noqa: S311
        data = datasets.Dataset.from_list(
            [{"prompt": rows[number].messages, "at": number} for number in order]
        )
        network.config.use_cache = True
        return made_trainer(
            kind,
            watch,
            model=network,
            reward_funcs=reward,
            args=args,
            train_dataset=data,
            processing_class=tokenizer,
            peft_config=peft_config(job.settings, network),
        )
