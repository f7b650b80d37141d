"""References, hashes of content, Ollama stores, GGUF headers, and writing files."""

from __future__ import annotations

import hashlib
import json
import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.nodes.atomic import write_atomic
from patchbay.nodes.contract import NodeError
from patchbay.nodes.home import cache_dir, home, offline, weights_dir
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.models.transformers.source import parse_hub
from patchbay.nodes.values import content_hash
from patchbay.nodes.weights.folders import folder_id
from patchbay.nodes.weights.gguf_header import read_header
from patchbay.nodes.weights.refs import HubRef, OllamaRef, parse, parse_repository
from patchbay.nodes.weights.resolve import content_id, delete, find, resolve
from tests.nodes.models.site import Site

DATA = b"GGUF and so on"
SHA = hashlib.sha256(DATA).hexdigest()


def test_what_a_reference_may_be() -> None:
    assert parse("hf:o/r/a/b.gguf@v1") == HubRef("o/r", "a/b.gguf", "v1")
    assert parse("ollama:llama3.2") == OllamaRef("", "llama3.2", "latest")
    assert parse("ollama:hf.co/o/m:Q4") == OllamaRef("hf.co/o", "m", "Q4")
    assert parse("./x.gguf") == Path("x.gguf")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("gpt-9", "weights/unknown"),
        ("", "weights/unknown"),
        ("hf:o/r/model.bin", "weights/reference"),
        ("hf:o/r/../../x.gguf", "weights/reference"),
        ("hf:../r/x.gguf", "weights/reference"),
        ("hf:o/r/x.gguf@..", "weights/reference"),
        ("hf:o/r/x.gguf#sha256=12", "weights/reference"),
        ("ollama:../../etc:passwd", "weights/reference"),
        ("ollama:", "weights/reference"),
        ("/no/such/file.gguf", "weights/missing"),
        ("/", "weights/missing"),
    ],
)
def test_what_it_may_not_be(folder: Path, text: str, code: str) -> None:
    with pytest.raises(NodeError) as caught:
        resolve(text)
    assert caught.value.code == code
    assert not caught.value.retry
    assert find(text) is None


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(NodeError, match="smollm2-135m-instruct"):
        parse("smollm3")


