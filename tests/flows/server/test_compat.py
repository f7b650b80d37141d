"""Flowise's and Langflow's clients: what the wire holds, and their own SDKs where they are here.

`make serve-peers` fetches the SDKs into .serve-peers.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows.server.serving import KEY, Served
from tests.paths import ROOT

PEERS = ROOT / ".serve-peers"


def predict(served: Served, flow: str, **body: Any) -> httpx.Response:
    return served.http.post(f"/api/v1/prediction/{flow}", json=body)


def flowise_events(text: str) -> list[tuple[str, Any]]:
    """As Flowise's own SDK reads them."""
    lines = [line.removeprefix("data:") for line in text.split("\n") if line.startswith("data:")]
    return [(told["event"], told["data"]) for told in map(json.loads, lines)]


# --- Flowise --------------------------------------------------------------------------------------


def test_a_prediction(served: Served):
    told = predict(served, "words", question="to be", chatId="of-ada").json()
    assert (told["text"], told["chatId"], told["sessionId"]) == ("to be", "of-ada", "of-ada")
    assert told["chatMessageId"]
    assert predict(served, "words", question="a").json()["chatId"]


def test_a_streamed_prediction(served: Served):
    events = flowise_events(predict(served, "agent", question="?", streaming=True).text)
    names = [name for name, _ in events]
    assert names[0] in ("start", "agentFlowEvent")
    assert names[-2:] == ["metadata", "end"]
    assert names.count("start") == 1
    assert "".join(data for name, data in events if name == "token") == "Copenhagen"
    hidden = flowise_events(predict(served, "hidden", question="ab", streaming=True).text)
    assert [e for e in hidden if e[0] in ("start", "token")] == [("start", "AB"), ("token", "AB")]


def test_an_error_in_a_streamed_prediction(served: Served):
    events = dict(flowise_events(predict(served, "fails", question="a", streaming=True).text))
    assert "no luck" in events["error"]
    assert events["end"] == "[DONE]"


def test_a_conversation_by_its_chat_id(served: Served):
    for said in ("Hello", "And then?"):
        predict(served, "chat", question=said, chatId="of-flowise")
    turns = served.http.get("/threads/of-flowise").json()["turns"]
    assert [turn["asked"] for turn in turns] == ["Hello", "And then?"]


def test_sources(served: Served):
    told = predict(served, "sources", question="a text").json()
    assert told["sourceDocuments"] == [{"pageContent": "a text", "metadata": {"source": "n.md"}}]


def test_what_the_widget_asks_first_needs_no_key(served: Served):
    bare = httpx.Client(base_url=served.address, timeout=120)
    assert bare.get("/api/v1/chatflows-streaming/words").json() == {"isStreaming": True}
    config = bare.get("/api/v1/public-chatbotConfig/words").json()
    assert config["uploads"]["isImageUploadAllowed"] is False
    known, unknown = (bare.get(f"/api/v1/public-chatbotConfig/{f}") for f in ("words", "none"))
    assert known.text == unknown.text  # without a key nothing is told of what there is
    assert bare.post("/api/v1/prediction/words", json={"question": "a"}).status_code == 401


def test_thumbs_are_kept_and_listed(served: Served):
    run = predict(served, "words", question="a").json()["chatMessageId"]
    said = {"messageId": run, "rating": "THUMBS_UP", "content": "good", "chatId": "x"}
    assert served.http.post("/api/v1/feedback", json=said).status_code == 200
    said = {"rating": "THUMBS_DOWN", "content": "not so good"}
    assert served.http.put(f"/api/v1/feedback/{run}", json=said).status_code == 200
    found = served.http.get("/feedback").json()["feedback"]
    assert (found[0]["run"], found[0]["rating"], found[0]["comment"]) == (run, -1, "not so good")
    where = f"/runs/{run}/feedback"
    assert served.http.post(where, json={"rating": 1, "comment": "ok"}).status_code == 200
    assert served.http.post(where, json={"rating": 5}).status_code == 400
    assert served.http.post(where, json={"rating": 1, "comment": "x" * 5000}).status_code == 400
    assert served.http.post("/runs/x-y/feedback", json={"rating": 1}).status_code == 404


@pytest.mark.parametrize(
    ("body", "status"), [({}, 400), ({"question": 3}, 400), ({"question": None}, 400)]
)
def test_bad_questions(served: Served, body, status):
    assert served.http.post("/api/v1/prediction/words", json=body).status_code == status
    assert served.http.post("/api/v1/prediction/none", json=body).status_code == 404


def test_flowises_sdk(served: Served):
    module = PEERS / "node_modules" / "flowise-sdk"
    if shutil.which("node") is None or not module.exists():
        pytest.skip("needs Node.js and flowise-sdk: make serve-peers")
    script = f"""
      const {{ FlowiseClient }} = require({str(module)!r});
      (async () => {{
        const client = new FlowiseClient({{ baseUrl: {served.address!r}, apiKey: {KEY!r} }});
        const ask = (streaming) =>
          client.createPrediction({{ chatflowId: "words", question: "to be or not", streaming }});
        console.log((await ask(false)).text);
        let text = "";
        for await (const event of await ask(true)) if (event.event === "token") text += event.data;
        console.log(text);
      }})();
    """
    done = subprocess.run(["node", "-e", script], capture_output=True, text=True, timeout=240)
    assert done.stdout == "to be or not\nto be or not\n", done.stderr


# --- Langflow -------------------------------------------------------------------------------------


def test_langflows_run(served: Served):
    body = {"input_value": "to be", "session_id": "of-ada", "tweaks": {"x": 1}}
    bare = httpx.Client(base_url=served.address, headers={"x-api-key": KEY}, timeout=120)
    told = bare.post("/api/v1/run/words", json=body).json()
    assert told["session_id"] == "of-ada"
    (inner,) = told["outputs"][0]["outputs"]
    assert inner["results"]["message"]["text"] == "to be"
    assert inner["outputs"]["message"] == {"message": "to be", "type": "text"}
    assert inner["messages"][0]["message"] == "to be"
    assert told["outputs"][0]["inputs"] == {"input_value": "to be"}


def test_langflows_stream(served: Served):
    body = {"input_value": "to be"}
    text = served.http.post("/api/v1/run/words?stream=true", json=body).text
    events = [json.loads(line) for line in text.split("\n\n") if line]
    assert [e["event"] for e in events] == ["add_message", "token", "token", "add_message", "end"]
    assert "".join(e["data"]["chunk"] for e in events if e["event"] == "token") == "to be"
    failed = served.http.post("/api/v1/run/fails?stream=true", json=body).text
    assert json.loads(failed.split("\n\n")[-2])["event"] == "error"


def test_langflows_sdk(served: Served):
    if not (PEERS / "langflow_sdk").exists():
        pytest.skip("needs langflow-sdk: make serve-peers")
    script = f"""if True:
        import sys
        sys.path.append({str(PEERS)!r})
        from langflow_sdk import LangflowClient
        with LangflowClient({served.address!r}, api_key={KEY!r}) as client:
            print(client.run("words", "to be or not").first_text_output())
            text = ""
            for chunk in client.stream("words", "to be or not"):
                if chunk.is_token:
                    text += chunk.text
                elif chunk.is_end:
                    assert chunk.final_response().first_text_output() == text
            print(text)
    """
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=240
    )
    assert done.stdout == "to be or not\nto be or not\n", done.stderr


def test_the_place_of_the_sdks_is_not_kept():
    ignored = (ROOT / ".gitignore").read_text().splitlines()
    assert any(line.strip("/") == Path(PEERS).name for line in ignored)
