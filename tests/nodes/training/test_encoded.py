"""Networks with an encoder and a decoder (T5): they answer, learn, and say what they cannot do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.transformers.anatomy import anatomy
from patchbay.nodes.models.transformers.node import TransformersNode
from patchbay.nodes.models.transformers.quantize_node import QuantizeNode
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.testing import run_node
from patchbay.nodes.training.datasets import InstructionData, PreferenceData, kept
from patchbay.nodes.training.doing import train
from patchbay.nodes.training.encoded_rows import EncodedReader
from patchbay.nodes.training.encoded_supervised import EncodedSupervised
from patchbay.nodes.training.instruction_data import InstructionDataNode
from patchbay.nodes.training.job import Job
from patchbay.nodes.training.preference_node import TrainPreference
from patchbay.nodes.training.reinforce_node import TrainReinforce
from patchbay.nodes.training.reward_node import TrainRewardModel
from patchbay.nodes.training.settings import TrainingParams, TrainingSettings
from patchbay.nodes.training.supervised_node import TrainSupervised
from tests.device import DEVICE
from tests.nodes.models import tiny_t5
from tests.nodes.training.long import long_training
from tests.nodes.training.test_export_node import exported
from tests.nodes.training.test_methods import QUICK, said, trained
from tests.nodes.training.test_scripts import check_scripts
from tests.nodes.training.watches import Killed, dying, quiet

ASKED = ("Is sun good?", "Rain", "Is the weather as good as they said it would be?")
RATES = {"IA3": 0.1, "prompt tuning": 0.1}


@pytest.fixture(scope="session")
def t5_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_t5.folder_of(tiny_t5.network(), tmp_path_factory.mktemp("t5") / "base")


@pytest.fixture
def t5(t5_folder: Path) -> TransformersModel:
    """The same as a description; nothing says how it is told who says what."""
    return TransformersModel(weights=str(t5_folder), context=128, device=DEVICE, dtype="float32")


def generated(network: Any, folder: Path, question: str, tokens: int = 8) -> str:
    """The answer by the library's own generate, without a cache."""
    import torch
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.no_grad():
        ids = network.eval().generate(
            **tokenizer(question, return_tensors="pt"), max_new_tokens=tokens, do_sample=False,
            use_cache=False,
        )  # fmt: skip
    return str(tokenizer.decode(ids[0], skip_special_tokens=True))


def plain(folder: Path) -> Any:
    import torch
    from transformers import AutoModelForSeq2SeqLM

    return AutoModelForSeq2SeqLM.from_pretrained(folder, dtype=torch.float32)


# --- answers --------------------------------------------------------------------------------------


def test_it_answers_as_the_library_does(t5: TransformersModel, t5_folder: Path) -> None:
    theirs = [generated(plain(t5_folder), t5_folder, question) for question in ASKED]
    assert said(*((t5, question) for question in ASKED)) == theirs
    assert len(set(theirs)) > 1


def test_what_is_known_before_it_is_loaded(t5: TransformersModel, t5_folder: Path) -> None:
    made = anatomy(t5.weights)
    assert made is not None
    network = plain(t5_folder)
    assert made.parameters == sum(p.numel() for p in network.parameters())
    assert (made.layers, made.encoder) == (5, 2)
    # Two encoder layers of 4 + 3 matrices, three decoder layers of 8 + 3; no table of positions.
    assert len(made.linears) == 2 * 7 + 3 * 11
    assert t5.memory() == t5.estimate(made) > made.parameters * 4
    facts = TransformersNode.facts(TransformersNode.Params(weights=t5.weights))
    assert facts["Architecture"] == "t5, 2 layers that read, 3 that answer"


def test_a_conversation_needs_a_template(t5: TransformersModel) -> None:
    from patchbay.nodes.models.transformers.plain_prompt import as_it_is

    told = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"}]
    assert as_it_is(told, "t5") == "Be brief.\n\nHello"
    with pytest.raises(NodeError, match="'t5' has an encoder and a decoder and no chat template"):
        as_it_is([*told, {"role": "assistant", "content": "Hi"}], "t5")
    template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}"
    marked = t5.model_copy(update={"chat_template": template})
    assert said((marked, "Rain")) == said((t5, "user: Rain\n"))


def test_pieces_stops_limits_and_schemas(t5: TransformersModel) -> None:
    import asyncio

    from patchbay.flows.runs.resources import Pool
    from patchbay.flows.testing import PooledContext, user
    from patchbay.nodes.models.asking import ask

    async def all_of_them() -> tuple[str, list[str], str, str]:
        ctx = PooledContext()
        ctx.pool = Pool()
        try:

            async def answer(**how: Any) -> str:
                options = t5.call_options(**{"temperature": 0, "max_tokens": 12, **how})
                return (await ask(ctx, t5, user("Rain"), port="text", **options)).text

            whole = await answer()
            pieces = [piece for _, piece in ctx.streamed]
            return whole, pieces, await answer(stop=[whole[2:4]]), await answer(max_tokens=2)
        finally:
            ctx.pool.close()

    whole, pieces, stopped, short = asyncio.run(all_of_them())
    assert "".join(pieces) == whole
    assert len(pieces) > 2
    assert stopped == whole[: whole.index(whole[2:4])]
    assert whole.startswith(short.rstrip("\ufffd"))


