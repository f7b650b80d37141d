"""What a server says of itself: the description, the flows, pages, figures."""

from __future__ import annotations

from typing import Any

import httpx

from patchbay.flows.runs.results import WAYS
from tests.flows.server.serving import KEY, Served


def test_the_description(served: Served):
    told = served.http.get("/openapi.json").json()
    post = told["paths"]["/flows/typed/run"]["post"]
    schema = post["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["count"]
    assert schema["properties"]["count"] == {"type": "number"}
    assert schema["properties"]["colour"] == {
        "type": "string", "enum": ["red", "blue"], "default": "red"
    }  # fmt: skip
    assert schema["properties"]["stream"]["type"] == "string"  # the flow's own
    assert list(told["paths"]["/flows/size/run"]["post"]["requestBody"]["content"]) == [
        "multipart/form-data"
    ]
    ok = told["paths"]["/flows/shout/run"]["post"]["responses"]["200"]["content"]
    outputs = ok["application/json"]["schema"]["properties"]["outputs"]
    assert outputs["properties"] == {"answer": {"type": "string"}}


def test_outputs_are_typed_by_what_is_wired_into_them(served: Served):
    paths = served.http.get("/openapi.json").json()["paths"]

    def gives(flow: str) -> dict[str, Any]:
        told = paths[f"/flows/{flow}/run"]["post"]["responses"]["200"]["content"]
        return told["application/json"]["schema"]["properties"]["outputs"]["properties"]

    assert gives("typed")["count"] == {"type": "number"}
    assert gives("read")["answer"]["items"]["required"] == ["text"]
    assert {name: one.get("type") for name, one in gives("cites").items()} == {
        "answer": "string", "sources": "array"
    }  # fmt: skip
    assert gives("vectors") == {"embeddings": {}}  # of no form that is known


def test_what_is_sent_to_a_run_is_described_too(served: Served):
    paths = served.http.get("/openapi.json").json()["paths"]

    def takes(address: str) -> set[str]:
        body = paths["/runs/{run}" + address]["post"]["requestBody"]["content"]
        return set(body["application/json"]["schema"]["properties"])

    assert set(WAYS) | {"comment", "question", "who"} == takes("/answer")
    assert takes("/feedback") == {"rating", "comment"}
    assert "requestBody" not in paths["/runs/{run}/cancel"]["post"]


def test_the_flows(served: Served):
    found = {one["name"]: one for one in served.http.get("/flows").json()["flows"]}
    assert found["typed"]["inputs"][1]["choices"] == ["red", "blue"]
    assert found["approve"]["asks_people"]
    assert served.http.get("/flows/words").json() == found["words"]


def test_a_page_shows_them(served: Served):
    bare = httpx.Client(base_url=served.address, timeout=120)
    page = bare.get("/docs")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert bare.get("/assets/docs.js").status_code == 200
    assert bare.get("/assets/..%2fapp.py").status_code == 404


def test_figures_and_health(served: Served):
    served.run("words", {"question": "a b"})
    text = served.http.get("/metrics").text
    assert 'patchbay_runs_total{flow="words",status="finished"}' in text
    assert "patchbay_slots 8" in text
    assert httpx.get(f"{served.address}/health", timeout=120).json() == {"status": "ok"}
    assert httpx.get(f"{served.address}/metrics", timeout=120).status_code == 401
    assert KEY not in text
