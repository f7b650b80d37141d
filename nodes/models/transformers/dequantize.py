"""A GGUF file as a folder of Transformers: dequantized once, kept in the cache.

Reading a GGUF takes Transformers ten times as long as reading safetensors, so what came out is
kept as 16-bit floats (a 4-bit weight has fewer digits than that), by the hash of the file.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from patchbay.nodes.atomic import put_folder
from patchbay.nodes.errors import NodeError
from patchbay.nodes.home import cache_dir
from patchbay.nodes.models.transformers.gguf_tokenizer import check_tokenizer, set_rule
from patchbay.nodes.models.transformers.libraries import making_networks
from patchbay.nodes.models.transformers.source import CONFIG, WEIGHTS
from patchbay.nodes.private import private_folder
from patchbay.nodes.weights.gguf_header import Header, read_header
from patchbay.nodes.weights.refs import Report
from patchbay.nodes.weights.resolve import content_id, find, resolve

FORMAT = 2
"""Raised when the folders that are made change."""


def dequantized(text: str, report: Report) -> Path:
    """The folder with the dequantized model, made if need be.

    Args:
        text: a reference to a GGUF file.

    Raises:
        NodeError: the file cannot be had, or Transformers does not know its architecture.
    """
    path = resolve(text, report)
    header = read_header(path)
    if header is not None:
        check_tokenizer(header, text)
    folder = place(text)
    if (folder / WEIGHTS).is_file():
        return folder
    report(f"Dequantizing {text}, once", 0, None)
    try:
        private_folder(folder.parent)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".making-") as made:
            _convert(path, header, Path(made))
            if not (folder / WEIGHTS).is_file():  # another process may have been faster
                put_folder(Path(made), folder)
            for old in range(1, FORMAT):  # they are as large as this one
                shutil.rmtree(place(text, old), ignore_errors=True)
    except OSError as error:
        raise NodeError(
            f"The dequantized weights of {text!r} cannot be stored in {folder.parent}: "
            f"{error.strerror or error}.",
            fix="Make room, or set PATCHBAY_CACHE to a folder on another disk.",
            code="weights/unwritable",
            retry=False,
        ) from error
    return folder


def place(text: str, form: int = FORMAT) -> Path:
    """Where the dequantized form of a GGUF file goes."""
    return cache_dir() / "dequantized" / f"{content_id(text).removeprefix('sha256:')[:32]}-{form}"


def found(text: str) -> Path | None:
    """The dequantized folder, if it is here already."""
    if find(text) is None:
        return None
    folder = place(text)
    return folder if (folder / WEIGHTS).is_file() else None


@making_networks()
def _convert(path: Path, header: Header | None, folder: Path) -> None:
    import torch
    from safetensors.torch import save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers import modeling_gguf_pytorch_utils as reader

    # Its bar heeds no setting of Transformers: standard error is for what is wrong.
    reader.tqdm = partial(reader.tqdm, disable=True)
    named: dict[str, Any] = {"gguf_file": path.name, "local_files_only": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(str(path.parent), **named)
        if header is not None:
            set_rule(tokenizer, header)
        model = AutoModelForCausalLM.from_pretrained(
            str(path.parent),
            dtype=torch.float16,
            quantization_config=GgufConfig(dequantize=True),
            **named,
        )
    except (ValueError, KeyError, OSError, RuntimeError) as error:
        raise NodeError(
            f"Transformers cannot read {path.name}: {error}",
            fix="Wire it as a quantized local model (GGUF), or take the model's safetensors.",
            code="model/unloadable",
            retry=False,
        ) from error
    config = model.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config.architectures, config.dtype = [type(model).__name__], torch.float16
    config.save_pretrained(folder)
    model.generation_config.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    tied = set(getattr(model, "all_tied_weights_keys", None) or {})
    weights = {k: v.contiguous() for k, v in model.state_dict().items() if k not in tied}
    save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
    if not (folder / CONFIG).is_file():
        raise OSError(f"no {CONFIG} was written")
