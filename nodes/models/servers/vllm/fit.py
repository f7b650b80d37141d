"""Which adapters vLLM takes: it refuses others only when it has read all the weights."""

from __future__ import annotations

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.servers.vllm.engine import RANKS
from patchbay.nodes.models.transformers.adapter import LORA, Adapter
from patchbay.nodes.models.transformers.anatomy import anatomy
from patchbay.nodes.models.transformers.fit import check_fit, check_names


def check_adapter(adapter: Adapter, weights: str) -> None:
    """Check that an adapter goes with a model, and with vLLM.

    Raises:
        NodeError: it does not.
    """
    if why := _refused(adapter):
        raise NodeError(
            f"vLLM cannot serve the adapter {adapter.reference!r}: {why}.",
            fix="Merge it into its base (Export model), and name that folder as weights; or wire a "
            "Transformers model with a LoRA adapter.",
            param="adapters",
            code="vllm/adapter",
            retry=False,
        )
    made = anatomy(weights)
    if made is None:
        check_names(adapter, weights)
    else:
        check_fit(adapter, made, weights)


def _refused(adapter: Adapter) -> str:
    if adapter.kind != LORA:
        return f"it is of the kind {adapter.kind}, and vLLM knows LoRA alone"
    if adapter.settings.use_dora:
        return "it is DoRA, which vLLM does not know"
    if adapter.settings.takes_from_base:
        return f"it begins with {adapter.settings.begins_with}, which changes the base"
    if adapter.settings.modules_to_save or adapter.others:
        return "it holds whole parameters, and vLLM hangs matrices on layers alone"
    if adapter.rank > RANKS[-1]:
        return f"its rank is {adapter.rank}, and vLLM takes {RANKS[-1]} at most"
    return ""
