"""What a flow takes of the memory, in words."""

from __future__ import annotations

from patchbay.flows.checks.memory import MemoryPlan, Share
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.specs import ModelSpec, ToolSpec
from patchbay.studio.views.memory import loaded_words, memory_words


def test_the_sum_and_each_models_share_are_said() -> None:
    spec = ModelSpec()
    one, two = Share(spec, "model", 400_000_000), Share(spec, "inner/other", 115_000_000)
    assert memory_words(MemoryPlan((one,))) == "Takes about 400 MB of memory"
    far, tool = Share(spec, "far", None), Share(ToolSpec(), "calculator", None)
    assert memory_words(MemoryPlan((one, two, far, tool))) == (
        "Takes about 515 MB of memory: model 400 MB, inner/other 115 MB. Not known: far"
    )
    assert memory_words(MemoryPlan((Share(spec, "far", None),))) == ""


def test_what_is_loaded_is_said_beside_what_a_run_takes() -> None:
    small = GgufModel(context=512, parallel=1)
    plan = MemoryPlan((Share(small, "model", 400_000_000),))
    assert loaded_words(plan, []) == ""
    wide = GgufModel(context=4096).resource()
    assert loaded_words(plan, [(wide, 515_000_000, False)]) == "Loaded now: 515 MB of it"
    other = GgufModel(weights="ollama:other").resource()
    words = "Loaded now: nothing of it, and 100 MB of other flows"
    assert loaded_words(plan, [(other, 100_000_000, True)]) == f"{words} (in use)"
    assert loaded_words(plan, [(other, 100_000_000, False)]) == f"{words} (let go when it runs)"
