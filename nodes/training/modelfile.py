"""A Modelfile of Ollama for a GGUF file that was written here.

Format: https://github.com/ollama/ollama/blob/main/docs/modelfile.md
"""

from __future__ import annotations

from typing import Any

from patchbay.nodes.calls import CallOptions

_CHATML = (
    "<|im_start|>system\n{s}<|im_end|>\n<|im_start|>user\n{u}<|im_end|>\n<|im_start|>assistant\n"
)
_TEMPLATE = '''TEMPLATE """{{- range .Messages }}<|im_start|>{{ .Role }}
{{ .Content }}<|im_end|>
{{ end }}<|im_start|>assistant
"""
PARAMETER stop "<|im_end|>"
'''


def modelfile(
    start: str, tokenizer: Any, template: str | None, context: int, call: CallOptions
) -> str:
    """The text of the file.

    Args:
        start: its first lines: what it begins from.
        tokenizer: of the model; says whether its conversations are of a form that is known here.
        template: a chat template in place of the tokenizer's own.
        context: tokens.
        call: how the model answers where nothing is said.
    """
    said = [start.rstrip() + "\n"]
    system = _system_of(tokenizer, template)
    if system is None:
        said.append(
            "# The conversation is of a form for which there is no TEMPLATE here; Ollama looks for "
            "one in the GGUF file.\n"
        )
    else:
        said.append(_TEMPLATE)
        if system:
            said.append(f'SYSTEM """{system}"""\n')
    said.append(f"PARAMETER num_ctx {context}\n")
    named = (
        ("temperature", call.temperature), ("top_p", call.top_p), ("top_k", call.top_k),
        ("repeat_penalty", call.repeat_penalty), ("num_predict", call.max_tokens),
    )  # fmt: skip
    said += [
        f"PARAMETER {name} {value if isinstance(value, int) else format(value, 'g')}\n"
        for name, value in named
        if value is not None
    ]
    return "".join(said)


def _system_of(tokenizer: Any, template: str | None) -> str | None:
    """The system text that the template adds by itself; None where it is not ChatML."""

    def text(*messages: tuple[str, str]) -> str:
        chat = [{"role": role, "content": content} for role, content in messages]
        return str(
            tokenizer.apply_chat_template(
                chat, chat_template=template, add_generation_prompt=True, tokenize=False
            )
        )

    try:
        if text(("system", "S"), ("user", "U")) != _CHATML.format(s="S", u="U"):
            return None
        alone = text(("user", "U"))
    except Exception:  # templates are programs, and raise what they like
        return None
    begun, _, rest = _CHATML.format(s="\0", u="U").partition("\0")
    if alone.startswith(begun) and alone.endswith(rest):
        return alone[len(begun) : -len(rest)]
    return "" if alone == _CHATML.format(s="", u="U").split("<|im_end|>\n", 1)[1] else None
