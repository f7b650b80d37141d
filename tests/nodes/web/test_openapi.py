"""OpenAPI tools: a document as data, its operations against a real server."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.agents.toolbox import open_tools
from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.web.api_document import NotOpenApi, parse
from patchbay.nodes.web.openapi import OpenApiNode, OpenApiParams, read_document
from patchbay.nodes.web.operations import ApiOperation, listed, operation
from tests.nodes.tools.kit import tool_of
from tests.nodes.web.conftest import Site

DOCUMENT = """
openapi: 3.0.3
info: {title: Shop, version: "1"}
servers: [{url: "{site}/v1"}]
paths:
  /items/{id}:
    parameters: [{$ref: "#/components/parameters/Id"}]
    get:
      operationId: getItem
      summary: One item.
      parameters:
        - {name: fields, in: query, schema: {type: array, items: {type: string}}}
        - {name: X-Trace, in: header, schema: {type: string}}
        - {name: id, in: query, schema: {type: string}, description: Another id.}
    delete: {operationId: deleteItem}
  /items:
    post:
      requestBody:
        required: true
        content: {application/json: {schema: {$ref: "#/components/schemas/Item"}}}
components:
  parameters:
    Id: {name: id, in: path, required: true, schema: {type: string}}
  schemas:
    Item:
      type: object
      required: [name]
      properties: {name: {type: string}, parent: {$ref: "#/components/schemas/Item"}}
