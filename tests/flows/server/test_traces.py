"""Traces of served runs, what they cost, and the figures of both."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from mcp.client.session import ClientSession
from mcp.client.streamable_http import streamable_http_client
from openai import OpenAI

from patchbay.flows.document.writing import canonical_text
from patchbay.flows.server.core.keys import Keys, digest
from patchbay.flows.traces.sending import Traces
from tests.flows.server.flows import write
from tests.flows.server.serving import KEY, Served, events_in, serving
from tests.flows.traces.receiver import Collector, collecting
from tests.flows.traces.test_traces import PARENT, asks
from tests.nodes.models.servers.told_server import ToldServer, says, told

ADA = "pb_of-ada"
PRICES = """
[prices]
currency = "EUR"
[prices.models.told]
input = 100
output = 1000
"""


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


@pytest.fixture(scope="module")
def model() -> Iterator[ToldServer]:
    with told(says("Blue", ".")) as server:
        yield server


@pytest.fixture(scope="module")
def traced(
    tmp_path_factory: pytest.TempPathFactory, collector: Collector, model: ToldServer
) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("traced")
    home, flows = folder / "home", write(folder / "flows", "words", "approve", "fails")
    home.mkdir()
    (home / "settings.toml").write_text(PRICES, encoding="utf-8")
    (flows / "sky.json").write_text(canonical_text(asks(model)), encoding="utf-8")
    keys = folder / "keys.toml"
    keys.write_text(f'[ada]\nsha256 = "{digest(ADA)}"\nflows = ["words", "sky"]\n')
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATCHBAY_HOME", str(home))
        traces = Traces(collector.url)
        with serving(flows, keys=Keys(KEY, keys), traces=traces) as found:
            yield found


def sent(served: Served, collector: Collector, trace: str) -> list[str]:
    """The names of the spans of a trace, once they are there."""
    traces = served.service.traces
    assert traces is not None
    traces.flush()
    return [span.name for span in collector.spans if span.trace == trace]


def test_the_trace_is_told_in_header_and_json(traced: Served, collector: Collector):
    answer = traced.run("sky", {"question": "Why?"})
    trace = answer.json()["trace"]
    assert re.fullmatch(f"00-{trace}-[0-9a-f]{{16}}-01", answer.headers["traceparent"])
    assert "chat told" in sent(traced, collector, trace)


def test_the_callers_trace_goes_on(traced: Served, collector: Collector):
    answer = traced.run("words", {"question": "a"}, headers={"traceparent": PARENT})
    assert answer.json()["trace"] == PARENT[3:35]
    assert "invoke_workflow Words" in sent(traced, collector, PARENT[3:35])


def test_a_request_does_not_get_the_trace_of_the_one_before(traced: Served):
    """Both come over one connection."""
    traced.run("words", {"question": "a"}, headers={"traceparent": PARENT})
    assert traced.run("words", {"question": "a"}).json()["trace"] != PARENT[3:35]


def test_streams_and_background_runs_tell_it(traced: Served):
    streamed = traced.run("words", {"question": "a", "stream": True})
    assert streamed.headers["traceparent"]
    assert events_in(streamed.text)[-1][1] == "run_finished"
    behind = traced.run("words", {"question": "a", "background": True})
    trace = behind.json()["trace"]
    assert behind.headers["traceparent"].split("-")[1] == trace


def test_openais_clients_read_it_in_the_header(traced: Served, collector: Collector):
    client = OpenAI(base_url=f"{traced.address}/v1", api_key=KEY)
    asked = client.chat.completions.with_raw_response.create(
        model="sky", messages=[{"role": "user", "content": "Why?"}],
        extra_headers={"traceparent": PARENT},
    )  # fmt: skip
    assert asked.headers["traceparent"].split("-")[1] == PARENT[3:35]


def test_a_request_behind_another_is_not_in_its_trace(traced: Served):
    """Two in one piece: the second is begun where the first ends."""
    body = '{"question": "a b"}'
    lines = (
        "POST /flows/words/run HTTP/1.1", "Host: localhost", f"Authorization: Bearer {KEY}",
        f"Content-Length: {len(body)}",
    )  # fmt: skip
    first = "\r\n".join((*lines, f"traceparent: {PARENT}", "", body))
    second = "\r\n".join((*lines, "Connection: close", "", body))
    with socket.create_connection((traced.host, traced.port), timeout=120) as line:
        line.sendall((first + second).encode())
        told = b""
        while piece := line.recv(65_536):
            told += piece
    parents = re.findall(rb"traceparent: 00-([0-9a-f]{32})", told)
    assert parents[0].decode() == PARENT[3:35]
    assert parents[1] != parents[0]


async def test_mcps_clients_hand_theirs_on(traced: Served, collector: Collector):
    trace = "1" * 32
    headers = {"authorization": f"Bearer {KEY}", "traceparent": f"00-{trace}-{'2' * 16}-01"}
    async with (
        httpx.AsyncClient(headers=headers, timeout=120) as http,
        streamable_http_client(f"{traced.address}/mcp", http_client=http) as (read, write, _),
        ClientSession(read, write) as session,
    ):
        await session.initialize()
        result = await session.call_tool("words", {"question": "a"})
    assert not result.isError
    assert "invoke_workflow Words" in sent(traced, collector, trace)


def test_an_answered_run_goes_on_in_its_trace(traced: Served, collector: Collector):
    waits = traced.run("approve", {"mail": "x"}).json()
    done = traced.http.post(f"/runs/{waits['run']}/answer", json={"approve": True}).json()
    assert (done["status"], done["trace"]) == ("finished", waits["trace"])
    assert sent(traced, collector, waits["trace"]).count("invoke_workflow Approve") == 2


def test_a_run_that_never_began_has_an_end(traced: Served, collector: Collector):
    """A span without an end is never sent."""
    place = {"traceparent": f"00-{'4' * 32}-{'2' * 16}-01"}
    answer = traced.run("words", {"question": "a", "other": 1}, headers=place)
    assert answer.status_code == 400
    assert sent(traced, collector, "4" * 32) == ["invoke_workflow Words"]
    failed = traced.run("fails", {"text": "a"})
    assert failed.status_code == 500
    assert "invoke_workflow Fails" in sent(traced, collector, failed.json()["trace"])


def test_the_log_line_names_the_trace(traced: Served, caplog: pytest.LogCaptureFixture):
    caplog.set_level("INFO", "patchbay.serve")
    told = traced.run("sky", {"question": "Why?"}).json()
    (line,) = [r.message for r in caplog.records if told["run"] in r.message]
    assert f"trace={told['trace']}" in line
    assert "cost=0.0060 EUR" in line


def test_the_owner_is_told_what_it_cost(traced: Served):
    told = traced.run("sky", {"question": "Why?"}).json()
    assert told["cost"] == {"amounts": {"EUR": 0.006}}
    assert told["tokens"]["models"] == [
        {"model": "told", "prompt": 10, "cached": 0, "completion": 5}
    ]
    words = traced.run("words", {"question": "a"}).json()
    assert words["cost"] == {"amounts": {}, "unknown": ["a model that is not known"]}


def test_others_are_not_told_what_a_flow_is_made_of(traced: Served):
    mine = {"authorization": f"Bearer {ADA}"}
    told = traced.run("sky", {"question": "Why?"}, headers=mine)
    assert told.json()["status"] == "finished"
    streamed = traced.run("sky", {"question": "Why?", "stream": True}, headers=mine)
    for text in (told.text, streamed.text):
        assert "told" not in text
        assert "cost" not in text


def test_metrics_have_models_and_money(traced: Served):
    traced.run("sky", {"question": "Why?"})
    traced.run("words", {"question": "a"})
    text = traced.http.get("/metrics").text
    found = {
        line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
        for line in text.splitlines()
        if not line.startswith("#")
    }
    asked = found['patchbay_runs_total{flow="sky",status="finished"}']
    assert asked >= 1
    kinds = {kind: f'patchbay_model_tokens_total{{flow="sky",model="told",type="{kind}"}}'
             for kind in ("prompt", "completion", "cached")}  # fmt: skip
    assert [found[kinds[kind]] for kind in kinds] == [10 * asked, 5 * asked, 0]
    cost = found['patchbay_cost_total{flow="sky",model="told",currency="EUR"}']
    assert cost == pytest.approx(0.006 * asked)
    for name in ("patchbay_slots", "patchbay_slots_busy", "patchbay_queue"):
        assert name in found
    of_ada = traced.http.get("/metrics", headers={"authorization": f"Bearer {ADA}"}).text
    assert 'flow="approve"' not in of_ada
    assert 'patchbay_runs_total{flow="sky",status="finished"}' in of_ada
    for hidden in ("patchbay_model_tokens", "patchbay_cost", "patchbay_unpriced", "told", "EUR"):
        assert hidden not in of_ada
    settings = traced.service.settings
    traced.service.settings = replace(settings, values=True)
    try:
        shown = traced.http.get("/metrics", headers={"authorization": f"Bearer {ADA}"}).text
    finally:
        traced.service.settings = settings
    assert 'patchbay_cost_total{flow="sky"' in shown, "where values are shown, so are models"
    assert httpx.get(f"{traced.address}/metrics", timeout=120).status_code == 401


def test_without_traces_the_callers_own_is_told(served: Served):
    answer = served.run("shout", {"text": "a"}, headers={"traceparent": PARENT})
    assert answer.json()["trace"] == PARENT[3:35]
    assert "trace" not in served.run("shout", {"text": "a"}).json()
