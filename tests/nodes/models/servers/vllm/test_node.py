"""The node, what the server is told, and what is refused before it is started."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.servers.vllm.engine import arguments
from patchbay.nodes.models.servers.vllm.node import TRAINED, VllmNode
from patchbay.nodes.models.servers.vllm.spec import NamedAdapter, VllmModel
from patchbay.nodes.models.transformers.adapter import CONFIG, SHIPPED
from patchbay.nodes.models.transformers.trained import TrainedAdapter
from tests.nodes.models.peft_files import OUTPUTS, write_peft

PIRATE = NamedAdapter(name="pirate", weights="pirate")
FEELING = NamedAdapter(name="feeling", weights="sentiment")


def described(wired: TrainedAdapter | None = None, **params: object) -> VllmModel:
    """What the node describes."""
    given = VllmNode.Params.model_validate(params)
    inputs = VllmNode.Inputs(adapter=wired)
    model = VllmNode.describe(given, inputs)["model"]
    assert isinstance(model, VllmModel)
    return model


class TestDescription:
    """What travels, and who shares a server."""

    def test_which_adapter_answers_travels_with_the_call(self) -> None:
        model = described(adapters=[PIRATE, FEELING], adapter="feeling", temperature=0)
        assert model.call_options()["lora"] == "feeling"
        assert "lora" not in model.model_copy(update={"adapter": ""}).call_options()
        plain = described(adapters=[PIRATE, FEELING])
        assert model.resource() == plain.resource()
        assert model.content_key() != plain.content_key()

    def test_servers_that_differ_by_adapters_become_one(self) -> None:
        one, other = described(adapters=[PIRATE]).resource(), described(adapters=[FEELING])
        both = one.together(other.resource())
        assert isinstance(both, VllmModel)
        assert both.adapters == (PIRATE, FEELING)
        assert both.together(one) == both

    @pytest.mark.parametrize(
        "other",
        [
            {"adapters": [{"name": "pirate", "weights": "sentiment"}]},
            {"adapters": [PIRATE], "context": 512},
            {"adapters": [PIRATE], "gpu_share": 0.5},
        ],
    )
    def test_others_stay_apart(self, other: dict[str, object]) -> None:
        one = described(adapters=[PIRATE]).resource()
        assert one.together(described(**other).resource()) is None

    def test_a_trained_adapter_over_a_wire_answers(self) -> None:
        wired = TrainedAdapter(
            path=str(SHIPPED / "pirate"), sha256="0", method="lora", base="b", base_sha256="1"
        )
        model = described(wired)
        assert model.adapter == TRAINED
        assert model.adapters == (NamedAdapter(name=TRAINED, weights=wired.path),)

    def test_what_only_vllm_knows_goes_into_the_body(self) -> None:
        words = described().words(CallOptions(repeat_penalty=1.2, top_k=5, thinking="off"))
        assert words["extra_body"] == {
            "repetition_penalty": 1.2,
            "top_k": 5,
            "chat_template_kwargs": {"enable_thinking": False},
        }


class TestCommandLine:
    """What `vllm` is told."""

    def test_everything_that_the_description_says(self) -> None:
        spec = described(
            context=512, parallel=3, dtype="bfloat16", gpu_share=0.4, cards=2, eager=True
        )
        said = arguments(spec, Path("/w"), {}, 0, 8123)
        pairs = dict(itertools.pairwise(said))
        assert said[:2] == ["serve", "/w"]
        assert (pairs["--host"], pairs["--port"]) == ("127.0.0.1", "8123")
        assert (pairs["--max-model-len"], pairs["--max-num-seqs"]) == ("512", "3")
        assert (pairs["--dtype"], pairs["--tensor-parallel-size"]) == ("bfloat16", "2")
        assert pairs["--gpu-memory-utilization"] == "0.4"
        assert "--enforce-eager" in said
        assert "--enable-lora" not in said

    @pytest.mark.parametrize(("rank", "most"), [(1, "1"), (4, "8"), (8, "8"), (65, "128")])
    def test_adapters_by_name_and_the_next_rank_that_it_knows(self, rank: int, most: str) -> None:
        said = arguments(described(), Path("/w"), {"a": Path("/a"), "b": Path("/b")}, rank, 1)
        assert said[said.index("--lora-modules") + 1 :] == ["a=/a", "b=/b"]
        assert said[said.index("--max-lora-rank") + 1] == most
        assert said[said.index("--max-loras") + 1] == "3"  # see TestWords of test_real_server.py


class TestRefusals:
    """Before anything is started."""

    def test_an_adapter_that_is_not_listed(self) -> None:
        with pytest.raises(NodeError, match=r"no adapter named 'pirat'\. There are: pirate") as bad:
            described(adapters=[PIRATE], adapter="pirat")
        assert (bad.value.code, bad.value.param) == ("vllm/adapter", "adapter")

    def test_one_name_twice(self) -> None:
        with pytest.raises(ValueError, match="two adapters have the same name"):
            described(adapters=[PIRATE, {"name": "pirate", "weights": "sentiment"}])

    @pytest.mark.parametrize(
        ("config", "why"),
        [
            ({"use_dora": True}, "DoRA"),
            ({"init_lora_weights": "pissa"}, "begins with pissa"),
            ({"modules_to_save": ["lm_head"]}, "whole parameters"),
        ],
    )
    def test_adapters_that_vllm_does_not_know(
        self, config: dict[str, object], why: str, tmp_path: Path
    ) -> None:
        place = write_peft(tmp_path / "a", 1, **config)
        with pytest.raises(NodeError, match=why) as bad:
            described(adapters=[{"name": "a", "weights": str(place)}])
        assert bad.value.code == "vllm/adapter"

    def test_an_adapter_of_another_base(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(OUTPUTS, "q_proj", 64)
        place = write_peft(tmp_path / "a", 1)
        with pytest.raises(NodeError) as bad:
            described(adapters=[{"name": "a", "weights": str(place)}])
        assert bad.value.code == "adapter/misfit"

    def test_a_folder_that_is_none(self, tmp_path: Path) -> None:
        (tmp_path / CONFIG).write_text("{}")
        with pytest.raises(NodeError) as bad:
            described(adapters=[{"name": "a", "weights": str(tmp_path)}])
        assert bad.value.code == "adapter/missing"

    def test_that_it_is_not_here_is_said_and_stops_nobody(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PATCHBAY_VLLM", str(tmp_path / "vllm"))
        params = VllmNode.Params()
        (doubt,) = VllmNode.doubts(params, VllmNode.Inputs(adapter=None))
        assert "PATCHBAY_VLLM" in doubt
        assert VllmNode.describe(params, VllmNode.Inputs(adapter=None))["model"]