# --- learning -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    [
        "prompt tuning",
        *(
            pytest.param(one, marks=long_training)
            for one in ("LoRA", "DoRA", "IA3", "Houlsby", "all weights")
        ),
    ],
)
def test_it_learns_and_answers_as_it_was_trained(
    method: str, t5: TransformersModel, data: InstructionData, held_out: InstructionData,
    t5_folder: Path,
) -> None:  # fmt: skip
    rate = RATES.get(method, 2e-2)
    out = trained(t5, data, held_out, method=method, rate=rate, steps=12, sample_every=6)
    losses = [point["loss"] for point in out["curve"].rows]
    assert losses[-1] < losses[0]
    before, after, _ = out["held_out"].rows
    assert after[1] < before[1]
    first, last = out["samples"].rows[0], out["samples"].rows[-1]
    assert (first[0], last[0]) == (0, 12)
    asked, told = str(last[1]), str(last[2])
    assert said((out["model"], asked), tokens=48) == [told]
    assert said((t5, str(first[1])), tokens=48) == [first[2]] or method == "prompt tuning"
    ours = said(*((out["model"], question) for question in ASKED))
    assert ours != said(*((t5, question) for question in ASKED))
    if method == "Houlsby":
        return  # nothing but Patchbay reads it
    if method == "all weights":
        network = plain(Path(out["model"].weights))
        assert network.config.dropout_rate == 0.1
    else:
        from peft import PeftModelForSeq2SeqLM

        network = PeftModelForSeq2SeqLM.from_pretrained(plain(t5_folder), out["adapter"].path)
        assert network.peft_config["default"].task_type == "SEQ_2_SEQ_LM"
    assert ours == [generated(network, t5_folder, question) for question in ASKED]


@long_training
@pytest.mark.parametrize("method", ["QLoRA", "8 bits"])
def test_over_weights_in_fewer_bits(
    method: str, t5: TransformersModel, data: InstructionData
) -> None:
    out = trained(t5, data, method=method, rate=2e-2, steps=8)
    losses = [point["loss"] for point in out["curve"].rows]
    assert losses[-1] < losses[0]
    bits = {"bits": "4" if method == "QLoRA" else "8"}
    coarse = run_node(QuantizeNode, bits, {"model": t5})["model"]
    assert len(said((coarse, "Rain"))[0]) > 0
    assert coarse.memory() < t5.memory()


