"""Networks of Transformers for retrieval, read from folders of safetensors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from patchbay.nodes.errors import NodeError


def load_network(
    folder: Path,
    kind: Literal["AutoModel", "AutoModelForSequenceClassification"],
    *,
    what: str,
    fix: str,
    code: str,
) -> tuple[Any, Any]:
    """The model and the tokenizer of a folder. No code from it is run.

    Call it inside `making_networks`.

    Args:
        folder: what `save_pretrained` writes.
        kind: the class of Transformers that opens it.
        what, fix, code: of the error where it does not load: what a person calls it, and so on.

    Raises:
        NodeError: it does not load, or there is no room for it.
    """
    import transformers

    from patchbay.nodes.models.transformers.placing import placed

    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False
        )
        model = getattr(transformers, kind).from_pretrained(
            str(folder), local_files_only=True, trust_remote_code=False, use_safetensors=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError) as error:
        raise NodeError(
            f"The {what} in {folder} does not load: {error}", fix=fix, code=code, retry=False
        ) from error
    return placed(model.eval(), what), tokenizer
