"""Values that hold values: written, read back, and hashed by content."""

from __future__ import annotations

from typing import ClassVar

import pytest
from pydantic import ValidationError

from patchbay.nodes.values import (
    Chart,
    Document,
    ModelSpec,
    Picture,
    SecretRef,
    Spec,
    Table,
    as_text,
    compatible,
    content_hash,
    decode,
    encode,
    port_type,
    type_in_words,
)


class Small(ModelSpec):
    backend: ClassVar[str] = "small"
    file: str = "a"

    def content_key(self) -> str:
        return f"content of {self.file[0]}"


class Remote(ModelSpec):
    backend: ClassVar[str] = "remote"
    key: SecretRef | None = None


class Either(ModelSpec):
    backend: ClassVar[str] = "either"
    models: tuple[ModelSpec, ...]
    named: dict[str, ModelSpec] = {}


TYPES = {cls.tag(): cls for cls in (Small, Remote, Either)}
DEEP = Either(
    models=(Small(), Either(models=(Remote(key=SecretRef(secret="KEY")),))),
    named={"spare": Small(file="b")},
)


def test_nested_descriptions_come_back_as_they_were():
    assert decode(encode(DEEP), TYPES) == DEEP
    assert encode(DEEP)["models"][1]["models"][0]["key"] == {"$type": "secretref", "secret": "KEY"}


def test_the_content_of_what_is_inside_counts():
    def hash_of(file: str) -> str:
        return content_hash(Either(models=(Small(file=file),)))

    assert hash_of("a1") == hash_of("a2"), "the same content under another name"
    assert hash_of("a1") != hash_of("b1")


def test_parts_are_the_descriptions_in_the_fields():
    assert DEEP.parts() == (*DEEP.models, DEEP.named["spare"])
    assert Small().parts() == ()
    assert Remote(key=SecretRef(secret="KEY")).parts() == (), "a secret is not opened"


def test_an_unknown_type_inside_is_named():
    with pytest.raises(ValueError, match="chat model/small"):
        decode(encode(DEEP), {"chat model/either": Either})


TABLE = Table(columns=("model", "score"), rows=(("a|b", 0.123456), ("c", None)), title="Scores")


@pytest.mark.parametrize(
    "value",
    [
        TABLE,
        Chart(kind="bar", rows=({"x": "a", "y": 1.5},), x="x", y="y"),
        Picture(media="image/png", data="AAAA"),
    ],
)
def test_what_is_looked_at_travels(value):
    assert decode(encode(value)) == value
    declared = port_type(type(value))
    assert declared.accepts(value)
    assert type_in_words(value) == str(declared)
    assert not compatible(declared, port_type(Spec.__subclasses__()[0]))


def test_a_table_reads_as_markdown():
    assert as_text(TABLE).splitlines()[-2:] == ["| a\\|b | 0.1235 |", "| c |  |"]


def test_a_table_is_rectangular():
    with pytest.raises(ValidationError, match="row 2 has 1 cells for 2 columns"):
        Table(columns=("a", "b"), rows=((1, 2), (3,)))


def test_a_table_may_go_into_a_prompt_and_a_picture_may_not():
    from patchbay.nodes.values import Promptable

    assert compatible(port_type(Table), port_type(Promptable))
    assert not compatible(port_type(Picture), port_type(Promptable))


def test_a_picture_knows_its_size():
    assert [Picture(media="image/gif", data=d).size for d in ("AAAA", "AAA=", "AA==")] == [3, 2, 1]


def test_lists_of_documents_are_still_plain():
    documents = [Document(text="a", metadata={"$type": "odd"}, score=0.5)]
    assert decode(encode(documents)) == documents
