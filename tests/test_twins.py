"""No function stands twice, and none for nothing: what two files do alike to the letter, one of
them does for both, and what tests alone use is gone."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict

from tests.paths import ROOT
from tests.test_names import sources

LEAST = 60
"""Characters of a body below which two may be alike by chance."""

MAY_STAND_TWICE: dict[frozenset[str], str] = {}


def _may(why: str, *places: str) -> None:
    MAY_STAND_TWICE[frozenset(places)] = why


_may("a list of what a server has, by another client", "nodes/models/servers/ollama/node.py models",
     "nodes/models/servers/ollama/embeddings_node.py models")  # fmt: skip
_may("likewise", "nodes/models/servers/openai/node.py models",
     "nodes/models/servers/openai/embeddings_node.py models")  # fmt: skip
_may("a class that the other cannot see", "nodes/models/servers/ollama/host.py server_of",
     "nodes/models/servers/openai/client.py server_of")  # fmt: skip
_may("two nodes of one shape", "nodes/training/checked_data.py run",
     "nodes/training/preference_data.py run")  # fmt: skip
_may("reads another part of a file", "nodes/weights/gguf_header.py read_header",
     "nodes/weights/gguf_vocabulary.py read_vocabulary")  # fmt: skip
_may("another group of entry points", "nodes/semantic_kernel/plugins.py declared",
     "nodes/tools/functions.py declared")  # fmt: skip
_may("workers of other classes", "flows/batch/on_ray.py processes",
     "flows/cluster/flows.py processes")  # fmt: skip
_may("the two ends of a line know each other's form alone", "flows/server/workers/line.py send",
     "flows/server/workers/model_host.py send")  # fmt: skip
_may("a summary", "nodes/encoders/clip_node.py summary", "nodes/encoders/fill_mask.py summary")
_may("a summary", "nodes/prompts/template.py summary", "nodes/semantic_kernel/prompt.py summary")
_may("another super()", "nodes/models/form.py sampling", "nodes/models/llama/spec.py sampling")
_may("LangChain's face before another line", "nodes/models/hosted/chat.py embed_documents",
     "nodes/retrieval/far.py embed_documents")  # fmt: skip
_may("likewise", "nodes/models/hosted/chat.py embed_query", "nodes/retrieval/far.py embed_query")
_may("another form", "flows/exchange/mermaid.py to_mermaid", "flows/exchange/text.py to_text")


def twins(files: dict[str, str]) -> set[frozenset[str]]:
    """Where functions have the same body, docstrings aside."""
    found: dict[str, set[str]] = defaultdict(set)
    for file, text in files.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                body = node.body[ast.get_docstring(node) is not None :]
                said = "\n".join(map(ast.unparse, body))
                if len(said) >= LEAST and not said.startswith("raise NotImplementedError"):
                    found[said].add(f"{file} {node.name}")
    return {
        frozenset(places)
        for places in found.values()
        if len({place.partition(" ")[0] for place in places}) > 1
    }


def test_no_function_stands_in_two_files() -> None:
    found = twins(sources())
    new = [sorted(places) for places in found - MAY_STAND_TWICE.keys()]
    assert new == [], "have one of them for both, in the lowest room that all of them see"
    assert MAY_STAND_TWICE.keys() - found == set(), "these do not stand twice any more"


def test_twins_are_found_whatever_they_are_called() -> None:
    body = "return sorted([one.strip() for one in given if one], key=len, reverse=True)"
    files = {
        "a.py": f'def first(given):\n    """Says more."""\n    {body}',
        "b.py": f"class B:\n    def other(given):\n        {body}",
        "c.py": "def short(): return 1",
        "d.py": "def short(): return 1",
    }
    assert twins(files) == {frozenset({"a.py first", "b.py other"})}


def used_by_nobody(files: dict[str, str], others: str) -> set[str]:
    """Functions and classes of modules that no other line of the product or its pages names."""
    said = Counter(word for text in [*files.values(), others] for word in WORD.findall(text))
    return {
        f"{file} {made.name}"
        for file, text in files.items()
        for made in ast.parse(text).body
        if isinstance(made, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        and not made.decorator_list
        and said[made.name] == 1
    }


WORD = re.compile(r"[A-Za-z_]\w*")
PAGES = ("CONTRIBUTING.md", "README.md", "pyproject.toml", "docs/*.md", "bench/*.py")
"""Where what is for people and plugins stands."""


def test_what_tests_alone_use_is_not_there() -> None:
    others = (path for pattern in PAGES for path in ROOT.glob(pattern))
    text = "\n".join(path.read_text("utf-8") for path in others)
    assert used_by_nobody(sources(), text) == set()


def test_what_nobody_uses_is_found() -> None:
    files = {"a.py": "def one(): ...\ndef two(): return one()\nclass Three: ..."}
    assert used_by_nobody(files, "`Three` is for plugins") == {"a.py two"}
