"""Prompts, prefixes, bottlenecks: they learn, are kept, and answer as they were trained."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.flows.runs.resources import Pool
from patchbay.flows.testing import PooledContext, user
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.asking import ask
from patchbay.nodes.models.transformers.adapter import CONFIG, WEIGHTS, read_adapter
from patchbay.nodes.models.transformers.lora_node import LoraNode
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import run_node
from patchbay.nodes.training.datasets import InstructionData, PreferenceData, kept
from patchbay.nodes.training.doing import train
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.preference_node import TrainPreference
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from patchbay.nodes.training.supervised import Supervised
from patchbay.nodes.training.supervised_node import TrainSupervised
from tests.nodes.models import tiny
from tests.nodes.training.conftest import TEMPLATE, WORDS
from tests.nodes.training.long import methods
from tests.nodes.training.watches import Killed, dying, quiet

QUICK: dict[str, Any] = {
    "steps": 6, "batch": 2, "limit": 64, "keep_every": 2, "virtual_tokens": 5, "layers": "all",
}  # fmt: skip
RATES = {"prompt tuning": 0.1, "prefix tuning": 0.1, "Houlsby": 1e-2}
ONE = methods("Houlsby", long=("prompt tuning", "prefix tuning"))
SOME = methods("Houlsby", "prompt tuning", long=("prefix tuning",))


def trained(model: Any, data: Any, held_out: Any = None, **params: Any) -> Any:
    chosen = {**QUICK, "rate": RATES.get(params.get("method", ""), 1e-2), **params}
    return run_node(TrainSupervised, chosen, {"model": model, "data": data, "held_out": held_out})


def said(*asked: tuple[Any, str], tokens: int = 8) -> list[str]:
    """Answers that are computed together, on bases that are shared."""

    async def all_of_them() -> list[str]:
        ctx = PooledContext()
        ctx.pool = Pool()
        try:
            return [
                one.text
                for one in await asyncio.gather(
                    *(
                        ask(ctx, model, user(question), port=None,
                            **model.call_options(temperature=0, max_tokens=tokens))
                        for model, question in asked
                    )
                )
            ]  # fmt: skip
        finally:
            ctx.pool.close()

    return asyncio.run(all_of_them())


def without_cache(network: Any, folder: Path, question: str, tokens: int = 8) -> str:
    """The answer of a network that reads all anew for every token."""
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokenizer.chat_template = TEMPLATE
    asked = [{"role": "user", "content": question}]
    ids = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
    begun = len(ids)
    with torch.no_grad():
        for _ in range(tokens):
            ids.append(int(network(input_ids=torch.tensor([ids])).logits[0, -1].argmax()))
            if ids[-1] == tokenizer.eos_token_id:
                break
    return str(tokenizer.decode(ids[begun:], skip_special_tokens=True))


def as_peft(path: str, folder: Path, method: str) -> Any:
    """The network with the adapter, by PEFT alone."""
    import torch
    from peft import PeftModel, get_peft_model, set_peft_model_state_dict
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM

    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    if method != "Houlsby":
        return PeftModel.from_pretrained(plain, path).eval()
    from patchbay.nodes.training.houlsby import houlsby_config

    network: Any = get_peft_model(plain, houlsby_config(["o_proj", "down_proj"], 8, 0))
    held = load_file(f"{path}/{WEIGHTS}")
    for new, old in (("houlsby_down", "lora_A"), ("houlsby_up", "lora_B")):
        held = {name.replace(new, old): tensor for name, tensor in held.items()}
    set_peft_model_state_dict(network, held)
    return network.eval()


@pytest.mark.parametrize("method", SOME)
def test_it_learns_and_answers_as_it_was_trained(
    method: str, base: TransformersModel, data: InstructionData, held_out: InstructionData,
    tiny_folder: Path,
) -> None:  # fmt: skip
    out = trained(base, data, held_out, method=method)
    losses = [point["loss"] for point in out["curve"].rows]
    assert losses[-1] < losses[0]
    before, after, _ = out["held_out"].rows
    assert after[1] < before[1]
    # Beside the base and an adapter of another kind, in one batch and on one network.
    lora = trained(base, data, method="LoRA", steps=2)["model"]
    questions = ["Is sun good?", "Rain", "Is the weather as good as they said it would be?"]
    network = as_peft(out["adapter"].path, tiny_folder, method)
    theirs = [without_cache(network, tiny_folder, question) for question in questions]
    asked = [(model, one) for one in questions for model in (out["model"], base, lora)]
    ours = said(*asked)
    assert ours[::3] == theirs
    assert ours[::3] != ours[1::3]
    assert ours[1::3] == said(*((base, one) for one in questions))


@pytest.mark.parametrize("method", ONE)
def test_a_killed_training_goes_on_with_the_same_numbers(
    method: str, base: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    params = TrainingParams(**{**QUICK, "method": method, "rate": RATES[method], "dropout": 0.1})
    job = Job(base, data, None, TrainingSettings(kind="supervised", params=params))
    whole = train(job, quiet(), Supervised())["figures"]
    job.place.folder.rename(tmp_path / "moved")

    with pytest.raises(Killed):
        train(job, dying(5), Supervised())
    again = train(job, quiet(), Supervised())["figures"]
    assert [f["loss"] for f in again] == pytest.approx([f["loss"] for f in whole], abs=1e-7)


@pytest.mark.parametrize("method", ["prompt tuning", "prefix tuning"])
def test_virtual_tokens_begin_as_a_text_would(
    method: str, base: TransformersModel, data: InstructionData, tiny_folder: Path
) -> None:
    """At a rate of next to nothing: the answers are those after the text itself."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    out = trained(
        base, data, method=method, rate=1e-12, steps=1, prompt_start="the weather", virtual_tokens=9
    )
    plain = AutoModelForCausalLM.from_pretrained(tiny_folder, dtype=torch.float32).eval()
    begun = AutoTokenizer.from_pretrained(tiny_folder)("the weather")["input_ids"]
    begun = torch.tensor([(begun * 9)[:9]])

    class Behind:
        """The network, with the text before what it reads."""

        def __call__(self, input_ids: Any) -> Any:
            return plain(input_ids=torch.cat([begun, input_ids], dim=1))

    theirs = without_cache(Behind(), tiny_folder, "Is sun good?")
    assert said((out["model"], "Is sun good?")) == [theirs]


