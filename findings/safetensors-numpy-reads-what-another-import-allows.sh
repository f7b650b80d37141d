#!/usr/bin/env bash
# Guess: safetensors.numpy reads any adapter, or says that NumPy has no bfloat16, in every program alike.
# What happens: `load_file` of an adapter in bfloat16 (as TRL saves it from QLoRA) raises TypeError "data type 'bfloat16' not
# understood" and reads the same file well once anything in the process has imported ml_dtypes (as JAX does), which
# safetensors never asks for. `load` of the same bytes raises KeyError 'BF16' either way; `save_file` wrote the file gladly.
# Seen with safetensors 0.8.0, numpy 2.4.6, ml_dtypes 0.5.4 on 2026-11-29.
# Why it matters: a flow that looks into adapters (compares, merges, counts) without PyTorch works on the machine where
# something else brought ml_dtypes and fails on the next. Import ml_dtypes yourself, or read the bytes from `deserialize`.
source "$(dirname "$0")/_env.sh"
packages 'safetensors==0.8.0' 'numpy==2.4.6' 'ml_dtypes==0.5.4'
cat >"$HERE/write.py" <<'PY'
import sys

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

weights = np.array([[1.0, -2.5]], dtype=ml_dtypes.bfloat16)
save_file({"base_model.model.q_proj.lora_A.weight": weights}, sys.argv[1])
PY
cat >"$HERE/read.py" <<'PY'
import sys
from pathlib import Path

from safetensors.numpy import load, load_file

if sys.argv[2] == "with":
    import ml_dtypes  # noqa: F401


def outcome(read):
    try:
        return [array.tolist() for array in read().values()]
    except (TypeError, KeyError) as problem:
        return f"{type(problem).__name__}: {problem}"


print("load_file", outcome(lambda: load_file(sys.argv[1])), "load", outcome(lambda: load(Path(sys.argv[1]).read_bytes())))
PY
"$PY" "$HERE/write.py" "$HERE/adapter.safetensors"
without=$("$PY" "$HERE/read.py" "$HERE/adapter.safetensors" without)
with=$("$PY" "$HERE/read.py" "$HERE/adapter.safetensors" with)
"$PY" - <<'PY'
from importlib.metadata import version

print(*(f"{name} {version(name)}" for name in ("safetensors", "numpy", "ml_dtypes")))
PY
echo "  without ml_dtypes imported: $without"
echo "  with ml_dtypes imported: $with"
[ "$without" = "load_file TypeError: data type 'bfloat16' not understood load KeyError: 'BF16'" ]
[ "$with" = "load_file [[[1.0, -2.5]]] load KeyError: 'BF16'" ]