"""


async def opened(
    folder: Path, stack: AsyncExitStack, text: str = DOCUMENT, site: str = "http://127.0.0.1:9",
    **params: Any,
) -> dict[str, Any]:  # fmt: skip
    (folder / "shop.yaml").write_text(text.replace("{site}", site))
    spec = tool_of(OpenApiNode, {"document": "shop.yaml", "allow_loopback": True, **params})
    ctx = RecordingContext(folder=folder, secrets={"K": "k-1"})
    return await open_tools([spec], ctx, stack)


async def test_reading_operations_become_tools(tmp_path: Path, site: Site):
    site.says("/v1/items/a%2Fb", '{"name": "tea"}')
    async with AsyncExitStack() as stack:
        tools = await opened(tmp_path, stack, site=site.url)
        assert list(tools) == ["get_item"]
        tool = tools["get_item"]
        assert tool.description == "One item."
        assert set(tool.args) == {"id", "fields", "X_Trace", "query_id"}
        given = {"id": "a/b", "fields": ["x", "y"], "X_Trace": "t", "query_id": "7"}
        assert await tool.ainvoke(given) == '{"name": "tea"}'
    [call] = site.asked
    assert call.path == "/v1/items/a%2Fb?fields=x&fields=y&id=7"
    assert call.headers["x-trace"] == "t"


async def test_those_that_change_something_only_where_they_may(tmp_path: Path, site: Site):
    site.says("/v1/items", "{}")
    async with AsyncExitStack() as stack:
        settings = {"writes": True, "auth": "bearer", "secret": {"secret": "K"}}
        tools = await opened(tmp_path, stack, site=site.url, **settings)
        assert list(tools) == ["get_item", "delete_item", "post_items"]
        schema = tools["post_items"].args["body"]
        assert schema["required"] == ["name"]
        assert "name" in schema["properties"]["parent"]["properties"]
        await tools["post_items"].ainvoke({"body": {"name": "tea"}})
        with pytest.raises(NodeError, match="Status 404"):
            await tools["delete_item"].ainvoke({"id": ".."})
    first, second = site.asked
    assert json.loads(first.body) == {"name": "tea"}
    assert first.headers["authorization"] == "Bearer k-1"
    assert second.path == "/v1/items/%2E%2E"


@pytest.mark.parametrize(
    ("change", "params", "words"),
    [
        ({}, {"only": ["nope"]}, "no operation 'nope'; there are: get_item, delete_item"),
        ({}, {"only": ["delete_item"]}, "changes something"),
        ({}, {"document": "none.yaml"}, "cannot be read"),
        ({}, {"document": ""}, "No document"),
        ({"openapi: 3.0.3": "swagger: '2.0'"}, {}, "not of OpenAPI 3"),
        ({"paths:": "ways:"}, {}, "no `paths`"),
        ({"openapi: 3.0.3": "{[}"}, {}, "neither JSON nor YAML"),
        ({"#/components/parameters/Id": "#/components/nothing"}, {}, "leads nowhere"),
        ({"#/components/parameters/Id": "https://evil.example/x"}, {}, "out of the document"),
        ({"#/components/parameters/Id": "file:///etc/passwd"}, {}, "out of the document"),
        ({"{site}/v1": "/v1"}, {}, "names no address"),
    ],
)
async def test_what_cannot_be_used_is_said(
    tmp_path: Path, change: dict[str, str], params: dict[str, Any], words: str
):
    text = DOCUMENT
    for old, new in change.items():
        text = text.replace(old, new)
    async with AsyncExitStack() as stack:
        with pytest.raises(NodeError, match=words) as failure:
            await opened(tmp_path, stack, text, **params)
    assert failure.value.code == "openapi/document"


def test_yaml_makes_no_objects(tmp_path: Path):
    with pytest.raises(NotOpenApi):
        parse("paths: !!python/object/apply:os.system ['true']")


@pytest.mark.parametrize("params", [{"auth": "bearer"}, {"base_url": "ftp://x"}, {"code": "1"}])
def test_bad_settings_are_refused(params: dict[str, Any]):
    with pytest.raises(ValidationError):
        OpenApiNode.Params.model_validate(params)


def described(paths: Any, **more: Any) -> dict[str, Any]:
    return {"openapi": "3.1.0", "paths": paths, "servers": [{"url": "https://a.example"}], **more}


def all_of(data: dict[str, Any]) -> list[ApiOperation]:
    return [operation(data, one) for one in listed(data)]


PLAIN = {"/a": {"get": {"operationId": "a"}}}
BODY = {"/a": {"post": {"operationId": "a", "requestBody": {"content": None}}}}


@pytest.mark.parametrize(
    "data",
    [
        described({"/a": {"parameters": None, "get": {"operationId": "a", "parameters": None}}}),
        described({"/a": {"parameters": 3, "get": {"operationId": "a", "parameters": [None, 3]}}}),
        described(BODY),
        described({"/a": {"post": {"operationId": "a", "requestBody": []}}}),
        described({"/a": {"get": {"operationId": "a", "parameters": [{"in": "query"}]}}}),
        described(
            {"/a": {"get": {"operationId": "a"}}}, servers=[{"url": 3, "variables": {"x": 1}}]
        ),
        described({"/a": {"get": {"operationId": "a"}}}, servers={"url": "x"}),
    ],
)
def test_what_stands_in_a_wrong_place_counts_as_nothing(data: dict[str, Any]):
    [one] = all_of(data)
    assert one.name == "a"
    assert one.schema()["properties"] in ({}, {"body": {}})


@pytest.mark.parametrize("key", ["application/json", "application/json; charset=utf-8", 5])
def test_the_content_of_a_body_may_be_nothing(key: Any):
    body = {"content": {key: None}}
    [one] = all_of(described({"/a": {"post": {"operationId": "a", "requestBody": body}}}))
    assert one.body == ({} if isinstance(key, str) else None)


def test_an_operation_that_takes_no_json_is_left_out_unless_it_is_named(tmp_path: Path):
    form = {"required": True, "content": {"multipart/form-data": {"schema": {}}}}
    paths = {
        "/a": {"get": {"operationId": "ok"}, "post": {"operationId": "up", "requestBody": form}}
    }
    (tmp_path / "d.json").write_text(json.dumps(described(paths)))
    params = OpenApiParams(document="d.json", writes=True)
    assert [one.name for one in read_document(params, tmp_path)] == ["ok"]
    with pytest.raises(NodeError, match="'up' takes multipart/form-data, and only JSON"):
        read_document(params.model_copy(update={"only": ["ok", "up"]}), tmp_path)


def test_types_that_refer_to_each_other_many_times_over_stay_small():
    """Interfaces of payments and of repositories are described so."""
    schemas = {
        f"s{i}": {
            "type": "object",
            "properties": {f"p{j}": {"$ref": f"#/components/schemas/s{j}"} for j in range(12)},
        }
        for i in range(12)
    }
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/s0"}}}}
    paths = {"/a": {"post": {"operationId": "a", "requestBody": body}}}
    [one] = all_of(described(paths, components={"schemas": schemas}))
    assert len(json.dumps(one.schema())) < 200_000
    assert one.schema()["properties"]["body"]["properties"]["p3"]["type"] == "object"


def test_values_that_stand_in_many_places_do_not_grow():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    data = parse("openapi: 3.0.0\npaths: {}\n" + "\n".join(lines))
    parameter = {"in": "query", "name": "q", "schema": {"type": "string", "default": data["a8"]}}
    [one] = all_of(described({"/a": {"get": {"operationId": "a", "parameters": [parameter]}}}))
    assert len(json.dumps(one.schema())) < 100_000


def test_what_yaml_knows_and_json_does_not_becomes_text():
    text = """
