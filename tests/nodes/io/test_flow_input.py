"""What a caller gives becomes the value on the wire, or an error that names the input."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.io.flow_input import FlowInput
from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.values import Document, FileRef, Message


def parse(given, **params):
    field = FlowInput.flow_input(FlowInput.Params(name="x", **params))
    return field.parse(given)


def refused(given, **params) -> NodeError:
    with pytest.raises(NodeError) as caught:
        parse(given, **params)
    assert '"x"' in caught.value.message  # every refusal names the input
    assert caught.value.fix
    return caught.value


def test_the_field_repeats_the_params():
    field = FlowInput.flow_input(
        FlowInput.Params(
            name="size", kind="choice", choices=["S", "L"], default="S", description="D"
        )
    )
    assert (field.name, field.kind, field.required) == ("size", "choice", False)
    assert (field.default, field.choices, field.description) == ("S", ("S", "L"), "D")


def test_without_a_default_it_is_required():
    assert FlowInput.flow_input(FlowInput.Params()).required


@pytest.mark.parametrize(
    ("kind", "given", "value"),
    [
        ("text", "hello", "hello"),
        ("text", "", ""),
        ("text", 3.0, "3"),
        ("text", [Document(text="a"), Document(text="b")], "a\n\nb"),
        ("number", "3.5", 3.5),
        ("number", " -2 ", -2.0),
        ("number", 7, 7),
        ("json", '{"a": [1, null]}', {"a": [1, None]}),
        ("json", {"a": 1}, {"a": 1}),
        ("json", (1, 2), [1, 2]),
        ("json", [Message(role="user", content="hi")], [{"role": "user", "content": "hi"}]),
        ("messages", "hello", [Message(role="user", content="hello")]),
        (
            "messages",
            '[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]',
            [Message(role="user", content="a"), Message(role="assistant", content="b")],
        ),
        ("messages", {"role": "system", "content": "s"}, [Message(role="system", content="s")]),
        (
            "messages",
            ["a", Message(role="tool", content="b")],
            [Message(role="user", content="a"), Message(role="tool", content="b")],
        ),
        ("documents", {"text": "t", "metadata": {"k": 1}}, [Document(text="t", metadata={"k": 1})]),
        ("documents", [Document(text="t")], [Document(text="t")]),
        ("documents", "line one\nline two", [Document(text="line one\nline two")]),
        ("documents", [], []),
    ],
)
def test_accepted(kind, given, value):
    assert parse(given, kind=kind) == value


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        ("text", None, "takes text, but got nothing"),
        ("text", {"a": 1}, "takes text, but got JSON"),
        ("text", b"bytes", "takes text, but got a Python bytes"),
        ("number", "three", 'takes a number, but got "three"'),
        ("number", True, "takes a number, but got JSON"),
        ("number", "nan", 'takes a number, but got "nan"'),
        ("number", "1_000", 'takes a number, but got "1_000"'),
        ("number", "٣", "takes a number"),
        ("number", "infinity", "takes a number"),
        ("number", "0x10", "takes a number"),
        ("number", "1e999", "takes a number"),
        ("json", "{", "Expecting property name"),
        ("json", "hello", "Expecting value"),
        ("json", "[1e999]", "takes JSON"),
        ("json", "[" * 100_000, "nested too deep"),
        ("json", float("nan"), "takes JSON"),
        ("file", "", "takes the path of a file"),
        ("file", 3, "takes the path of a file"),
        ("documents", 3, "takes documents"),
        ("documents", {"txt": "t"}, "text: Field required"),
        ("documents", [None], "takes documents, but got nothing"),
    ],
)
def test_refused(kind, given, words):
    assert words in refused(given, kind=kind).message


def test_a_choice_lists_what_may_be_chosen():
    assert parse("L", kind="choice", choices=["S", "L"]) == "L"
    error = refused("XL", kind="choice", choices=["S", "L"])
    assert error.message == 'Input "x" takes one of "S", "L", but got "XL".'


def test_a_file_is_known_by_its_content(tmp_path: Path):
    path = tmp_path / "notes.bin"
    path.write_bytes(b"\x00\xff data")
    ref = FileRef(path=str(path), sha256=hashlib.sha256(b"\x00\xff data").hexdigest(), size=7)
    assert parse(str(path), kind="file") == ref
    assert parse(path, kind="file") == ref
    assert parse(ref, kind="file") == ref


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.txt").write_text("a")
    monkeypatch.chdir(tmp_path)
    assert parse("a.txt", kind="file").path == str(tmp_path / "a.txt")


@pytest.mark.parametrize("kind", ["file", "documents"])
@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("missing.txt", "there is no file", "io/no-such-file"),
        ("folder", "is a folder", "io/not-a-file"),
        ("nul\0byte", "cannot be read", "io/unreadable"),
        ("x" * 5000, "cannot be read", "io/unreadable"),
        ("loop", "cannot be read", "io/unreadable"),
        ("pipe", "is not a plain file", "io/not-a-file"),
    ],
)
def test_a_path_that_is_no_readable_file(tmp_path: Path, kind, name, words, code):
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    error = refused(str(tmp_path / name), kind=kind)
    assert words in error.message
    assert error.code == code


def test_documents_from_files_remember_their_source(tmp_path: Path):
    first, second = tmp_path / "a.txt", tmp_path / "b.md"
    first.write_bytes(b"\xef\xbb\xbfwith a mark")
    second.write_text("æøå", encoding="utf-8")
    found = parse([str(first), second], kind="documents")
    assert [(d.text, d.metadata["source"]) for d in found] == [
        ("with a mark", str(first)),
        ("æøå", str(second)),
    ]


@pytest.mark.parametrize("content", [b"\xff\xfe\x00binary", b"text with \x00 inside"])
def test_a_binary_document_is_refused_by_name(tmp_path: Path, content: bytes):
    path = tmp_path / "photo.txt"
    path.write_bytes(content)
    error = refused([str(path)], kind="documents")
    assert "photo.txt" in error.message
    assert "not a UTF-8 text file" in error.message


@pytest.mark.parametrize(
    "params",
    [
        {"name": "two words"},
        {"name": "1st"},
        {"name": "../x"},
        {"name": "declared"},
        {"name": "__class__"},
        {"kind": "choice"},
        {"kind": "choice", "choices": ["a"], "default": "b"},
        {"kind": "number", "default": "many"},
        {"kind": "json", "default": "{"},
        {"kind": "video"},
        {"colour": "red"},
    ],
)
def test_bad_params(params):
    with pytest.raises(ValidationError):
        FlowInput.Params(**params)


def test_files_are_not_touched_while_a_flow_is_checked():
    FlowInput.Params(kind="file", default="/no/such/file")


@pytest.mark.parametrize(
    ("kind", "type_id"),
    [
        ("text", "text"), ("number", "number"), ("choice", "text"),
        ("json", "json"), ("file", "file"), ("documents", "documents"),
    ],
)  # fmt: skip
def test_the_output_is_typed_by_the_kind(kind, type_id):
    ports = FlowInput.output_ports(FlowInput.Params(kind=kind, choices=["a"]))
    assert ports.declared["value"].type.ids == (type_id,)


def test_it_gives_what_the_run_was_given():
    ctx = RecordingContext(flow_inputs={"question": "Why?"})
    assert run_node(FlowInput, ctx=ctx) == {"value": "Why?"}
