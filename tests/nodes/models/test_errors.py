"""What goes wrong with models, in words."""

from __future__ import annotations

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models import errors


@pytest.mark.parametrize(
    ("error", "message", "fix", "retry"),
    [
        (
            errors.overflow(2031, 1024, trained=8192),
            "The prompt has 2,031 tokens, but the context holds 1,024.",
            "Raise the model's context, or shorten the prompt.",
            False,
        ),
        (
            errors.overflow(9000, 8192, trained=8192),
            "The prompt has 9,000 tokens, but the context holds 8,192.",
            "Shorten the prompt; this model takes no more than 8,192 tokens.",
            False,
        ),
        (
            errors.out_of_memory("The model 'x'", 3 * 2**30, 2**30),
            "The model 'x' needs about 3.2 GB of memory, but only 1.1 GB are free.",
            "Lower the context or the number of parallel requests, or take a smaller model.",
            False,
        ),
        (
            errors.unreachable("http://127.0.0.1:11434", "connection refused", "Run: ollama serve"),
            "Nothing answers at http://127.0.0.1:11434: connection refused.",
            "Run: ollama serve",
            True,
        ),
        (
            errors.unknown("smolm2", "Ollama", ["qwen3", "smollm2"]),
            "Ollama has no model 'smolm2'. It has qwen3, smollm2.",
            "Did you mean 'smollm2'?",
            False,
        ),
        (
            errors.unknown("gpt", "The server", [f"m{n}" for n in range(10)]),
            "The server has no model 'gpt'. It has m0, m1, m2, m3, m4, m5, m6, m7 and 2 more.",
            "Name a model that is there.",
            False,
        ),
        (
            errors.wrong_key("api.example.org", "EXAMPLE_KEY"),
            "api.example.org does not accept the key in the secret EXAMPLE_KEY.",
            "Set the secret to a key that is valid there.",
            False,
        ),
        (
            errors.rate_limited("api.example.org", 2.5),
            "api.example.org takes no more requests for now. It asks to wait 2.5 s.",
            "Wait, lower the number of requests at once, or give the node more retries.",
            True,
        ),
    ],
)
def test_each_says_what_happened_and_what_helps(
    error: NodeError, message: str, fix: str, retry: bool
) -> None:
    assert (error.message, error.fix, error.retry) == (message, fix, retry)
    assert error.code.startswith("model/")


def test_what_a_library_raised_is_put_into_words() -> None:
    def timeouts(error: BaseException) -> NodeError | None:
        return errors.unreachable("there") if isinstance(error, TimeoutError) else None

    late, other, mine = TimeoutError(), KeyError("x"), errors.closed()
    found = errors.in_words(late, timeouts)
    assert isinstance(found, NodeError)
    assert (found.code, found.__cause__) == ("model/unreachable", late)
    assert errors.in_words(other, timeouts) is other
    assert errors.in_words(mine, timeouts) is mine
    memory = errors.in_words(MemoryError(), timeouts)
    assert isinstance(memory, NodeError)
    assert memory.code == "model/memory"
