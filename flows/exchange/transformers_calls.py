"""Nodes that are a plain call of Transformers: a chat model of this process, and encoders."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from patchbay.flows.checks.resolve import ResolvedNode
from patchbay.flows.exchange.call import (
    SAMPLING,
    Call,
    Maker,
    Values,
    from_port,
    is_text,
    one_of,
    only,
    params_of,
    system_of,
)

if TYPE_CHECKING:
    from patchbay.flows.exchange.script_draft import ScriptDraft

_HUB = re.compile(r"hf:([^/@#]+/[^/@#]+)(?:@([^/@#]+))?")
"""A whole repository of a hub, with its revision."""
PIPELINE = ("from transformers import pipeline",)


def chat(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """The model itself, where all that it takes is a repository or a folder."""
    params = params_of(node)
    fine = ("weights", "context", "parallel", "temperature", "top_p", "max_tokens")
    weights = _weights(params.get("weights"))
    if weights is None or not only(params, *fine):
        return None
    expression = f'pipeline("text-generation", model={weights})'
    return Call(expression, "model", PIPELINE, describes=True)


def asked(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """A question to such a model."""
    params = params_of(node)
    (source,) = from_port(made, node, "model") or (None,)
    if source is None or chat(made, source, {}, True) is None:
        return None
    if not only(params, "system", *SAMPLING) or source.params is None:
        return None
    if not is_text(made, node, "prompt") or not is_text(made, node, "system"):
        return None
    said: dict[str, Any] = {
        name: getattr(source.params, name) for name in ("temperature", "top_p", "max_tokens")
    }
    said |= {name: params[name] for name in SAMPLING if name in params}
    system = system_of(node, inputs)
    rows = [f'{{"role": "system", "content": {system}}}'] if system else []
    rows.append(f'{{"role": "user", "content": {one_of(inputs, "prompt")}}}')
    sampled = f"do_sample=True, temperature={said['temperature']}, top_p={said['top_p']}"
    how = "do_sample=False" if said["temperature"] == 0 else sampled
    expression = (
        f"{one_of(inputs, 'model')}(\n    [{', '.join(rows)}],\n"
        f"    max_new_tokens={said['max_tokens']}, {how}, return_full_text=False,\n"
        ')[0]["generated_text"]'
    )
    return Call(expression, "text")


def zero_shot(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """The label that an entailment model finds, where nothing but the label is taken."""
    params = params_of(node)
    weights = _weights(params.get("weights"))
    outgoing = made.resolved.outgoing[node.instance.id]
    if params.get("by") != "entailment" or params.get("several") or set(outgoing) - {"label"}:
        return None
    wired = set(made.resolved.incoming[node.instance.id])
    if weights is None or wired - {"text"} or not is_text(made, node, "text"):
        return None
    labels = [*dict.fromkeys(label.strip() for label in node.params.labels if label.strip())]  # type: ignore[union-attr]
    template = params.get("template", "{}")
    expression = (
        f'pipeline("zero-shot-classification", model={weights})(\n'
        f"    {one_of(inputs, 'text')},\n    {labels!r},\n"
        f'    hypothesis_template={template!r},\n)["labels"][0]'
    )
    return Call(expression, "label", PIPELINE)


def fill_mask(made: ScriptDraft, node: ResolvedNode, inputs: Values, dry: bool) -> Call | None:
    """The text with its gaps filled, where nothing but the text is taken."""
    params = params_of(node)
    weights = _weights(params.get("weights", "hf:google-bert/bert-base-uncased"))
    if weights is None or set(made.resolved.outgoing[node.instance.id]) - {"text"}:
        return None
    if not is_text(made, node, "text"):
        return None
    name = made.names[node.instance.id]
    text = one_of(inputs, "text") if not dry else "text"
    return Call(
        text,
        "text",
        PIPELINE,
        before=(
            f'{name}_model = pipeline("fill-mask", model={weights}, top_k=1)',
            f"{name}_found = {name}_model(",
            f'    {text}.replace("[MASK]", {name}_model.tokenizer.mask_token)',
            ")",
        ),
        after=(
            f"for {name}_one in {name}_found:",
            f"    {name}_best = {name}_one[0] if isinstance({name}_one, list) else {name}_one",
            f'    {name} = {name}.replace("[MASK]", {name}_best["token_str"].strip(), 1)',
        ),
    )


def _weights(text: Any) -> str | None:
    """What `pipeline` takes for them; None for what only we read (GGUF, names of ours)."""
    if not isinstance(text, str) or text.split("#", 1)[0].split("@", 1)[0].lower().endswith(
        ".gguf"
    ):
        return None
    if hub := _HUB.fullmatch(text):
        repo, revision = hub.groups()
        return f"{repo!r}, revision={revision!r}" if revision else repr(repo)
    is_path = ("/" in text or "\\" in text) and ":" not in text.partition("/")[0][2:]
    return repr(text) if is_path else None


CALLS: dict[str, Maker] = {
    "model.ask": asked,
    "model.transformers": chat,
    "text.zero_shot": zero_shot,
    "text.fill_mask": fill_mask,
}
