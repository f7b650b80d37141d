"""What a flow takes of the memory, in words."""

from __future__ import annotations

from patchbay.flows.checks.memory import MemoryPlan, Share
from patchbay.nodes.specs import ModelSpec, ToolSpec
from patchbay.studio.views.memory import memory_words


def test_the_sum_and_each_models_share_are_said() -> None:
    spec = ModelSpec()
    one, two = Share(spec, "model", 400_000_000), Share(spec, "inner/other", 115_000_000)
    assert memory_words(MemoryPlan((one,))) == "Takes about 400 MB of memory"
    far, tool = Share(spec, "far", None), Share(ToolSpec(), "calculator", None)
    assert memory_words(MemoryPlan((one, two, far, tool))) == (
        "Takes about 515 MB of memory: model 400 MB, inner/other 115 MB. Not known: far"
    )
    assert memory_words(MemoryPlan((Share(spec, "far", None),))) == ""
