"""Every backend of a chat model passes the suite that all of them must pass."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.paths import ROOT

MODELS = ROOT / "nodes" / "models"
TESTS = Path(__file__).parent
BASES = ("ModelSpec", "SampledModel", "ServedModel")
SHARED = "options.py"
"""Where the bases are; nobody opens those."""


def described() -> Iterator[tuple[str, Path]]:
    """The descriptions of chat models that a backend declares, and where; of a backend that is made
    out of another one, both."""
    bases: dict[str, set[str]] = {}
    files: dict[str, Path] = {}
    for path in MODELS.rglob("*.py"):
        for made in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(made, ast.ClassDef):
                bases[made.name] = {base.id for base in made.bases if isinstance(base, ast.Name)}
                files[made.name] = path
    found, more = set(BASES), set(BASES)
    while more:
        more = {name for name, its in bases.items() if its & found} - found
        found |= more
    for name in sorted(found & bases.keys()):
        if files[name].name != SHARED:
            yield name, files[name]


def sources() -> str:
    """The source of all files that subclass `ModelConformance`, and of the fixtures beside them."""
    found = [path for path in TESTS.rglob("test_*.py") if "(ModelConformance)" in path.read_text()]
    fixtures = {path.with_name("conftest.py") for path in found}
    return "\n".join(path.read_text() for path in [*found, *fixtures] if path.exists())


def test_every_description_of_a_chat_model_has_a_conformance_class() -> None:
    source = sources()
    missing = [f"{name} of {path.relative_to(ROOT)}" for name, path in described()
               if f"{name}(" not in source]  # fmt: skip
    assert missing == [], "subclass ModelConformance in the tests of the backend"


def test_there_are_backends_to_look_at() -> None:
    assert {"GgufModel", "TransformersModel", "OllamaModel"} <= {name for name, _ in described()}
