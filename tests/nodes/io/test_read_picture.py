"""A picture is what its first bytes say; anything else is refused."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from patchbay.nodes.contract import NodeError
from patchbay.nodes.figures import Picture
from patchbay.nodes.io.files import file_ref
from patchbay.nodes.io.read_picture import ReadPicture
from patchbay.nodes.testing import RecordingContext, run_node

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def read(path: Path, data: bytes, **params) -> Picture:
    path.write_bytes(data)
    return run_node(ReadPicture, params, {"file": file_ref(path, "test")})["picture"]


def refused(path: Path, data: bytes, **params) -> NodeError:
    with pytest.raises(NodeError) as caught:
        read(path, data, **params)
    return caught.value


def test_a_picture_is_passed_on_as_it_is(tmp_path: Path):
    picture = read(tmp_path / "a.png", PNG, alt="One red dot")
    assert (picture.media, picture.alt, picture.size) == ("image/png", "One red dot", len(PNG))
    assert base64.b64decode(picture.data) == PNG


@pytest.mark.parametrize(
    ("head", "media"),
    [
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\x1a\x00\x00\x00WEBPVP8 ", "image/webp"),
    ],
)
def test_the_first_bytes_tell_the_format_and_the_name_does_not(
    tmp_path: Path, head: bytes, media: str
):
    assert read(tmp_path / "a.txt", head + b"rest").media == media


@pytest.mark.parametrize(
    "data", [b"", b"<svg onload='x'/>", b"RIFF\x00\x00\x00\x00WAVE", b"%PDF-1.7"]
)
def test_anything_else_is_refused_whatever_it_is_called(tmp_path: Path, data: bytes):
    error = refused(tmp_path / "a.png", data)
    assert error.code == "io/not-a-picture"
    assert "a.png" in error.message


def test_a_larger_file_is_refused_with_the_limit(tmp_path: Path):
    assert refused(tmp_path / "a.png", PNG * 20, limit_mb=0.001).code == "io/file-too-large"


def test_a_file_that_has_changed_is_refused(tmp_path: Path):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)
    ref = file_ref(path, "test")
    path.write_bytes(PNG + b"x")
    with pytest.raises(NodeError) as caught:
        run_node(ReadPicture, inputs={"file": ref})
    assert caught.value.code == "io/file-changed"


def test_a_path_starts_at_the_folder_of_the_flow_and_a_changed_picture_is_another(tmp_path: Path):
    (tmp_path / "dot.png").write_bytes(PNG)
    params = ReadPicture.Params(path="dot.png")
    before = ReadPicture.content(params, tmp_path)
    picture = run_node(ReadPicture, {"path": "dot.png"}, ctx=RecordingContext(folder=tmp_path))[
        "picture"
    ]
    assert base64.b64decode(picture.data) == PNG
    (tmp_path / "dot.png").write_bytes(PNG + b"x")
    assert ReadPicture.content(params, tmp_path) != before
    assert ReadPicture.content(ReadPicture.Params(), tmp_path) is None


def test_a_wired_file_comes_before_the_path(tmp_path: Path):
    (tmp_path / "other.png").write_bytes(b"GIF89a")
    (tmp_path / "a.png").write_bytes(PNG)
    params, ref = {"path": str(tmp_path / "other.png")}, file_ref(tmp_path / "a.png", "test")
    assert run_node(ReadPicture, params, {"file": ref})["picture"].media == "image/png"


@pytest.mark.parametrize("path", ["", "  ", "gone.png", "."])
def test_no_picture_is_said_with_what_to_do(tmp_path: Path, path: str):
    with pytest.raises(NodeError) as caught:
        run_node(ReadPicture, {"path": path}, ctx=RecordingContext(folder=tmp_path))
    assert caught.value.code in ("io/no-such-file", "io/not-a-file")
    assert caught.value.fix
