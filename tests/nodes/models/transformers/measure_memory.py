"""`python -m …measure_memory CASES`: open described models, fill their contexts, print bytes.

`CASES` are descriptions in a JSON list, each with true where it is to be as on a processor without
AVX512-BF16, which leaves 4-bit weights as they are. Prints for each what it took and what was
estimated. Each is in a process of its own, since freed memory stays with a process and would hide
what the next model takes; they are forked from one that has imported the libraries.
"""

from __future__ import annotations

import gc
import json
import os
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
    from transformers import AutoModelForCausalLM, AutoTokenizer

    _: Any = (bitsandbytes, AutoModelForCausalLM, AutoTokenizer)
    cases = json.loads(sys.argv[1])
    for description, plain in cases:
        if len(cases) > 1 and (child := os.fork()):
            if ended := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
                sys.exit(f"{description} ended with {ended}")
        else:
            measure(description, plain)
            return


def measure(description: str, plain: bool) -> None:
    import bitsandbytes
    import torch

    if plain:
        bitsandbytes.nn.modules.has_avx512bf16 = lambda: False
    spec = TransformersModel.model_validate_json(description)
    torch.ones(64, 64) @ torch.ones(64, 64)
    before = taken()
    model = spec.open(Quiet())
    prompt = HumanMessage("word " * (spec.context - 60))
    model.invoke([prompt], max_tokens=4, temperature=0)
    gc.collect()
    print(taken() - before, spec.memory(), flush=True)


def taken() -> int:
    """Bytes in memory that come from no file: a fork maps its libraries anew, page by page."""
    held = psutil.Process().memory_info()
    return int(held.rss - getattr(held, "shared", 0))


if __name__ == "__main__":
    main()
