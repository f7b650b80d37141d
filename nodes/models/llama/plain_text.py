"""A conversation for llama.cpp in which nothing that a person wrote steers the model.

Its chat address tokenizes the whole conversation with control words. So one with such a word in a
message is put together here, and goes to the address for plain prompts as a list of tokens and
texts: control words of the template as their tokens, everything else as text that holds none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from patchbay.nodes.models.control_words import pieces, split_words
from patchbay.nodes.models.template import CHATML, render
from patchbay.nodes.weights.gguf_vocabulary import Vocabulary


def plain_prompt(
    chat: list[dict[str, Any]],
    vocabulary: Vocabulary | None,
    template: str | None,
    given: Mapping[str, Any],
) -> list[int | str] | None:
    """The prompt as tokens and texts; None where the conversation holds no control word.

    Args:
        chat: role and content of each message.
        vocabulary: the model's, where its file says it.
        template: a chat template in place of the file's own.
        given: variables for the template.

    Raises:
        NodeError: the template does not take this conversation.
    """
    if vocabulary is None:
        return None
    own = template or vocabulary.template or CHATML  # as llama.cpp does
    marked = split_words(chat, vocabulary.words)
    if marked is None:
        return None
    words = {"bos_token": vocabulary.begin_word, "eos_token": vocabulary.end_word}
    prompt = _tokens_and_texts(render(own, marked, **words, **given), vocabulary)
    if vocabulary.begin is not None and prompt[0] != vocabulary.begin:
        prompt.insert(0, vocabulary.begin)
    return prompt


def _tokens_and_texts(text: str, vocabulary: Vocabulary) -> list[int | str]:
    by_length = sorted(vocabulary.words, key=len, reverse=True)
    control = re.compile("|".join(map(re.escape, by_length)))
    prompt: list[int | str] = []
    at = 0
    for found in control.finditer(text):
        prompt += pieces(text[at : found.start()])
        prompt.append(vocabulary.words[found[0]])
        at = found.end()
    return [*prompt, *pieces(text[at:])]
