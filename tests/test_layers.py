"""Imports point downward only: studio → flows → nodes. Read from the source; nothing is run."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("nodes", "flows", "studio")
"""From the bottom up. A layer may import itself and what stands before it."""

NOT_CONCRETE = (
    "patchbay.nodes.weights.resolve",
    "patchbay.nodes.weights.manifest",
    "patchbay.nodes.weights.refs",
)
"""The command `patchbay models` manages weights, which are no node."""

HEAVY = {
    "langchain", "langchain_core", "xllamacpp", "sqlalchemy", "numpy", "networkx", "httpx",
    "streamlit", "torch", "transformers", "chromadb", "llama_index", "bm25s", "pypdf", "bs4",
    "langchain_text_splitters", "crewai",
}  # fmt: skip


def imports(source: str, package: str = "") -> list[tuple[str, bool]]:
    """Every module that a source text imports, and whether loading the file imports it.

    Imports inside functions or under `if TYPE_CHECKING:` do not happen on loading.
    """
    found: list[tuple[str, bool]] = []

    def visit(node: ast.AST, loading: bool) -> None:
        if isinstance(node, ast.Import):
            found.extend((alias.name, loading) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            found.extend((f"{base}.{alias.name}", loading) for alias in node.names)
        inner = loading and not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
        )
        for child in ast.iter_child_nodes(node):
            visit(child, inner and not _type_checking(node))

    visit(ast.parse(source), True)
    return found


def _type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def files(layer: str) -> list[Path]:
    return [path for path in (ROOT / layer).rglob("*.py") if "node_modules" not in path.parts]


ALL_FILES = [path for layer in LAYERS for path in files(layer)]
every_file = pytest.mark.parametrize("path", ALL_FILES, ids=lambda p: str(p.relative_to(ROOT)))


def imported(path: Path) -> list[tuple[str, bool]]:
    package = ".".join(path.relative_to(ROOT).parent.parts)
    return imports(path.read_text(encoding="utf-8"), package)


@every_file
def test_imports_point_downward(path: Path):
    layer = path.relative_to(ROOT).parts[0]
    above = set(LAYERS[LAYERS.index(layer) + 1 :])
    upward = [name for name, _ in imported(path) if name.partition(".")[0] in above]
    assert upward == []


@pytest.mark.parametrize("path", files("flows"), ids=lambda p: str(p.relative_to(ROOT)))
def test_flows_knows_no_concrete_node(path: Path):
    """`flows` may know the modules of `nodes` itself, not the families inside it."""
    families = {folder.name for folder in (ROOT / "nodes").iterdir() if folder.is_dir()}
    concrete = [
        name
        for name, _ in imported(path)
        if name.startswith("nodes.")
        and name.split(".")[1] in families | {"builtin"}
        and not name.startswith(NOT_CONCRETE)
    ]
    assert concrete == []


@pytest.mark.parametrize(
    "path", [*files("nodes"), *files("flows")], ids=lambda p: str(p.relative_to(ROOT))
)
def test_heavy_libraries_are_imported_where_they_are_used(path: Path):
    """Files that subclass a heavy library's class are only imported where they are used."""
    heavy = [
        name for name, loading in imported(path) if loading and name.partition(".")[0] in HEAVY
    ]
    assert heavy == [] or str(path.relative_to(ROOT)) in LOADED_LATE


LOADED_LATE = {
    "nodes/agents/crew_llm.py", "nodes/agents/react_loop.py", "nodes/agents/tool_calling.py",
    "nodes/models/transformers/attach.py", "nodes/models/transformers/chat.py",
    "nodes/models/fallback/chat.py", "nodes/models/llama/chat.py", "nodes/models/llama/engine.py",
    "nodes/models/servers/chat.py", "nodes/models/servers/embeddings.py", "nodes/models/streaming.py",
    "nodes/retrieval/encoder.py", "nodes/retrieval/open_retriever.py",
}  # fmt: skip


def test_what_is_loaded_late_is_never_imported_on_loading():
    late = {name.removesuffix(".py").replace("/", ".") for name in LOADED_LATE}
    eager = [
        (str(path.relative_to(ROOT)), name)
        for path in ALL_FILES
        if str(path.relative_to(ROOT)) not in LOADED_LATE
        for name, loading in imported(path)
        if loading and any(name == module or name.startswith(module + ".") for module in late)
    ]
    assert eager == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import patchbay.flows.runs.engine", [("patchbay.flows.runs.engine", True)]),
        ("from flows import run", [("flows.run", True)]),
        ("from ..flows import run", [("flows.run", True)]),
        ("def f():\n    import numpy", [("numpy", False)]),
        ("async def f():\n    async with a:\n        import numpy", [("numpy", False)]),
        ("if TYPE_CHECKING:\n    import numpy", [("numpy", False)]),
        ("class A:\n    import numpy", [("numpy", True)]),
        ("try:\n    import numpy\nexcept ImportError: pass", [("numpy", True)]),
    ],
)
def test_the_reader_of_imports(source, found):
    assert imports(source, "patchbay.nodes.text") == found or imports(source, "nodes") == found