openapi: 3.0.0
paths:
  /a:
    get:
      operationId: a
      parameters:
        - in: query
          name: d
          schema: {type: string, default: 2026-11-29, enum: [2026-11-29, .nan]}
"""
    [one] = all_of(parse(text))
    schema = json.loads(json.dumps(one.schema(), allow_nan=False))["properties"]["d"]
    assert schema == {"type": "string", "default": "2026-11-29", "enum": ["2026-11-29", "nan"]}


def test_a_path_says_what_it_needs_even_where_nobody_declares_it():
    shared = {"x": {"parameters": [{"in": "query", "name": "q"}], "get": {"operationId": "g"}}}
    data = described(
        {"/a/{id}": {"$ref": "#/components/pathItems/x"}}, components={"pathItems": shared}
    )
    [one] = all_of(data)
    assert one.schema()["required"] == ["id"]
    assert set(one.schema()["properties"]) == {"id", "q"}
    with pytest.raises(NodeError, match="g needs id") as failure:
        one.call("https://a.example", {"q": "x"})
    assert failure.value.code == "tool/failed"
    assert one.call("https://a.example", {"id": "7"}).url == "https://a.example/a/7"


def test_operations_of_one_name_stay_apart():
    paths = {"/a": {"get": {"operationId": "getUser"}}, "/b": {"get": {"operationId": "get_user"}}}
    assert [(one.name, one.path) for one in all_of(described(paths))] == [
        ("get_user", "/a"), ("get_user_2", "/b"),
    ]  # fmt: skip


def test_of_a_large_interface_some_are_taken(tmp_path: Path):
    paths = {f"/p{n}": {"get": {"operationId": f"get{n}"}} for n in range(900)}
    (tmp_path / "d.json").write_text(json.dumps(described(paths)))
    with pytest.raises(NodeError, match="It has 900 operations, and at most 200"):
        read_document(OpenApiParams(document="d.json"), tmp_path)
    chosen = OpenApiParams(document="d.json", only=["get7", "get899"])
    assert [one.path for one in read_document(chosen, tmp_path)] == ["/p7", "/p899"]


async def test_arguments_that_langchain_keeps_for_itself_arrive(tmp_path: Path, site: Site):
    names = ["config", "self", "run_manager"]
    given = [{"in": "query", "name": name} for name in names]
    paths = {"/a": {"get": {"operationId": "a", "parameters": given}}}
    site.says("/a", "{}")
    text = json.dumps(described(paths, servers=[{"url": site.url}]))
    async with AsyncExitStack() as stack:
        tools = await opened(tmp_path, stack, text)
        await tools["a"].ainvoke({name: f"my {name}" for name in names})
    assert site.asked[0].path == "/a?config=my+config&self=my+self&run_manager=my+run_manager"
