"""Imports point downward only, between layers and between rooms. Read from source, nothing is run.

Layers: studio → flows → nodes. A room is a folder inside a layer; a file beside the folders is a
room of its own. Rooms stand on floors, and no circle leads through them.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import networkx
import pytest

ROOT = Path(__file__).parent.parent
LAYERS = ("nodes", "flows", "studio")
"""From the bottom up. A layer may import itself and what stands before it."""

FLOORS = {
    "nodes": (
        ("text",),
        ("io", "tools", "logic"),
        ("weights", "guards"),
        ("models",),
        ("retrieval", "prompts"),
        ("techniques", "agents", "quantization", "records", "web", "mcp", "memory", "encoders"),
        ("evaluation", "people", "haystack", "media", "semantic_kernel", "llama_index"),
        ("training",),
    ),
    "flows": (
        ("document",),
        ("checks",),
        ("runs", "exchange"),
        ("cluster",),
        ("traces", "triggers", "experiments"),
        ("server", "batch"),
        ("cli",),
    ),
    "studio": (
        ("pictures",),
        ("documents",),
        ("runs",),
        ("server",),
        ("views",),
        ("inspector",),
        ("chat",),
        ("panels", "canvas"),
        ("screens",),
    ),
}
"""From the bottom up. A room may import itself, its layer's files, and lower floors."""

NOT_CONCRETE = (
    "patchbay.nodes.weights", "patchbay.nodes.models.asking", "patchbay.nodes.mcp.oauth",
    "patchbay.nodes.mcp.servers", "patchbay.nodes.mcp.sign_in", "patchbay.nodes.io.csv_table",
    "patchbay.nodes.models.hosted", "patchbay.nodes.text.markdown",
)  # fmt: skip
"""The command `patchbay models` manages weights, `patchbay mcp` signs in; the test kit asks models;
a batch reads tables; workers of a server have a process open what any description says; a server
parses Markdown for its chat page."""

