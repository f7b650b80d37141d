"""Pictures in conversations: models that see get them, the others refuse them in words."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import HumanMessage
from pydantic import JsonValue

from patchbay.flows import RunError, run
from patchbay.flows.checks.validate import validate
from patchbay.flows.document.reading import read_text
from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.messages import to_langchain
from patchbay.nodes.models.pictures import with_pictures
from patchbay.nodes.prompts.chat import BuildMessages
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import Message, content_hash, decode, encode
from tests.loopback import served
from tests.nodes.models.seeing import PATCHES, picture, seeing_folder
from tests.nodes.models.servers.told_server import line, says, told

RED, BLUE = picture("red", "a red square"), picture("blue")
CATALOG = load_catalog()


def flow_of(model: dict[str, Any], turns: bool = False, **ask: Any) -> Any:
    """A question about a picture in a file, asked directly or through *Messages*."""
    through = [{"id": "chat", "kind": "prompt.chat", "params": {"turns": [{"text": "{q}"}]}}]
    wires = (
        ["q.value", "chat.q", "read.picture", "chat.pictures", "chat.messages", "ask.prompt"]
        if turns
        else ["q.value", "ask.prompt", "read.picture", "ask.pictures"]
    )
    return read_text(json.dumps({
        "format": 1, "name": "Look",
        "nodes": [
            {"id": "q", "kind": "io.input", "params": {"name": "q", "default": "What is it?"}},
            {"id": "file", "kind": "io.input", "params": {"name": "file", "kind": "file"}},
            {"id": "read", "kind": "io.picture"},
            {"id": "model", **model},
            *(through if turns else []),
            {"id": "ask", "kind": "model.ask", "params": {"max_tokens": 6, **ask}},
            {"id": "out", "kind": "io.output", "params": {"name": "answer"}},
        ],
        "edges": [
            {"from": a, "to": b}
            for a, b in [
                ("file.value", "read.file"), ("model.model", "ask.model"),
                ("ask.text", "out.value"),
                *zip(wires[::2], wires[1::2], strict=True),
            ]
        ],
    }))  # fmt: skip


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return seeing_folder(tmp_path_factory.mktemp("seeing"))


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    for name, one in (("red", RED), ("blue", BLUE)):
        (tmp_path / f"{name}.png").write_bytes(base64.b64decode(one.data))
    return {name: tmp_path / f"{name}.png" for name in ("red", "blue")}


def transformers_model(folder: Path, **params: Any) -> dict[str, Any]:
    said = {"weights": str(folder), "context": 128, "temperature": 0, **params}
    return {"kind": "model.transformers", "params": said}


# --- the value ------------------------------------------------------------------------------------


def test_a_message_without_pictures_is_stored_as_before() -> None:
    plain = Message(role="user", content="Hello.")
    assert encode(plain) == {"$type": "message", "role": "user", "content": "Hello."}
    assert plain.model_dump() == {"role": "user", "content": "Hello."}
    assert content_hash(plain) == (
        "8316b42bf01b925c24d8f31def5d7ec0dc9d4796ca02185e0e32cec7d3ea3490"
    )


def test_a_message_with_pictures_survives_being_stored() -> None:
    shown = Message(role="user", content="Look.", pictures=(RED, BLUE))
    stored: JsonValue = json.loads(json.dumps(encode(shown)))
    assert decode(stored) == shown
    assert content_hash(shown) != content_hash(shown.model_copy(update={"pictures": (BLUE, RED)}))


def test_pictures_go_with_the_last_thing_the_user_says() -> None:
    turns = [Message(role=role, content=role) for role in ("user", "assistant", "user")]
    held = [message.pictures for message in with_pictures([*turns, turns[1]], [RED])]
    assert held == [(), (), (RED,), ()]
    with pytest.raises(NodeError, match="no message of the user"):
        with_pictures([turns[1]], [RED])
    with pytest.raises(NodeError, match="of the role system holds a picture"):
        to_langchain([Message(role="system", content="x", pictures=(RED,))])


def test_messages_takes_them_and_an_older_variable_keeps_its_name() -> None:
    turns = {"turns": [{"role": "user", "text": "{q}"}]}
    made = run_node(BuildMessages, turns, {"q": "Look.", "pictures": [RED, BLUE]})
    assert made["messages"] == [Message(role="user", content="Look.", pictures=(RED, BLUE))]
    older = {"turns": [{"role": "user", "text": "See {pictures}."}]}
    made = run_node(BuildMessages, older, {"pictures": "three of them"})
    assert made["messages"] == [Message(role="user", content="See three of them.")]


# --- a real network that sees ---------------------------------------------------------------------


@pytest.mark.parametrize("turns", [False, True], ids=["ask", "messages"])
def test_a_network_that_sees_answers_by_the_picture(
    seeing: Path, files: dict[str, Path], turns: bool
) -> None:
    flow = flow_of(transformers_model(seeing), turns)
    assert validate(flow, CATALOG) == []
    answers = [run(flow, file=files[name]).outputs["answer"] for name in ("red", "blue", "red")]
    assert answers[0] != answers[1]
    assert answers[0] == answers[2]


def test_its_prompt_counts_the_picture(seeing: Path, files: dict[str, Path]) -> None:
    tokens = run(flow_of(transformers_model(seeing)), file=files["red"]).tokens
    bare = len("<|im_start|>user\nWhat is it?<|im_end|>\n<|im_start|>assistant\n")
    assert PATCHES < tokens.prompt < PATCHES + bare


def test_it_follows_a_schema_a_seed_and_a_stop(seeing: Path, files: dict[str, Path]) -> None:
    schema = {"type": "object", "properties": {"yes": {"type": "boolean"}}, "required": ["yes"]}
    flow = flow_of(transformers_model(seeing), json_schema=schema, max_tokens=40)
    assert list(json.loads(run(flow, file=files["red"]).outputs["answer"])) == ["yes"]
    warm = transformers_model(seeing, temperature=1.5)
    drawn = [
        run(flow_of(warm, seed=seed, max_tokens=8), file=files["red"]).outputs["answer"]
        for seed in (1, 1, 2)
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_what_it_cannot_read_is_said(seeing: Path, files: dict[str, Path]) -> None:
    flow = flow_of(transformers_model(seeing))
    with pytest.raises(RunError, match="holds '<image>', a control word"):
        run(flow, q="What is <image>?", file=files["red"])
    broken = files["red"].with_name("broken.png")
    broken.write_bytes(files["red"].read_bytes()[:60])
    with pytest.raises(RunError, match="picture cannot be read"):
        run(flow, file=broken)


# --- over OpenAI's protocol -----------------------------------------------------------------------


class Sees(BaseHTTPRequestHandler):
    """An OpenAI-compatible server over the network: it looks at the picture in the request."""

    model: Any
    asked: list[Any]

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        answer = self.model.invoke(
            [HumanMessage(body["messages"][-1]["content"])],
            temperature=body["temperature"], max_tokens=body["max_tokens"],
        )  # fmt: skip
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        for event in says(answer.text).events:
            self.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")


class Opens:
    def report(self, label: str, done: float, total: float | None) -> None:
        pass


@pytest.fixture
def served_sight(seeing: Path) -> Iterator[tuple[str, list[Any]]]:
    from patchbay.nodes.models.transformers.spec import TransformersModel

    model = TransformersModel(weights=str(seeing), context=128).open(Opens())  # type: ignore[arg-type]
    asked: list[Any] = []
    with served(Sees, model=model, asked=asked) as url:
        yield url, asked
    model.close()


def test_a_server_that_sees_gets_the_parts_that_openai_documents(
    served_sight: tuple[str, list[Any]], seeing: Path, files: dict[str, Path]
) -> None:
    url, asked = served_sight
    params = {"base_url": f"{url}/v1", "model": "sight", "temperature": 0}
    there = flow_of({"kind": "model.openai_compatible", "params": params})
    here = flow_of(transformers_model(seeing))
    for name in ("red", "blue"):
        served_answer = run(there, file=files[name]).outputs["answer"]
        assert served_answer == run(here, file=files[name]).outputs["answer"]
    address = f"data:image/png;base64,{RED.data}"
    assert asked[0]["messages"] == [{
        "role": "user",
        "content": [
            {"type": "image_url", "image_url": {"url": address}},
            {"type": "text", "text": "What is it?"},
        ],
    }]  # fmt: skip


class Records(BaseHTTPRequestHandler):
    """Takes any request, and answers that it is wrong."""

    asked: list[Any]

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        self.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        body = b'{"error": {"message": "no", "code": 400}}'
        self.send_response(400)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


URL_SAFE = RED.data.replace("+", "-").replace("/", "_")  # as Google's client writes base64
OPENAI_PART = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{RED.data}"}}


@pytest.mark.parametrize(
    ("model", "package", "part"),
    [
        ("anthropic:claude-x", "langchain_anthropic", {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": RED.data},
        }),
        ("google_genai:gemini-x", "langchain_google_genai",
         {"inlineData": {"mime_type": "image/png", "data": URL_SAFE}}),
        ("groq:x", "langchain_groq", OPENAI_PART),
        ("mistralai:x", "langchain_mistralai", OPENAI_PART),
    ],
)  # fmt: skip
def test_a_provider_gets_the_picture_in_its_own_words(
    model: str, package: str, part: dict[str, Any], files: dict[str, Path]
) -> None:
    pytest.importorskip(package)
    asked: list[Any] = []
    with served(Records, asked=asked) as url:
        flow = flow_of({"kind": "model.provider", "params": {"model": model, "base_url": url}})
        with pytest.raises(RunError):
            run(flow, file=files["red"])
    said = asked[0].get("messages") or asked[0]["contents"]
    assert (said[-1].get("content") or said[-1]["parts"])[0] == part


# --- over Ollama's --------------------------------------------------------------------------------


def ollama(url: str) -> Any:
    return flow_of({"kind": "model.ollama", "params": {"model": "told:latest", "base_url": url}})


def test_ollama_gets_them_as_images(files: dict[str, Path]) -> None:
    from tests.nodes.models.servers.told_server import Reply

    reply = Reply((line("Red."), line(done=True)))
    with told(reply, ollama=True) as server:
        server.capabilities = ("completion", "vision")
        assert run(ollama(server.url), file=files["red"]).outputs["answer"] == "Red."
    said = server.asked[-1]["messages"][-1]
    assert said["images"] == [RED.data]
    assert said["content"].strip() == "What is it?"


def test_ollama_would_drop_them_for_a_model_that_does_not_see(files: dict[str, Path]) -> None:
    refused = pytest.raises(RunError, match=r"'told:latest' \(chat model/ollama\) reads text only")
    with told(says("Red."), ollama=True) as server, refused:
        run(ollama(server.url), file=files["red"])
    assert server.asked == []


# --- models that do not see -----------------------------------------------------------------------

GGUF = {"kind": "model.gguf", "params": {"weights": "smollm2-135m-instruct"}}


def test_a_text_model_refuses_them_before_the_run() -> None:
    [problem] = validate(flow_of(GGUF), CATALOG)
    assert (problem.severity, problem.node, problem.port) == ("error", "ask", "pictures")
    assert "'smollm2-135m-instruct' (chat model/gguf) reads text only" in problem.message
    assert "Wire a model that sees" in problem.fix
    behind = flow_of({"kind": "model.transformers", "params": {}})
    assert [p.port for p in validate(behind, CATALOG)] == ["pictures"]


def test_a_text_model_refuses_them_in_a_conversation_when_it_runs(files: dict[str, Path]) -> None:
    flow = flow_of(GGUF, turns=True)
    with pytest.raises(RunError, match="reads text only, and pictures are wired to it"):
        run(flow, file=files["red"])
    assert GgufModel().sees is False
