"""Broken and hostile files: a clear error, or a flow that opens as far as it can. Nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from patchbay.flows.cli.app import build
from patchbay.flows.document.reading import MAX_BYTES, read_flow, read_text
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.exchange.imports.params import READERS
from patchbay.flows.exchange.imports.plain_yaml import parse_yaml
from patchbay.flows.exchange.imports.reading import import_bytes, import_data
from patchbay.flows.exchange.imports.template import Var, from_html, pieces
from patchbay.flows.exchange.imports.zod import ZodError, schema_of_zod
from patchbay.flows.problems import FlowError
from tests.flows.exchange.importing import CATALOG, chatflow, langflow


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "file/not-json"),
        (b"{", "file/not-json"),
        (b"[" * 200 + b"]" * 200, "file/too-deep"),
        (b'{"a": 1, "a": 2}', "file/duplicate-key"),
        (b"{}", "import/unknown"),
        (b'{"nodes": []}', "import/unknown"),
        (b'{"nodes": 7, "edges": 7}', "import/unknown"),
        (b'{"format": 1, "nodes": []}', "import/unknown"),
        (b"\xff\xfe{}", "file/not-utf8"),
        (b" " * (MAX_BYTES + 1), "file/too-large"),
        (b"a: [1, 2", "file/not-yaml"),
        (b"a: !!python/object/apply:os.system [true]", "file/not-yaml"),
        (b"just words", "import/unknown"),
    ],
)
def test_a_file_that_is_none_is_refused_in_words(data: bytes, code: str):
    with pytest.raises(FlowError) as error:
        import_bytes(data, "file.json", CATALOG)
    assert error.value.problems[0].code == code
    assert error.value.problems[0].fix


def test_references_that_multiply_are_refused():
    lines = ["b0: &b0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"b{n}: &b{n} [{', '.join([f'*b{n - 1}'] * 10)}]" for n in range(1, 8)]
    with pytest.raises(FlowError, match="multiply"):
        parse_yaml("\n".join(lines).encode())
    with pytest.raises(FlowError):
        parse_yaml(b"a: &a [*a]")


ODD: list[Any] = [
    None,
    7,
    True,
    "text",
    [],
    {},
    [{}],
    [None],
    {"x": {"y": [1]}},
    "{{a.data.instance}}",
]


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_wrong_types_anywhere_open_as_far_as_they_can(odd: Any):
    flow = chatflow({"a": ("chatOpenAI", {"modelName": odd, "temperature": odd, "memory": odd})})
    flow["nodes"] += [
        odd,
        {"id": odd, "data": odd},
        {"id": "b", "data": {"name": odd, "inputs": odd}},
    ]
    flow["edges"] += [
        odd,
        {"source": odd, "target": odd},
        {"source": "a", "target": "b", "sourceHandle": odd},
    ]
    flow["nodes"][0]["position"] = odd
    for one in import_data(flow, "odd", CATALOG):
        assert read_text(canonical_text(one.flow)) == one.flow

    other = langflow({"a": ("Agent", {"model": {"value": odd}, "tools": {"value": odd}})})
    other["data"]["nodes"] += [odd, {"id": "b", "data": {"type": odd, "node": odd}}]
    other["data"]["edges"] += [odd, {"source": odd, "data": odd}]
    for one in import_data(other, "odd", CATALOG):
        assert read_text(canonical_text(one.flow)) == one.flow


def test_circles_and_doubled_ids_are_kept_for_the_rules_to_tell():
    flow = chatflow(
        {"a": ("llmChain", {}), "b": ("llmChain", {})},
        ["a.llmChain > b.prompt", "b.llmChain > a.prompt"],
    )
    flow["nodes"].append(flow["nodes"][0])
    (one,) = import_data(flow, "circle", CATALOG)
    assert len([node for node in one.flow.nodes if node.kind == "model.ask"]) == 2


def test_values_handed_in_a_circle_end():
    flow = chatflow(
        {
            "a": ("queryEngine", {}),
            "b": ("queryEngine", {}),
            "t": ("queryEngineToolLlamaIndex", {}),
        },
        [
            "a.x > b.vectorStoreRetriever",
            "b.x > a.vectorStoreRetriever",
            "a.x > t.baseQueryEngine",
        ],
    )
    assert list(import_data(flow, "circle", CATALOG))


def test_ids_with_blanks_and_texts_of_any_length():
    flow = chatflow({"a b-c.d": ("promptTemplate", {"template": "x{y}" * 30_000})})
    (one,) = import_data(flow, "long", CATALOG)
    assert len(one.flow.node("prompttemplate").params["template"]) > 100_000


def test_a_text_is_read_once():
    text = "{{question}} {question} {{other}} {{ x }"
    assert pieces(text, "braces", lambda name: name == "question") == [
        Var("question", double=True), " ", Var("question"), " {other} { x }",
    ]  # fmt: skip
    assert pieces("{#if} {1} {}", "braces") == ["{#if} {1} {}"]


def test_only_what_begins_with_a_block_is_html():
    assert from_html("a < b & c") == "a < b & c"
    assert (
        from_html("<p>Hi <strong>you</strong></p><ul><li>a &lt; b</li></ul>") == "Hi you\n- a < b"
    )
    assert from_html("<xml>kept</xml>") == "<xml>kept</xml>"


@pytest.mark.parametrize(
    "source",
    ["", "z", "fetch('x')", "z.object({a: z.string().refine(() => 1)})", "z.object({" * 50],
)
def test_zod_that_is_more_than_data_is_refused(source: str):
    with pytest.raises(ZodError):
        schema_of_zod(source)


@pytest.mark.parametrize("reader", sorted(READERS))
@pytest.mark.parametrize("odd", [*ODD, "1e999", float("nan"), 10**30, "  ", "-5"], ids=str)
def test_no_reader_raises(reader: str, odd: Any):
    READERS[reader](odd)


def patchbay(*arguments: str) -> Any:
    return CliRunner().invoke(build("import"), ["import", *arguments])


def test_the_command_writes_the_flow_and_tells(tmp_path: Path):
    export = tmp_path / "chat.json"
    export.write_text(json.dumps(chatflow({"a": ("calculator", {})})), encoding="utf-8")
    said = patchbay(str(export), "-o", str(tmp_path / "flow.json"))
    assert said.exit_code == 0
    assert "1 mapped" in said.output
    assert [node.kind for node in read_flow(tmp_path / "flow.json").nodes] == ["tool.calculator"]
    said = patchbay(str(export), "--json", "-o", str(tmp_path / "flow.json"))
    assert json.loads(said.stdout)[0]["entries"][0]["status"] == "mapped"
