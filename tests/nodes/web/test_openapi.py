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
from patchbay.nodes.web.openapi import OpenApiNode
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
    from patchbay.nodes.web.operations import NotOpenApi, parse

    with pytest.raises(NotOpenApi):
        parse("paths: !!python/object/apply:os.system ['true']")


@pytest.mark.parametrize("params", [{"auth": "bearer"}, {"base_url": "ftp://x"}, {"code": "1"}])
def test_bad_settings_are_refused(params: dict[str, Any]):
    with pytest.raises(ValidationError):
        OpenApiNode.Params.model_validate(params)
