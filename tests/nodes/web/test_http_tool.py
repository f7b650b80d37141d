"""One request as a tool: the model fills the variables and nothing else."""

from __future__ import annotations

import pytest

from patchbay.nodes.testing import RecordingContext
from patchbay.nodes.values import SecretRef, decode, encode
from patchbay.nodes.web.http_tool import HttpAsTool, HttpTool
from tests.nodes.tools.kit import tool_of
from tests.nodes.web.conftest import Site


def settings(site: Site) -> dict[str, object]:
    return {
        "method": "POST", "url": f"{site.url}/items/{{id}}", "body": "json", "name": "set_item",
        "json_body": {"count": "{count}"}, "allow_loopback": True,
        "auth": "bearer", "secret": {"secret": "KEY"},
    }  # fmt: skip


async def test_the_arguments_are_the_variables(site: Site):
    site.says("/items/7", '{"ok": true}')
    tool = tool_of(HttpAsTool, settings(site))
    assert isinstance(tool, HttpTool)
    assert tool.key == SecretRef(secret="KEY")
    opened = tool.bind(RecordingContext(secrets={"KEY": "k"}))
    assert list(opened.args) == ["id", "count"]
    assert await opened.ainvoke({"id": "7", "count": "3"}) == '{"ok": true}'
    assert site.asked[0].body == b'{"count": "3"}'
    assert site.asked[0].headers["authorization"] == "Bearer k"


async def test_a_status_that_says_no_is_told(site: Site):
    site.says("/items/7", "gone", 410, Content_Type="text/plain")
    opened = tool_of(HttpAsTool, settings(site)).bind(RecordingContext(secrets={"KEY": "k"}))  # type: ignore[attr-defined]
    with pytest.raises(Exception, match="Status 410: gone"):
        await opened.ainvoke({"id": "7", "count": "3"})


def test_the_description_can_be_stored(site: Site):
    tool = tool_of(HttpAsTool, settings(site))
    assert decode(encode(tool), {HttpTool.tag(): HttpTool}) == tool