@pytest.mark.parametrize("method", ONE)
def test_preferences_are_learned_by_them_too(method: str, base: TransformersModel) -> None:
    made = [
        {"prompt": [{"role": "user", "content": f"Is {word} good?"}], "chosen": f"yes {word}",
         "rejected": f"no {word} at all"}
        for word in WORDS
    ]  # fmt: skip
    pairs = kept(PreferenceData, made, "weather")
    params = {**QUICK, "method": method, "rate": RATES[method]}
    inputs = {"model": base, "data": pairs, "held_out": pairs}
    before, after, _ = run_node(TrainPreference, params, inputs)["held_out"].rows
    assert after[1] > before[1], "the preferred answer has not become likelier"


def test_the_layers_of_bottlenecks_by_name(base: TransformersModel, data: InstructionData) -> None:
    out = trained(base, data, method="Houlsby", layers="by name", names=["q_proj"], steps=1)
    known = read_adapter(out["adapter"].path)
    assert known is not None
    assert (known.kind, known.rank, known.targets) == ("HOULSBY", 8, ("q_proj",))
    facts = LoraNode.facts(LoraNode.Params(adapter=out["adapter"].path))
    assert facts["Layers"] == "2 (q_proj)"


# --- what they cannot do --------------------------------------------------------------------------


@pytest.mark.parametrize("method", ONE)
def test_they_are_not_merged_and_nothing_is_trained_on_top(
    method: str, base: TransformersModel, data: InstructionData
) -> None:
    out = trained(base, data, method=method, steps=1)
    wired = {"model": base, "adapter": out["adapter"]}
    with pytest.raises(NodeError, match="cannot be merged into weights") as caught:
        run_node(LoraNode, {"merge": True}, wired)
    assert caught.value.param == "merge"
    with pytest.raises(NodeError, match="nothing can be trained on top of it") as caught:
        trained(out["model"], data)
    assert caught.value.port == "model"
    if method != "Houlsby":
        with pytest.raises(NodeError, match="there is no half of a token"):
            run_node(LoraNode, {"scale": 0.5}, wired)
        twice = run_node(LoraNode, {}, {"model": out["model"], "adapter": out["adapter"]})
        with pytest.raises(NodeError, match="stand before the prompt"):
            said((twice["model"], "Is sun good?"))


def test_half_a_bottleneck_and_none(base: TransformersModel, data: InstructionData) -> None:
    out = trained(base, data, method="Houlsby")
    none = run_node(LoraNode, {"scale": 0.0}, {"model": base, "adapter": out["adapter"]})
    assert said((none["model"], "Is sun good?")) == said((base, "Is sun good?"))


def test_virtual_tokens_count_towards_the_context(
    base: TransformersModel, data: InstructionData
) -> None:
    out = trained(base, data, method="prompt tuning", steps=1, virtual_tokens=100)
    assert said((base, "sun " * 10)) is not None
    with pytest.raises(NodeError, match="128"):
        said((out["model"], "sun " * 10))


def test_a_prompt_for_a_model_of_another_width(
    base: TransformersModel, data: InstructionData
) -> None:
    path = Path(trained(base, data, method="prompt tuning", steps=1)["adapter"].path)
    wide = base.model_copy(update={"weights": "smollm2-135m-instruct"})
    with pytest.raises(NodeError, match=r"virtual tokens is 32 numbers, but .* takes 576"):
        run_node(LoraNode, {"adapter": str(path)}, {"model": wide})
    config = json.loads((path / CONFIG).read_text("utf-8"))
    (path / CONFIG).write_text(json.dumps({**config, "peft_type": "P_TUNING"}), "utf-8")
    with pytest.raises(NodeError, match="is of the kind P_TUNING"):
        read_adapter(str(path))


def test_a_prefix_needs_the_cache_that_checkpointing_goes_without() -> None:
    with pytest.raises(ValidationError, match="prefix tuning trains what lies in the cache"):
        TrainingParams(method="prefix tuning", checkpointing=True)


def test_heads_that_do_not_share_the_width(data: InstructionData, tmp_path: Path) -> None:
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tiny.tokens()), hidden_size=32, intermediate_size=64, num_hidden_layers=2,
        num_attention_heads=4, num_key_value_heads=2, head_dim=16, tie_word_embeddings=True,
    )  # fmt: skip
    folder = tiny.folder_of(LlamaForCausalLM(config), tmp_path / "wide")
    model = TransformersModel(weights=str(folder), context=128, chat_template=TEMPLATE)
    with pytest.raises(NodeError, match="4 heads of 16 are not 32") as caught:
        trained(model, data, method="prefix tuning")
    assert caught.value.param == "method"


def test_trainings_of_before_are_still_found(
    base: TransformersModel, data: InstructionData, own_home: Path
) -> None:
    """Settings that came later change no place while they are as before."""
    from patchbay.nodes.training.place import place_of

    old = place_of("b", "d", TrainingSettings(kind="supervised", params=TrainingParams()))
    assert old.key == "fdaf283f9d2d31f94f23a2a6"
