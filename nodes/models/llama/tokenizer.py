"""The tokenizer of a folder of Transformers, in the words of a GGUF file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from patchbay.nodes.errors import NodeError
from patchbay.nodes.models.transformers.gguf_tokenizer import PRE_TOKENIZERS

NORMAL, CONTROL, OWN, UNUSED = 1, 3, 4, 5
"""Kinds of tokens, by llama.cpp's numbers for them."""


def write_tokenizer(writer: Any, folder: Path, vocabulary: int) -> None:
    """Write byte pairs, their merges, the rule that cuts text, and the chat template.

    Args:
        writer: of gguf.
        folder: with `tokenizer.json`.
        vocabulary: how many tokens the network has numbers for.

    Raises:
        NodeError: the tokenizer is of another kind, or cuts text in a way without a name.
    """
    from transformers import AutoTokenizer

    tokenizer: Any = AutoTokenizer.from_pretrained(
        str(folder), local_files_only=True, trust_remote_code=False
    )
    held = json.loads(tokenizer.backend_tokenizer.to_str())
    rule = rule_of(held)
    words = {number: word for word, number in held["model"]["vocab"].items()}
    kinds = dict.fromkeys(words, NORMAL)
    for added in held.get("added_tokens") or ():
        words[added["id"]] = added["content"]
        kinds[added["id"]] = CONTROL if added["special"] else OWN
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(rule)
    writer.add_token_list([words.get(n, f"[PAD{n}]") for n in range(vocabulary)])
    writer.add_token_types([kinds.get(n, UNUSED) for n in range(vocabulary)])
    pairs = held["model"]["merges"]
    writer.add_token_merges([one if isinstance(one, str) else " ".join(one) for one in pairs])
    for name in ("bos", "eos", "pad", "unk"):
        if (number := getattr(tokenizer, f"{name}_token_id")) is not None:
            getattr(writer, f"add_{name}_token_id")(number)
    writer.add_add_bos_token(bool(tokenizer("a")["input_ids"][:1] == [tokenizer.bos_token_id]))
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)


def rule_of(held: dict[str, Any]) -> str:
    """llama.cpp's name for the way in which a tokenizer cuts text.

    Args:
        held: the tokenizer, as `tokenizer.json` says it.

    Raises:
        NodeError: there is none that is known here.
    """
    model, before = held.get("model") or {}, held.get("pre_tokenizer") or {}
    whole = bool(model.get("ignore_merges"))
    cuts = _cuts(before)
    if model.get("type") == "BPE" and not held.get("normalizer") and cuts is not None:
        for name, rule in PRE_TOKENIZERS.items():
            if rule.cuts == cuts and rule.whole_words == whole:
                return name
    raise NodeError(
        "The model's tokenizer has no name in GGUF that is known here, so llama.cpp would read "
        f"other tokens ({model.get('type')}, {before.get('type')}).",
        fix='Set the form to "merged", and convert that folder with llama.cpp\'s own '
        "convert_hf_to_gguf.py.",
        param="form",
        code="export/unwritable",
        retry=False,
    )


_OF_BYTES = PRE_TOKENIZERS["gpt-2"].cuts
_DIGITS = PRE_TOKENIZERS["smollm"].cuts[:1]


def _cuts(before: dict[str, Any]) -> tuple[str, ...] | None:
    """The expressions that cut text, one after the other; None for what is none."""
    kind = before.get("type")
    if kind == "Sequence":
        parts = [_cuts(part) for part in before["pretokenizers"]]
        return None if None in parts else tuple(cut for part in parts for cut in part or ())
    if kind == "ByteLevel":
        if before.get("add_prefix_space"):
            return None
        return _OF_BYTES if before.get("use_regex", True) else ()
    if kind == "Digits" and before.get("individual_digits"):
        return _DIGITS
    if kind == "Split" and before.get("behavior") == "Isolated" and not before.get("invert"):
        pattern = before["pattern"].get("Regex")
        return None if pattern is None else (_plain(pattern),)
    return None


def _plain(pattern: str) -> str:
    """A pattern as the table writes it; makers write the endings of words in two ways."""
    return pattern.replace(
        "(?i:'s|'t|'re|'ve|'m|'ll|'d)", r"(?:'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
    )
