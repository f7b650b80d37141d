"""An exported model to a hub, which is a server of the test; and a person who is asked."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.training.push_node import PushToHub
from patchbay.nodes.values import SecretRef
from tests.loopback import served

COMMIT = "c" * 40
TOKEN = "hf_right"


class Hub(BaseHTTPRequestHandler):
    """As much of a hub as a push needs: small files go in the commit, weights beside it (LFS)."""

    protocol_version = "HTTP/1.1"
    made: dict[str, bool]
    kept: dict[str, bytes]
    stored: dict[str, bytes]
    said: list[str]
    url: str

    def log_message(self, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            return self._answer(403, {"error": "You have no right to write here"})
        path = self.path.partition("?")[0]
        if path == "/api/repos/create":
            told = json.loads(body)
            name = f"{told['organization']}/{told['name']}"
            self.made.setdefault(name, told["visibility"] == "private")
            return self._answer(200, {"url": f"{self.url}/{name}"})
        if path == "/api/validate-yaml":  # the library has the model card looked at
            return self._answer(200, {"errors": [], "warnings": []})
        if path.endswith("/preupload/main"):
            files = [
                {"path": one["path"], "shouldIgnore": False, "oid": None,
                 "uploadMode": "lfs" if one["path"].endswith(".safetensors") else "regular"}
                for one in json.loads(body)["files"]
            ]  # fmt: skip
            return self._answer(200, {"files": files})
        if path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**one, "actions": {"upload": {"href": f"{self.url}/lfs/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]
            return self._answer(200, {"transfer": "basic", "objects": objects})
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "header":
                self.said.append(value["summary"])
            elif line["key"] == "file":
                self.kept[value["path"]] = base64.b64decode(value["content"])
            else:
                self.kept[value["path"]] = self.stored[value["oid"]]
        url = f"{self.url}/ada/pirate/commit/{COMMIT}"
        return self._answer(200, {"commitUrl": url, "commitOid": COMMIT, "pullRequestUrl": ""})

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        oid = self.path.rpartition("/")[2]
        assert hashlib.sha256(body).hexdigest() == oid
        self.stored[oid] = body
        self._answer(200, {})

    def _answer(self, status: int, told: Any) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    class Ours(Hub):
        made, kept, stored, said = {}, {}, {}, []

    with served(Ours) as url:
        Ours.url = url
        monkeypatch.setenv("HF_ENDPOINT", url)
        # The hub's own storage (Xet) has no server that could stand here; LFS has.
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
        for name in ("PATCHBAY_OFFLINE", "HF_HUB_OFFLINE"):
            monkeypatch.delenv(name, raising=False)
        yield Ours


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder as *Export model* writes it."""
    folder = tmp_path / "output" / "pirate"
    folder.mkdir(parents=True)
    (folder / "patchbay.json").write_text("{}")
    (folder / "README.md").write_text("# Pirate")
    (folder / "adapter_model.safetensors").write_bytes(b"weights")
    (tmp_path / "private.txt").write_text("nobody's business")
    (folder / "link.txt").symlink_to(tmp_path / "private.txt")
    return folder


class Asked(RecordingContext):
    """A run in which a person answers, and the token is a secret."""

    token = TOKEN

    def secret(self, ref: SecretRef) -> str:
        assert ref.secret == "HF_TOKEN"
        return self.token


def push(folder: Path, ctx: RecordingContext, **params: Any) -> dict[str, Any]:
    return run_node(PushToHub, {"repository": "ada/pirate", **params}, {"path": str(folder)}, ctx)


def test_after_a_yes_the_files_are_there_and_nothing_else(hub: type[Hub], exported: Path) -> None:
    ctx = Asked(answers=[True])
    out = push(exported, ctx, message="A parrot of a model")
    assert hub.kept == {
        "patchbay.json": b"{}", "README.md": b"# Pirate", "adapter_model.safetensors": b"weights"
    }  # fmt: skip
    assert (out["commit"], hub.said) == (COMMIT, ["A parrot of a model"])
    assert out["address"] == f"{hub.url}/ada/pirate/commit/{COMMIT}"
    assert hub.made == {"ada/pirate": True}
    (question,) = ctx.questions
    assert f"to ada/pirate at {hub.url}, a private repository?" in question.title
    assert [row[0] for row in question.value.rows] == sorted(hub.kept)
    assert TOKEN not in json.dumps(question.as_json())


def test_after_a_no_nothing_has_left_the_machine(hub: type[Hub], exported: Path) -> None:
    ctx = Asked(answers=[False])
    out = push(exported, ctx)
    assert set(out) == {"files"}
    assert (hub.made, hub.kept) == ({}, {})
    assert ctx.warnings == ["ada said no. Nothing was pushed."]


def test_what_has_changed_meanwhile_is_asked_about_anew(hub: type[Hub], exported: Path) -> None:
    first, second = Asked(answers=[True]), Asked(answers=[True])
    push(exported, first)
    (exported / "adapter_model.safetensors").write_bytes(b"WEIGHTS")
    push(exported, second, private=False)
    (one,), (other,) = first.questions, second.questions
    assert one.digest != other.digest
    assert one.value.rows[1][2] != other.value.rows[1][2]
    assert "that everybody can read" in other.title
    assert hub.made == {"ada/pirate": True}, "one that is there stays as it is"


@pytest.mark.parametrize(
    ("token", "change", "code", "says"),
    [
        ("hf_wrong", {}, "training/hub-push", "You have no right to write here"),
        (TOKEN, {"repository": ""}, "training/hub-push", "No repository is named"),
        (TOKEN, {"here": False}, "training/hub-push", "was not written by Export model"),
        (TOKEN, {"offline": True}, "weights/offline", "PATCHBAY_OFFLINE is set"),
        (TOKEN, {"gone": True}, "training/hub-push", "cannot be reached"),
    ],
)
def test_what_goes_wrong_is_said(
    hub: type[Hub], exported: Path, token: str, change: dict[str, Any], code: str, says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    if change.pop("gone", False):
        monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    if change.pop("offline", False):
        monkeypatch.setenv("PATCHBAY_OFFLINE", "1")
    folder = exported if change.pop("here", True) else exported.parent
    ctx = Asked(answers=[True])
    ctx.token = token
    with pytest.raises(NodeError) as caught:
        push(folder, ctx, **change)
    assert (caught.value.code, hub.kept) == (code, {})
    assert says in caught.value.message
    assert caught.value.fix
    assert token not in caught.value.message


def test_a_flow_that_pushes_is_one_that_asks() -> None:
    assert PushToHub.asks(PushToHub.Params(repository="a/b"))
    assert not PushToHub.repeatable(PushToHub.Params(repository="a/b"), None)  # type: ignore[arg-type]
    for wrong in ("pirate", "a/b/c", "https://hub/a/b", "a/b c"):
        with pytest.raises(ValueError, match="pattern"):
            PushToHub.Params(repository=wrong)
