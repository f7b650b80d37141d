#!/usr/bin/env bash
# Guess: a process that only loads a model and generates never touches torch's compiler: nothing calls `torch.compile`.
# What happens: importing what every model of transformers is built on imports `torch._dynamo` and hundreds of modules with it,
# since integrations for kernels that are not there (deepgemm, finegrained_fp8, sonicmoe) and the masks name it at the top of
# their files. It takes more processor time than torch itself.
# Seen with transformers 5.24.0 and torch 2.13.0 on 2026-11-29.
# Why it matters: each worker, script and command that opens a small local model pays seconds before the first token; a pool of
# processes that are started per job pays them each time. Fork from a process that has imported it, or keep workers.
source "$(dirname "$0")/_env.sh"
packages 'transformers==5.24.0' 'torch==2.13.0'
"$PY" - <<'PY'
import sys
import time
from importlib.metadata import version

began = time.process_time()
import torch

torch_s = time.process_time() - began
before = "torch._dynamo" in sys.modules
began = time.process_time()
import transformers.modeling_utils

models_s = time.process_time() - began
found = [name for name in sys.modules if name.startswith("torch._dynamo")]
print("transformers", version("transformers"), "torch", version("torch"))
print(f"import torch: {torch_s:.1f} s of a processor, its compiler is there: {before}")
print(f"import transformers.modeling_utils: {models_s:.1f} s more, with {len(found)} modules of torch._dynamo")
raise SystemExit(0 if not before and len(found) > 20 else 1)
PY