HEAVY = {
    "langchain", "langchain_core", "xllamacpp", "sqlalchemy", "numpy", "networkx", "httpx",
    "streamlit", "torch", "transformers", "chromadb", "llama_index", "bm25s", "pdfplumber",
    "pdfminer", "mammoth", "selectolax", "langchain_text_splitters", "crewai", "jmespath", "duckdb",
    "mcp", "deepagents", "qdrant_client", "haystack", "semantic_kernel",
    "opentelemetry", "croniter",
    "trl", "peft", "datasets", "ray", "pyarrow", "openpyxl", "scipy",
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
        inner = inner and not _type_checking(node)
        for child in ast.iter_child_nodes(node):
            visit(child, inner)

    visit(ast.parse(source), True)
    return found


def _type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING")


def files(layer: str) -> list[Path]:
    return [path for path in (ROOT / layer).rglob("*.py") if "node_modules" not in path.parts]


ALL_FILES = [path for layer in LAYERS for path in files(layer)]


def wrong(rule: Callable[[Path], list[str]], among: Iterable[Path] = ALL_FILES) -> dict[str, list]:
    """What breaks a rule, file by file. One test goes through all files: to hand out and report
    a test for each of them takes more of the processor than to read them."""
    found = {str(path.relative_to(ROOT)): rule(path) for path in among}
    return {file: names for file, names in found.items() if names}


@cache
def imported(path: Path) -> list[tuple[str, bool]]:
    package = ".".join(["patchbay", *path.relative_to(ROOT).parent.parts])
    return imports(path.read_text(encoding="utf-8"), package)


def inside(name: str) -> list[str]:
    """The parts of the name of a module of ours, from its layer on; none for what is not ours."""
    package, _, rest = name.partition(".")
    return rest.split(".") if package == "patchbay" else []


def test_imports_point_downward():
    def upward(path: Path) -> list[str]:
        layer = path.relative_to(ROOT).parts[0]
        above = set(LAYERS[LAYERS.index(layer) + 1 :])
        return [name for name, _ in imported(path) if inside(name) and inside(name)[0] in above]

    assert wrong(upward) == {}


def test_modules_go_by_one_name():
    """`import nodes` in a checkout would make a second copy of every class."""

    def bare(path: Path) -> list[str]:
        return [name for name, _ in imported(path) if name.partition(".")[0] in LAYERS]

    assert wrong(bare, (path for path in ALL_FILES if path.parent.parent != ROOT)) == {}


def test_rooms_stand_on_floors():
    def upward(path: Path) -> list[str]:
        layer, *folders = path.relative_to(ROOT).parent.parts
        floors = FLOORS[layer]
        rooms = {room for floor in floors for room in floor}
        if not folders or folders[0] not in rooms:
            return []
        at = next(i for i, floor in enumerate(floors) if folders[0] in floor)
        allowed = {folders[0]}.union(*floors[:at])
        return [
            name
            for name, _ in imported(path)
            if (parts := inside(name)) and parts[0] == layer and len(parts) > 1
            if parts[1] in rooms and parts[1] not in allowed
        ]

    assert wrong(upward) == {}


def test_every_room_has_its_floor():
    for layer, floors in FLOORS.items():
        folders = {path.relative_to(ROOT / layer).parts[0] for path in files(layer)}
        folders = {name for name in folders if not name.endswith(".py")}
        assert folders == {room for floor in floors for room in floor}


def test_the_table_of_rooms_in_contributing_names_each_in_order() -> None:
    """Without the folder of the layer where a row has named it: `nodes/io`, `tools`."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    rows = page.partition("| where | what |")[2].partition("\n\n")[0].splitlines()[2:]
    told: dict[str, list[str]] = {layer: [] for layer in LAYERS}
    for row in rows:
        layer = ""
        for name in re.findall(r"`([\w/.]+)`", row.split("|")[1]):
            first, _, rest = name.strip("/").partition("/")
            layer, room = (first, rest) if first in LAYERS else (layer, first)
            told[layer].append(room)
    for layer, floors in FLOORS.items():
        rooms = [room for room in told[layer] if not room.endswith(".py")]
        height = {room: at for at, floor in enumerate(floors) for room in floor}
        assert sorted(rooms) == sorted(height), "the table under How the code is laid out"
        assert [height[room] for room in rooms] == sorted(height.values())


def test_no_circle_leads_through_rooms():
    graph = networkx.DiGraph()
    for path in ALL_FILES:
        here = room_of(path)
        for name, _ in imported(path):
            there = module_of(inside(name))
            if there is not None and room_of(there) != here:
                graph.add_edge(here, room_of(there))
    assert list(networkx.simple_cycles(graph)) == []


def room_of(path: Path) -> str:
    """The folder of a file; the file itself where it stands beside the folders."""
    relative = path.relative_to(ROOT)
    if len(relative.parts) <= 2:
        return str(relative.with_suffix(""))
    return str(relative.parent).removesuffix("/rules")


def module_of(parts: list[str]) -> Path | None:
    """The file that a dotted name lies in."""
    for end in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:end])
        for file in (place.with_suffix(".py"), place / "__init__.py"):
            if file.exists():
                return file
    return None


def test_flows_knows_no_concrete_node():
    """`flows` may know the modules of `nodes` itself, not the families inside it."""
    families = {folder.name for folder in (ROOT / "nodes").iterdir() if folder.is_dir()}

    def concrete(path: Path) -> list[str]:
        return [
            name
            for name, _ in imported(path)
            if (parts := inside(name)) and parts[0] == "nodes" and len(parts) > 1
            if parts[1] in families | {"builtin"} and not name.startswith(NOT_CONCRETE)
        ]

    assert wrong(concrete, files("flows")) == {}


def test_heavy_libraries_are_imported_where_they_are_used():
    """Files that subclass a heavy library's class are only imported where they are used."""

    def heavy(path: Path) -> list[str]:
        found = imported(path)
        return [name for name, loading in found if loading and name.partition(".")[0] in HEAVY]

    among = [path for path in ALL_FILES if path.relative_to(ROOT).parts[0] != "studio"]
    assert set(wrong(heavy, among)) - LOADED_LATE == set()


LOADED_LATE = {
    "nodes/agents/calls.py", "nodes/agents/crew_llm.py", "nodes/agents/heard.py",
    "nodes/agents/deep_calls.py", "nodes/agents/deep_files.py", "nodes/agents/deep_loop.py",
    "nodes/agents/deep_team.py", "nodes/agents/react_loop.py", "nodes/agents/tool_calling.py",
    "nodes/tools/any_arguments.py",
    "flows/server/mcp/flow_tools.py", "flows/server/mcp/stdio.py", "flows/server/mcp/tools.py",
    "flows/server/mcp/transport.py",
    "nodes/models/transformers/attach.py", "nodes/models/transformers/chat.py",
    "nodes/models/fallback/chat.py", "nodes/models/hosted/chat.py",
    "nodes/models/llama/chat.py", "nodes/models/llama/engine.py",
    "nodes/models/servers/chat.py", "nodes/models/servers/embeddings.py",
    "nodes/models/servers/ollama/chat.py", "nodes/models/servers/openai/stream.py",
    "nodes/models/servers/openai/plain_streams.py",
    "nodes/models/servers/openai/quick_post.py",
    "nodes/models/servers/reading.py", "nodes/models/servers/vllm/chat.py",
    "nodes/models/transformers/encoded.py", "nodes/models/transformers/vision.py",
    "nodes/models/streaming.py", "nodes/models/far.py", "nodes/records/jmes.py",
    "nodes/retrieval/open_store.py",
    "nodes/llama_index/engines.py", "nodes/llama_index/parts.py",
    "nodes/semantic_kernel/chat.py", "nodes/semantic_kernel/service.py",
    "nodes/haystack/build.py", "nodes/haystack/generator.py", "nodes/haystack/open_retriever.py",
    "nodes/haystack/open_generator.py",
    "nodes/encoders/clip.py", "nodes/retrieval/encoder.py", "nodes/retrieval/far.py",
    "nodes/retrieval/open_retriever.py",
}  # fmt: skip


def test_what_is_loaded_late_is_never_imported_on_loading():
    late = {f"patchbay.{name.removesuffix('.py').replace('/', '.')}" for name in LOADED_LATE}
    eager = [
        (str(path.relative_to(ROOT)), name)
        for path in ALL_FILES
        if str(path.relative_to(ROOT)) not in LOADED_LATE
        for name, loading in imported(path)
        if loading and any(name == module or name.startswith(module + ".") for module in late)
    ]
    assert eager == []


@pytest.mark.parametrize(
    ("source", "package", "found"),
    [
        ("import patchbay.flows.machine", "", [("patchbay.flows.machine", True)]),
        ("from patchbay.flows import run", "", [("patchbay.flows.run", True)]),
        ("from ..flows import run", "patchbay.nodes", [("patchbay.flows.run", True)]),
        ("from . import run", "patchbay.nodes.text", [("patchbay.nodes.text.run", True)]),
        ("def f():\n    import numpy", "", [("numpy", False)]),
        ("async def f():\n    async with a:\n        import numpy", "", [("numpy", False)]),
        ("if TYPE_CHECKING:\n    import numpy", "", [("numpy", False)]),
        ("class A:\n    import numpy", "", [("numpy", True)]),
        ("try:\n    import numpy\nexcept ImportError: pass", "", [("numpy", True)]),
    ],
)
def test_the_reader_of_imports(source, package, found):
    assert imports(source, package) == found
