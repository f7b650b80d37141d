"""`python -m …measure_memory SPEC [plain]`: open a described model, fill its context, print bytes.

With `plain` as on a processor without AVX512-BF16, which leaves 4-bit weights as they are. Prints
what it took and what was estimated. In a process of its own, since freed memory stays with a
process and would hide what the next model takes.
"""

from __future__ import annotations

import gc
import sys
from typing import Any

import psutil
from langchain_core.messages import HumanMessage

from patchbay.nodes.models.cores import share_cores
from patchbay.nodes.models.transformers.spec import TransformersModel


class Quiet:
    def report(self, label: str, done: float, total: float | None) -> None:
        pass


def main() -> None:
    share_cores()
    import bitsandbytes
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if sys.argv[2:] == ["plain"]:
        bitsandbytes.nn.modules.has_avx512bf16 = lambda: False
    spec = TransformersModel.model_validate_json(sys.argv[1])
    loaded: Any = (bitsandbytes, AutoModelForCausalLM, AutoTokenizer)
    torch.ones(64, 64) @ torch.ones(64, 64)
    before = taken()
    model = spec.open(Quiet())
    prompt = HumanMessage("word " * (spec.context - 60))
    model.invoke([prompt], max_tokens=4, temperature=0)
    gc.collect()
    print(taken() - before, spec.memory(), bool(loaded))


def taken() -> int:
    return int(psutil.Process().memory_info().rss)


if __name__ == "__main__":
    main()
