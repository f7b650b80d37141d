"""Every field of an adapter's config: PEFT's own answer on both backends, or refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.llama.adapter import GgufAdapter, adapter_file, check_adapters
from patchbay.nodes.models.transformers.adapter import WEIGHTS, read_adapter
from patchbay.nodes.models.transformers.adapters import Adapters, merge
from patchbay.nodes.models.transformers.changing import changes_of
from patchbay.nodes.models.transformers.lora_node import LoraNode
from patchbay.nodes.models.transformers.spec import TransformersModel
from patchbay.nodes.weights.gguf_header import read_header
from patchbay.nodes.weights.refs import quiet
from tests.nodes.models import tiny
from tests.nodes.models.tiny_llama import TinyLlama, serve_tiny
from tests.nodes.models.transformers.variants import PROMPT, VARIANTS, base, by_peft, write

HONOURED = [name for name, variant in VARIANTS.items() if not variant.refused]
REFUSED = [name for name, variant in VARIANTS.items() if variant.refused]
IN_GGUF = [name for name in HONOURED if not VARIANTS[name].gguf]


def test_the_table_is_long_enough() -> None:
    """At least twenty are compared with PEFT on each backend; the others are refused by name."""
    assert len(HONOURED) >= 20
    assert len(IN_GGUF) >= 20
    assert len(HONOURED) + len(REFUSED) == len(VARIANTS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Variant → its folder, made when it is first asked for."""
    root = tmp_path_factory.mktemp("variants")

    @lru_cache
    def made(name: str) -> Path:
        return write(VARIANTS[name], root / name.replace(" ", "-"))

    return made


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Tied or not, with biases or not → the folder of the base."""
    root = tmp_path_factory.mktemp("bases")

    @lru_cache
    def made(tied: bool, biases: bool) -> Path:
        return tiny.folder_of(tiny.network(tied, biases), root / f"{tied}-{biases}")

    return made


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.gguf_of(tiny.network(), tmp_path_factory.mktemp("gguf") / "tiny.gguf")


@pytest.fixture(scope="module")
def llama(gguf: Path, folders: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """llama.cpp with every adapter that it can take."""
    header = read_header(gguf)
    assert header is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHBAY_CACHE", str(tmp_path_factory.mktemp("cache")))
        files = [adapter_file(str(folders(name)), header, quiet) for name in IN_GGUF]
        with serve_tiny(gguf, files) as server:
            yield server


def scores(network: Any, *rows: str | None) -> tuple[Any, dict[str, Exception]]:
    """The scores of the prompt, once for each row, and what failed."""
    import torch

    with torch.inference_mode():
        out, failed = network.forward(list(rows), input_ids=torch.tensor([PROMPT] * len(rows)))
    return out.logits, failed


def changes(folder: Path, network: Any, scale: float = 1.0) -> Any:
    from safetensors.torch import load_file

    adapter = read_adapter(str(folder))
    assert adapter is not None
    return changes_of(adapter, load_file(folder / WEIGHTS), scale, network)


def same(ours: Any, theirs: Any) -> bool:
    import torch

    return bool(torch.allclose(ours, theirs, rtol=1e-4, atol=1e-4))


# --- one at a time ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", HONOURED)
def test_it_answers_as_with_peft(name: str, folders: Any, models: Any) -> None:
    variant, folder = VARIANTS[name], folders(name)
    weights = str(models(variant.tied, variant.biases))
    node = LoraNode.Params(adapter=str(folder))
    LoraNode.describe(node, LoraNode.Inputs(model=TransformersModel(weights=weights)))
    network, wanted = base(variant), by_peft(variant, folder)
    adapters = Adapters(network)
    alone, _ = scores(adapters, None)
    adapters.attach("it", changes(folder, network))
    adapters.attach("off", changes(folder, network, scale=0.0))
    found, failed = scores(adapters, "it", None, "off")
    assert not failed
    assert same(found[0], wanted)
    assert same(found[1], alone[0])
    assert same(found[2], alone[0]), "a scale of 0 changes something"
    assert same(alone[0], wanted) == (name == "alpha of nothing")
    for attached in ("it", "off"):
        adapters.detach(attached)
    assert same(scores(adapters, None)[0], alone)
    assert not network.model.layers[0].self_attn.q_proj._forward_hooks
    merge(network, changes(folder, network))
    assert same(scores(adapters, None)[0][0], wanted), "merged answers differ"


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_before_the_run(
    name: str, folders: Any, models: Any, llama: TinyLlama
) -> None:
    variant, folder = VARIANTS[name], str(folders(name))
    weights = str(models(variant.tied, variant.biases))
    inputs = LoraNode.Inputs(model=TransformersModel(weights=weights))
    with pytest.raises(NodeError, match=variant.refused) as caught:
        LoraNode.describe(LoraNode.Params(adapter=folder), inputs)
    assert caught.value.fix
    assert caught.value.code == "adapter/config"
    with pytest.raises(NodeError, match=variant.refused):
        check_adapters(str(llama.path), [GgufAdapter(weights=folder)])


def test_llama_cpp_answers_as_peft(llama: TinyLlama, folders: Any) -> None:
    import torch

    wrong = {}
    for at, name in enumerate(IN_GGUF):
        wanted = by_peft(VARIANTS[name], folders(name))[-1].softmax(-1)
        found = llama.chances(PROMPT, at)
        theirs = torch.tensor([wanted[token] for token in found])
        if not torch.allclose(torch.tensor(list(found.values())), theirs, atol=2e-3):
            wrong[name] = (found, theirs.tolist())
    assert not wrong


@pytest.mark.parametrize("name", [n for n in HONOURED if VARIANTS[n].gguf])
def test_what_llama_cpp_cannot_say_is_refused_there(
    name: str, folders: Any, llama: TinyLlama
) -> None:
    with pytest.raises(NodeError, match=VARIANTS[name].gguf) as caught:
        check_adapters(str(llama.path), [GgufAdapter(weights=str(folders(name)))])
    assert caught.value.code == "adapter/misfit"


# --- many at once -------------------------------------------------------------------------------

ON_TIED = [name for name in HONOURED if VARIANTS[name].tied and not VARIANTS[name].biases]


def test_any_mix_in_one_batch_is_as_each_alone(folders: Any) -> None:
    network = tiny.network()
    adapters = Adapters(network)
    for name in ON_TIED:
        adapters.attach(name, changes(folders(name), network))
    found, failed = scores(adapters, *ON_TIED, None)
    assert not failed
    wrong = [
        name
        for row, name in zip(found, ON_TIED, strict=False)
        if not same(row, by_peft(VARIANTS[name], folders(name)))
    ]
    assert not wrong
    assert same(found[-1], scores(Adapters(tiny.network()), None)[0][0])


CHAINS = [
    ("rank-stabilized", "plain"),
    ("plain", "DoRA"),
    ("DoRA", "DoRA everywhere"),
    ("the head saved", "on the head"),
    ("on the head", "the head saved"),
    ("the embeddings saved", "on both, tied"),
    ("PiSSA", "OLoRA"),
    ("ranks by layer", "alphas by layer", "biases of the matrices"),
]


@pytest.mark.parametrize("names", CHAINS, ids=" + ".join)
def test_a_chain_is_the_exact_sum(names: tuple[str, ...], folders: Any) -> None:
    """The sum of what each changes in the weights of a network that it is merged into."""
    import torch

    network, total = tiny.network(tied=False), tiny.network(tied=False)
    tied = tiny.network()
    start = {key: value.clone() for key, value in tied.state_dict().items()}
    network.load_state_dict(start)
    total.load_state_dict(start)
    together: dict[str, list[Any]] = {}
    shifts = "biases of the matrices" in names
    with torch.no_grad():
        for name in names:
            for path, all_ in changes(folders(name), network).items():
                together.setdefault(path, []).extend(all_)
            one = tiny.network(tied=False)
            one.load_state_dict(start)
            merge(one, changes(folders(name), one))
            for key, value in one.state_dict().items():
                if key in start:
                    total.state_dict()[key].add_(value - start[key])
    adapters, summed = Adapters(network), Adapters(total)
    adapters.attach("chain", together)
    merged = tiny.network(tied=False)
    merged.load_state_dict(start)
    merge(merged, together)
    found = scores(adapters, "chain")[0]
    assert same(found, scores(Adapters(merged), None)[0])
    if not shifts:
        assert same(found, scores(summed, None)[0])


def test_only_the_guilty_row_fails(folders: Any) -> None:
    class Broken:
        def difference(self, layer: Any, given: Any, gave: Any) -> Any:
            raise RuntimeError("this one is broken")

        def weights(self, layer: Any) -> Any:
            raise NotImplementedError

    network = tiny.network()
    adapters = Adapters(network)
    adapters.attach("good", changes(folders("DoRA"), network))
    adapters.attach("bad", {"model.layers.0.mlp.up_proj": [Broken()]})
    alone = scores(adapters, "good")[0][0], scores(adapters, None)[0][0]
    found, failed = scores(adapters, "bad", "good", None)
    assert set(failed) == {"bad"}
    assert same(found[1], alone[0])
    assert same(found[2], alone[1])
    assert not scores(adapters, "good", None)[1], "the failure stayed"