def test_a_file_counts_by_content_not_by_path(folder: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one.gguf", tmp_path / "two.gguf"
    one.write_bytes(DATA)
    two.write_bytes(DATA)
    assert content_id(str(one)) == content_id(str(two)) == f"sha256:{SHA}"
    keys = [content_hash(GgufModel(weights=str(path))) for path in (one, two)]
    assert keys[0] == keys[1]
    two.write_bytes(DATA + b"!")
    assert content_hash(GgufModel(weights=str(two))) != keys[0]
    assert resolve(str(one)) == one
    with pytest.raises(NodeError, match="not fetched by Patchbay"):
        delete(str(one))


def test_named_weights_are_known_before_they_are_here(folder: Path) -> None:
    assert content_id("smollm2-135m-instruct").startswith("sha256:b179c952")
    memory = GgufModel(context=4096, parallel=4).memory()
    assert memory is not None
    assert memory > 98_362_432 + 4 * 4096 * 23_040
    assert not folder.exists()


@pytest.fixture
def store(tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Ollama store with one model."""
    store = tmp_path / "ollama"
    record = store / "manifests/registry.ollama.ai/library/tiny/1b"
    record.parent.mkdir(parents=True)
    layers = [
        {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:" + "0" * 64},
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{SHA}"},
    ]
    record.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    (store / "blobs").mkdir()
    (store / f"blobs/sha256-{SHA}").write_bytes(DATA)
    monkeypatch.setenv("OLLAMA_MODELS", str(store))
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    return store


def test_ollama_models_are_used_where_they_lie(store: Path) -> None:
    blob = store / f"blobs/sha256-{SHA}"
    assert resolve("ollama:tiny:1b") == blob
    assert content_id("ollama:tiny:1b") == f"sha256:{SHA}"
    blob.write_bytes(b"GGUF damaged")
    with pytest.raises(NodeError) as caught:
        resolve("ollama:tiny:1b")
    assert caught.value.code == "weights/wrong-hash"


def test_ollama_without_the_model(store: Path) -> None:
    with pytest.raises(NodeError) as caught:
        resolve("ollama:other")
    assert "ollama pull other:latest" in caught.value.fix


def test_an_ollama_server_says_where_the_file_is(
    store: Path, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "elsewhere"))
    monkeypatch.setenv("OLLAMA_HOST", site.url)
    blob = store / f"blobs/sha256-{SHA}"
    modelfile = f"# Modelfile\nFROM {blob}\nTEMPLATE x\n"
    site.files["/api/show"] = json.dumps({"modelfile": modelfile}).encode()
    assert resolve("ollama:tiny:1b") == blob


def gguf(values: dict[str, tuple[int, bytes]]) -> bytes:
    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    body = b"".join(text(k) + struct.pack("<I", kind) + raw for k, (kind, raw) in values.items())
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(values)) + body


def test_a_header_with_heads_per_layer(tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    name = struct.pack("<Q", 1) + b"m"
    numbers = {"block_count": 2, "embedding_length": 64, "attention.head_count": 4}
    values = {"general.architecture": (8, name)} | {
        f"m.{key}": (4, struct.pack("<I", value)) for key, value in numbers.items()
    }
    values["m.attention.head_count_kv"] = (9, struct.pack("<IQII", 4, 2, 1, 3))
    path.write_bytes(gguf(values))
    header = read_header(path)
    assert header is not None
    assert header.cache_bytes == (1 + 3) * (16 + 16) * 2
    whole = path.read_bytes()
    for kept in range(len(whole)):
        path.write_bytes(whole[:kept])
        assert read_header(path) is None


@given(st.binary(max_size=200))
def test_noise_is_no_header(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.gguf"
    path.write_bytes(b"GGUF" + struct.pack("<IQQ", 3, 0, 9) + noise)
    read_header(path)


def test_folders_follow_the_environment(tmp_path: Path) -> None:
    env = {"PATCHBAY_HOME": str(tmp_path), "PATCHBAY_WEIGHTS": "~/w"}
    assert home(env) == tmp_path
    assert cache_dir(env) == tmp_path / "cache"
    assert weights_dir(env) == Path.home() / "w"
    assert home({}).name == "patchbay"
    assert [offline({"PATCHBAY_OFFLINE": value}) for value in ("1", "true", "0", "", "no")] == [
        True, True, False, False, False,
    ]  # fmt: skip


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    write_atomic(path, "one")
    write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


LIMITED = """
import resource, signal, sys
from pathlib import Path
from patchbay.nodes.atomic import write_atomic
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomic(Path(sys.argv[1]), b"x" * 100_000)
except OSError as error:
    print(error.errno)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs a limit on the size of files")
def test_a_disk_that_is_full_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text("old")
    done = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.strip().isdigit()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "said"),
    [("hf:owner/repo", "hf:owner/repo@main"), ("hf:owner/repo@v1.2", "hf:owner/repo@v1.2")],
)
def test_a_repository_is_read(text: str, said: str) -> None:
    assert str(parse_repository(text)) == said


@pytest.mark.parametrize("text", ["hf:repo", "hf:a/b/c", "hf:../b", "hf:a/b@", "hf:a/b@x/y", "a/b"])
def test_what_is_no_repository_is_refused_in_the_same_words_everywhere(text: str) -> None:
    readers = [parse_repository, parse_hub]
    readers += [folder_id] if text.startswith("hf:") else []  # else it is a path
    for reader in readers:
        with pytest.raises(NodeError, match="is not a reference to a repository on a hub"):
            reader(text)