@pytest.mark.parametrize(
    "params",
    [
        {"method": "LoRA", "dropout": 0.1, "accumulate": 2, "batch": 3, "schedule": "cosine"},
        pytest.param({"method": "IA3", "layers": "all", "rate": 0.3}, marks=long_training),
        pytest.param(
            {"method": "prompt tuning", "virtual_tokens": 5, "rate": 0.1}, marks=long_training
        ),
        pytest.param(
            {"method": "all weights", "accumulate": 2, "batch": 3, "rate": 1e-3},
            marks=long_training,
        ),
    ],
    ids=["LoRA, accumulated, with dropout", "IA3", "prompt", "all weights, accumulated"],
)
def test_both_scripts_give_the_losses_of_the_node(
    params: dict[str, Any], t5: TransformersModel, data: InstructionData, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    check_scripts({"steps": 6, **params}, t5, data, tmp_path, monkeypatch)


@long_training
def test_a_killed_training_goes_on_with_the_same_numbers(
    t5: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    params = TrainingParams(**{**QUICK, "rate": 1e-2, "dropout": 0.1})
    job = Job(t5, data, None, TrainingSettings(kind="supervised", params=params))
    whole = train(job, quiet(), EncodedSupervised())["figures"]
    job.place.folder.rename(tmp_path / "moved")
    with pytest.raises(Killed):
        train(job, dying(5), EncodedSupervised())
    again = train(job, quiet(), EncodedSupervised())["figures"]
    assert [f["loss"] for f in again] == pytest.approx([f["loss"] for f in whole], abs=1e-7)


def test_what_is_read_and_what_is_learned(t5: TransformersModel) -> None:
    rows = [{"prompt": "Is sun good?", "answer": "yes"}, {"prompt": "x" * 80, "answer": "no"}]
    params = {"limit": 40, "held_out": 0}
    out = run_node(InstructionDataNode, params, {"source": rows, "model": t5})
    assert out["preview"].rows == (
        (1, "read", 13, "Is sun good?</s>"),
        (1, "learned", 4, "yes</s>"),
    )
    assert ("answer cut off whole", 1, "2") in [row[:3] for row in out["report"].rows]


# --- forms, and what there is not -----------------------------------------------------------------


@long_training
def test_the_forms_that_it_has(
    t5: TransformersModel, data: InstructionData, tmp_path: Path
) -> None:
    model = trained(t5, data, rate=2e-2, steps=8)["model"]
    ours = said(*((model, question) for question in ASKED))
    for form in ("PEFT folder", "merged"):
        out = exported(model, form, tmp_path, numbers="F32")
        assert said(*((out["model"], question) for question in ASKED)) == ours, form
    for form in ("GGUF", "GGUF adapter"):
        with pytest.raises(NodeError, match=r"has an encoder and a decoder\. GGUF is") as caught:
            exported(model, form, tmp_path)
        assert caught.value.fix == 'Set the form to "merged".'


@long_training
def test_training_goes_on_from_an_adapter(t5: TransformersModel, data: InstructionData) -> None:
    first = trained(t5, data, rate=2e-2, steps=6)
    second = trained(first["model"], data, rate=1e-2, steps=6)
    assert second["curve"].rows[0]["loss"] < first["curve"].rows[0]["loss"]
    assert len(second["model"].adapters) == 2


@pytest.mark.parametrize("kind", [TrainPreference, TrainRewardModel, TrainReinforce])
def test_what_trl_trains_without_an_encoder_only(
    kind: Any, t5: TransformersModel, pairs: PreferenceData
) -> None:
    with pytest.raises(NodeError, match="TRL's trainers of preferences and rewards") as caught:
        kind.doubts(kind.Params(), {"model": t5})
    assert (caught.value.port, caught.value.code) == ("model", "training/encoder-decoder")


@pytest.mark.parametrize(
    "template",
    [
        None,
        "{% for m in messages %}{% if m.role == 'assistant' %}"
        "{{ raise_exception('no') }}{% endif %}{{ m.content }}{% endfor %}",
    ],
)
def test_what_it_does_not_read_is_named(t5: TransformersModel, template: str | None) -> None:
    """A template may take prompts alone: the answer goes to the decoder without one."""
    call = {"type": "function", "function": {"name": "add", "arguments": {}}}
    said_ = [{"role": "user", "content": "1 + 1?"}, {"role": "assistant", "tool_calls": [call]}]
    plain_ = [{"role": "user", "content": "2?"}, {"role": "assistant", "content": "2"}]
    model = t5.model_copy(update={"chat_template": template})
    out = run_node(
        InstructionDataNode,
        {"form": "conversations", "held_out": 0},
        {"source": [{"messages": plain_, "tools": [call]}, {"messages": said_}], "model": model},
    )
    assert [row[:3] for row in out["report"].rows[1:-1]] == [
        ("tools that are lost", 1, "1"), ("a tool call that is lost whole", 1, "2"),
    ]  # fmt: skip


def test_prefixes_are_refused(t5: TransformersModel, data: InstructionData) -> None:
    params = TrainSupervised.Params(method="prefix tuning")
    with pytest.raises(NodeError, match="prefixes are trained here") as caught:
        TrainSupervised.doubts(params, {"model": t5})  # type: ignore[arg-type]
    assert caught.value.param == "method"
    with pytest.raises(NodeError, match="prefixes are trained here"):
        trained(t5, data, method="prefix tuning")


def test_rows_that_it_cannot_learn(t5: TransformersModel, t5_folder: Path) -> None:
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "c"},
        {"role": "assistant", "content": "d"},
    ]
    several = kept(InstructionData, [{"messages": turns, "learn": "answers"}], "turns")
    with pytest.raises(NodeError, match="Row 1 is a conversation of several turns"):
        trained(t5, several)
    whole = kept(InstructionData, [{"messages": turns[:2], "learn": "everything"}], "whole")
    with pytest.raises(NodeError, match="Row 1 is to be learned as a whole"):
        trained(t5, whole)
    nothing = kept(InstructionData, [{"messages": turns[:1], "learn": "answers"}], "none")
    with pytest.raises(NodeError, match="none has an answer within"):
        trained(t5, nothing)


def test_it_reads_as_a_tokenizer_frames_it() -> None:
    """BART's tokenizers put a token before a text too, others none at all."""
    from patchbay.nodes.models.transformers.plain_prompt import framed

    def bart(text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {
            "input_ids": [0, *map(ord, text), 2] if add_special_tokens else list(map(ord, text))
        }

    def bare(text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": list(map(ord, text))}

    def begun(text: str, add_special_tokens: bool = True) -> dict[str, list[int]]:
        return {"input_ids": [7, *map(ord, text)] if add_special_tokens else list(map(ord, text))}

    assert framed(bart, [5, 6]) == [0, 5, 6, 2]
    assert framed(bare, [5, 6]) == [5, 6]
    assert framed(begun, [5, 6]) == [7, 5, 6]
    assert isinstance(EncodedReader(bare), EncodedReader)
