"""One word, one meaning: no two public classes or types of one name, whatever module they are in.

A name that a reader meets in an error, an import or a search leads to one thing. What is nested in
a node is read with the node's name: `Params`, `Inputs`, `Outputs`.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.paths import ROOT

LAYERS = ("nodes", "flows", "studio")

MAY_SHARE: dict[str, str] = {}
"""A name that two modules may have, and why. Empty: find a better word before you add one."""


def declared(tree: ast.Module) -> Iterator[str]:
    """The public classes and types of a module: `class Name`, `Name = Literal[…]`, `type Name`."""
    for node in tree.body:
        match node:
            case ast.ClassDef(name=name):
                found = [name]
            case ast.Assign(targets=targets):
                found = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(target=ast.Name(id=name)):
                found = [name]
            case _:
                found = [node.name.id] if type(node).__name__ == "TypeAlias" else []
        yield from (name for name in found if name[0].isupper() and not name.isupper())


def twice(sources: dict[str, str]) -> dict[str, list[str]]:
    """Each name that more than one module declares, to those modules."""
    where: dict[str, list[str]] = defaultdict(list)
    for module, text in sources.items():
        for name in dict.fromkeys(declared(ast.parse(text))):
            where[name].append(module)
    return {name: modules for name, modules in where.items() if len(modules) > 1}


def sources() -> dict[str, str]:
    files = (file for layer in LAYERS for file in sorted((ROOT / layer).rglob("*.py")))
    return {
        file.relative_to(ROOT).as_posix(): file.read_text(encoding="utf-8")
        for file in files
        if "node_modules" not in file.parts
    }


def test_every_name_means_one_thing() -> None:
    shared = twice(sources())

    unexplained = [
        f"{name} is declared in {' and in '.join(modules)}. Give the later one a name of its own."
        for name, modules in shared.items()
        if name not in MAY_SHARE
    ]
    assert unexplained == []
    assert sorted(MAY_SHARE) == sorted(shared), "MAY_SHARE names what is shared no longer"


def test_no_two_test_files_hide_each_other() -> None:
    """Without an `__init__.py` beside them pytest knows files by their bare names."""
    bare = [
        file.name
        for file in (ROOT / "tests").rglob("test_*.py")
        if not file.with_name("__init__.py").exists()
    ]
    assert sorted(bare) == sorted(set(bare))


def begun_by_a_name(text: str, names: frozenset[str]) -> list[str]:
    """Sentences that begin with the name of a class where a word is meant: a class was renamed."""
    return [said[0] for said in SENTENCE.finditer(text) if said[1] in names]


SENTENCE = re.compile(r'"""([A-Z][a-z]+(?:[A-Z][a-z]+)+) [a-z][^"\n]*')


def test_no_sentence_begins_with_the_name_of_a_class() -> None:
    """`RowTokens of a row` for `Tokens of a row`: what renaming by search leaves behind."""
    files = sources()
    names = frozenset(name for text in files.values() for name in declared(ast.parse(text)))
    found = {file: said for file, text in files.items() if (said := begun_by_a_name(text, names))}
    assert found == {}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('"""RowTokens of a row."""', True),
        ('"""Tokens of a row."""', False),
        ('"""PyTorch is loaded."""', False),
        ('"""`RowTokens` of a row."""', False),
    ],
)
def test_a_renamed_word_is_found(text: str, found: bool) -> None:
    assert bool(begun_by_a_name(text, frozenset({"RowTokens"}))) is found


@pytest.mark.parametrize(
    "second",
    [
        "class Step: ...",
        "Step = dict[str, int]",
        "Step: TypeAlias = int",
        "class Step(Base):\n    class Params: ...",
    ],
)
def test_a_name_that_is_taken_is_found(second: str) -> None:
    assert twice({"a.py": "class Step: ...", "b.py": second}) == {"Step": ["a.py", "b.py"]}


@pytest.mark.parametrize(
    "second",
    [
        "class _Step: ...",
        "def f():\n    class Step: ...",
        "class Other:\n    class Step: ...",
        "from a import Step",
        "STEP = 1",
    ],
)
def test_what_is_private_nested_or_imported_is_not(second: str) -> None:
    assert twice({"a.py": "class Step: ...", "b.py": second}) == {}


def test_the_names_are_read_from_all_layers() -> None:
    read = {Path(module).parts[0] for module in sources()}
    assert read == set(LAYERS)


OTHERWISE = {
    r"\bmend(s|ed|ing)?\b": "fix",
    r"\bpatience\b": "wait",
    r"\bquirks?\b": "setup",
    r"\bloose_|_loose\b|Loose\b": "lenient",
    r"\bbelong(s|ed|ing)? into\b": "belongs in",
}
"""A word that we once used, or a turn that English does not have, to what is said instead."""
MAY_SAY = {
    ("nodes/training/generate_data.py", "mend"): "a question about a bicycle",
    ("nodes/techniques/structured_output.py", "mended"): "a prompt: another word, another answer",
    ("flows/exchange/imports/lower.py", "_loose"): "what is loose is tied to nothing",
}
"""Where a file may use one, and why."""
TOLD = (".py", ".ts", ".tsx", ".md")


def said_otherwise(text: str) -> list[tuple[str, str]]:
    """Words of a text that we have better ones for, and those."""
    return [
        (found[0], better)
        for sign, better in OTHERWISE.items()
        for found in re.finditer(sign, text, re.IGNORECASE if sign.islower() else 0)
    ]


def test_one_word_is_used_for_one_thing() -> None:
    files = [ROOT / name for name in ("README.md", "CONTRIBUTING.md")]
    for folder in (*LAYERS, "docs", "bench"):
        files += [path for path in sorted((ROOT / folder).rglob("*")) if path.suffix in TOLD]
    found = {
        (path.relative_to(ROOT).as_posix(), word): better
        for path in files
        if not {"node_modules", "texts"} & set(path.parts)
        for word, better in said_otherwise(path.read_text(encoding="utf-8"))
    }
    assert {where: better for where, better in found.items() if where not in MAY_SAY} == {}
    assert set(MAY_SAY) <= set(found), "MAY_SAY names what is said no longer"


@pytest.mark.parametrize("line", ["It belongs into a room.", "Mended.", "def parse_loose():"])
def test_such_a_word_is_found(line: str) -> None:
    assert said_otherwise(line)


SAY_NOTHING = ("words", "utils", "util", "helpers", "common", "misc", "base")
"""Names of files that fit anything, so that a second one of a layer says nothing."""


def test_no_two_files_of_a_layer_have_a_name_that_fits_anything() -> None:
    names = [path.split("/")[0] + " " + Path(path).stem for path in sources()]
    twice_there = {name for name in names if names.count(name) > 1}
    assert {name for name in twice_there if name.split()[1] in SAY_NOTHING} == set()
