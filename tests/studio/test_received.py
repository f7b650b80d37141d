"""Documents that are given to a flow: where they go, what is refused, and that nothing is lost."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import save_flow
from patchbay.flows.problems import FlowError
from patchbay.nodes.catalog import load_catalog
from patchbay.nodes.retrieval.readers import READERS
from patchbay.studio.documents import received
from patchbay.studio.documents.opened import Documents
from patchbay.studio.documents.received import Received, receive
from patchbay.studio.pictures.picture import draw
from patchbay.studio.pictures.png import to_png
from patchbay.studio.server.cookie import COOKIE, BrowserCookie
from patchbay.studio.server.receiving import routes
from patchbay.studio.server.services import services

ANN = "ann-0123456789abcdef"
HERE = {"origin": "http://testserver"}
PNG = to_png(draw(Flow(), load_catalog()))


@pytest.fixture
def flow(tmp_path: Path) -> Path:
    return save_flow(Flow(name="Ask"), tmp_path / "ask.json") or tmp_path / "ask.json"


def refused(flow: Path, name: str, data: bytes = b"x") -> str:
    before = sorted(p for p in flow.parent.rglob("*"))
    with pytest.raises(FlowError) as caught:
        receive(flow, name, data)
    assert sorted(p for p in flow.parent.rglob("*")) == before, "nothing was written"
    return caught.value.problems[0].code


@pytest.mark.parametrize("name", [f"a{ending}" for ending in READERS] + ["B.PDF", "ü/æ/日本.md"])
def test_documents_go_into_the_folder_of_the_flow(flow: Path, name: str) -> None:
    found = receive(flow, name, b"text")
    assert found == Received("new", f"documents/ask/{name}", "retrieval.load")
    assert (flow.parent / found.path).read_bytes() == b"text"


def test_pictures_go_beside_them_and_one_that_carries_a_flow_is_no_document(flow: Path) -> None:
    assert receive(flow, "dot.png", PNG) == Received("new", "pictures/ask/dot.png", "io.picture")
    assert receive(flow, "flow.png", to_png(draw(Flow(), load_catalog()), "{}")) == Received("flow")
    assert not (flow.parent / "pictures/ask/flow.png").exists()


@pytest.mark.parametrize(
    "name",
    [
        "", ".", "..", "../x.md", "a/../../x.md", "/etc/x.md", "a//x.md", "..\\x.md",
        "C:\\x.md", ".env.md", "a/.git/x.md", "x\0.md", "x\n.md", "con.md", "NUL.txt",
        "x .md/ y.md", "x.md ", " x.md", "x?.md", "x:y.md", "a" * 300 + ".md",
        "/".join("abcdefghi") + "/x.md", "dot./x.md",
    ],
)  # fmt: skip
def test_a_name_that_leads_elsewhere_or_not_every_system_takes_is_refused(
    flow: Path, name: str
) -> None:
    assert refused(flow, name) == "received/name"


@pytest.mark.parametrize("name", ["x", "x.exe", "x.json", "x.svg", "x.pdf.zip", "md"])
def test_what_nothing_reads_is_refused(flow: Path, name: str) -> None:
    assert refused(flow, name) == "received/type"


def test_a_link_out_of_the_folder_is_not_followed(flow: Path, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (flow.parent / "documents").symlink_to(elsewhere)
    assert refused(flow, "x.md") == "received/name"
    assert not list(elsewhere.iterdir())


def test_what_is_there_is_never_written_over_in_silence(flow: Path) -> None:
    folder = flow.parent / "documents/ask"
    receive(flow, "a.md", b"one")
    assert receive(flow, "a.md", b"one").state == "same"
    assert receive(flow, "a.md", b"two").state == "there"
    assert (folder / "a.md").read_bytes() == b"one"
    assert receive(flow, "a.md", b"two", "keep") == Received(
        "kept", "documents/ask/a (2).md", "retrieval.load"
    )
    assert receive(flow, "a.md", b"three", "keep").path == "documents/ask/a (3).md"
    assert receive(flow, "a.md", b"four", "replace").state == "replaced"
    assert {p.name: p.read_bytes() for p in folder.iterdir()} == {
        "a.md": b"four", "a (2).md": b"two", "a (3).md": b"three",
    }  # fmt: skip


def test_two_flows_do_not_mix_their_documents(flow: Path) -> None:
    other = flow.with_name("other.json")
    assert receive(flow, "a.md", b"one").path != receive(other, "a.md", b"two").path


@pytest.mark.parametrize(
    ("limit", "value", "code"),
    [
        ("FILE_LIMIT", 3, "received/size"),
        ("FOLDER_LIMIT", 5, "received/size"),
        ("MOST_FILES", 1, "received/count"),
    ],
)
def test_sizes_and_numbers_have_limits(
    flow: Path, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, code: str
) -> None:
    receive(flow, "a.md", b"abc")
    monkeypatch.setattr(received, limit, value)
    assert refused(flow, "b.md", b"abcd") == code


def test_what_takes_the_place_of_a_file_is_not_counted_twice(
    flow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive(flow, "a.md", b"abc")
    monkeypatch.setattr(received, "MOST_FILES", 1)
    monkeypatch.setattr(received, "FOLDER_LIMIT", 4)
    assert receive(flow, "a.md", b"abcd", "replace").state == "replaced"


def test_a_full_disk_keeps_what_was_there(flow: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    receive(flow, "a.md", b"one")

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(FlowError, match="No space left") as caught:
        receive(flow, "a.md", b"two", "replace")
    assert caught.value.problems[0].code == "received/disk"
    assert [p.name for p in (flow.parent / "documents/ask").iterdir()] == ["a.md"]
    assert (flow.parent / "documents/ask/a.md").read_bytes() == b"one"


# --- from a browser -----------------------------------------------------------------------------


@pytest.fixture
def address(monkeypatch: pytest.MonkeyPatch, flow: Path) -> str:
    documents = Documents(background=False)
    monkeypatch.setattr(services(), "documents", documents)
    document = documents.open(flow)
    token = services().grants.issue(document.id, ANN)
    return f"/patchbay/documents?doc={document.id}&token={token}"


@pytest.fixture
def client() -> TestClient:
    client = TestClient(Starlette(routes=routes(), middleware=[Middleware(BrowserCookie)]))
    client.cookies.set(COOKIE, ANN)
    return client


def test_a_browser_gives_a_document(client: TestClient, address: str, flow: Path) -> None:
    answer = client.post(f"{address}&name=a%20b.md", content=b"text", headers=HERE)
    assert answer.json() == {
        "state": "new", "path": "documents/ask/a b.md", "kind": "retrieval.load",
    }  # fmt: skip
    again = client.post(f"{address}&name=a%20b.md", content=b"more", headers=HERE)
    assert again.json()["state"] == "there"
    kept = client.post(f"{address}&name=a%20b.md&when_there=keep", content=b"more", headers=HERE)
    assert kept.json()["path"] == "documents/ask/a b (2).md"


@pytest.mark.parametrize(
    ("headers", "cookie"),
    [
        ({}, ANN),
        ({"origin": "http://evil.test"}, ANN),
        ({**HERE, "sec-fetch-site": "cross-site"}, ANN),
        (HERE, "bob-0123456789abcdef"),
        (HERE, ""),
    ],
)
def test_strangers_give_nothing(
    client: TestClient, address: str, flow: Path, headers: dict[str, str], cookie: str
) -> None:
    client.cookies.set(COOKIE, cookie)
    answer = client.post(f"{address}&name=a.md", content=b"text", headers=headers)
    assert answer.status_code == 403
    assert not (flow.parent / "documents").exists()


def test_what_is_refused_is_said_in_words(
    client: TestClient, address: str, flow: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("..%2Fx.md", "x.exe", ""):
        answer = client.post(f"{address}&name={name}", content=b"text", headers=HERE)
        assert answer.status_code == 400
        assert answer.json()["fix"]
    monkeypatch.setattr(received, "FILE_LIMIT", 3)

    def unknown_length() -> Any:
        yield b"te"
        yield b"xt"

    for content in (b"text", unknown_length()):
        answer = client.post(f"{address}&name=a.md", content=content, headers=HERE)
        assert "larger than 3 B" in answer.json()["message"]
    assert not (flow.parent / "documents").exists()
