"""The vector store on PostgreSQL with pgvector; `make test-databases` starts one."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.retrieval.store_node import FilledStore
from tests.needs import needs
from tests.nodes.retrieval.test_store_node import LETTERS, TEXTS, found

URL = os.environ.get("PATCHBAY_TEST_PGVECTOR", "")
on_server = pytest.mark.skipif(not URL, reason="needs a PostgreSQL server with pgvector")
pytestmark = needs("psycopg")

LAYOUTS = {
    "n8n": ("n8n_vectors", "id int, text text, metadata jsonb, embedding vector(32)",
            ("text", "metadata")),
    "flowise": ("documents", '"id" int, "pageContent" text, metadata jsonb, embedding vector(32)',
                ("pageContent", "metadata")),
    "haystack": ("haystack documents", "id int, embedding halfvec(32), content text, meta jsonb",
                 ("content", "meta")),
}  # fmt: skip


def told(vector: list[float]) -> str:
    return json.dumps(vector)


def searched(**params: Any) -> list[Any]:
    return found(store="pgvector", url=URL, allow_loopback=True, **params)


@on_server
@pytest.mark.parametrize("layout", LAYOUTS)
def test_tables_of_others_are_searched(layout: str):
    import psycopg

    table, columns, (text, meta) = LAYOUTS[layout]
    with psycopg.connect(URL, autocommit=True) as con:
        con.execute(f'drop table if exists "{table}"')
        con.execute(f'create table "{table}" ({columns})')
        for number, one in enumerate(TEXTS):
            con.execute(
                f'insert into "{table}" (id, "{text}", {meta}, embedding) values (%s, %s, %s, %s)',
                [number, one, json.dumps({"n": number}), told(LETTERS.embed_query(one))],
            )
    first, second = searched(collection=table)
    assert (first.text, second.text) == ("aaa", "abc")
    assert (first.metadata["n"], first.metadata["id"]) == (0, 0)
    assert first.score is not None
    assert first.score > 0.99 > (second.score or 0)
    assert [one.text for one in searched(collection=table, threshold=0.9)] == ["aaa"]
    assert searched(collection=table, space="embedding")[0].text == "aaa"
    with pytest.raises(NodeError, match="no column 'other' of vectors"):
        searched(collection=table, space="other")


@on_server
def test_a_collection_of_langchain_is_searched_alone():
    import psycopg

    with psycopg.connect(URL, autocommit=True) as con:
        con.execute("drop table if exists langchain_pg_embedding, langchain_pg_collection")
        con.execute(
            "create table langchain_pg_collection (uuid uuid, name varchar, cmetadata json)"
        )
        con.execute(
            "create table langchain_pg_embedding (id varchar, collection_id uuid, "
            "embedding vector(32), document varchar, cmetadata jsonb)"
        )
        for place, (name, texts) in enumerate((("notes", TEXTS), ("others", ["aaaa"]))):
            uuid = f"00000000-0000-0000-0000-00000000000{place}"
            con.execute(
                "insert into langchain_pg_collection values (%s, %s, %s)", [uuid, name, "{}"]
            )
            for number, text in enumerate(texts):
                con.execute(
                    "insert into langchain_pg_embedding values (%s, %s, %s, %s, %s)",
                    [str(number), uuid, told(LETTERS.embed_query(text)), text, '{"n": 1}'],
                )
    assert [one.text for one in searched(collection="notes")] == ["aaa", "abc"]
    [other] = searched(collection="others")
    assert (other.text, other.metadata) == ("aaaa", {"n": 1, "id": "0"})
    with pytest.raises(NodeError, match="no table or collection 'nope'"):
        searched(collection="nope")


@on_server
@pytest.mark.parametrize(
    ("collection", "words"),
    [("pg_class", "no column of vectors|no table"), ('x"; drop table documents; --', "no table"),
     ("", "at least 1 character")],
)  # fmt: skip
def test_what_is_no_collection_is_said(collection: str, words: str):
    with pytest.raises((NodeError, ValidationError), match=words):
        searched(collection=collection)


def test_nobody_answers():
    with pytest.raises(NodeError, match="PostgreSQL does not answer") as error:
        found(store="pgvector", url="postgresql://127.0.0.1:1/x", allow_loopback=True, seconds=3)
    assert error.value.code == "retrieval/store"


@pytest.mark.parametrize(
    "url", ["postgresql://127.0.0.1/x", "postgresql:///x", "postgres://u@[::1]/x",
            "postgresql://10.0.0.1/x", "postgresql:///x?host=/var/run/postgresql",
            "postgresql://[::ffff:10.0.0.1]/x", "postgresql://[64:ff9b::a00:1]/x",
            "postgresql://[fec0::1]/x", "postgresql://192.0.2.1/x", "postgresql:///x?host=@abstract"]
)  # fmt: skip
def test_this_machine_and_private_networks_are_refused(url: str):
    with pytest.raises(NodeError, match=r"not a public address|on this machine"):
        found(store="pgvector", url=url)


@pytest.mark.parametrize(
    ("url", "words"),
    [("postgresql:///x?hostaddr=10.0.0.1", "says hostaddr"),
     ("postgresql:///x?host=10.0.0.1", "not a public address"),
     ("postgresql:///x?h%6fst=169.254.169.254", "not a public address"),
     ("postgresql://127.0.0.1,10.0.0.1/x", "several hosts"),
     ("postgresql:///x?service=prod", "says service"),
     ("postgresql://127.0.0.1/x?nope=1", "none of PostgreSQL's")],
)  # fmt: skip
def test_leave_for_this_machine_is_none_for_its_network(url: str, words: str):
    with pytest.raises(NodeError, match=words):
        found(store="pgvector", url=url, allow_loopback=True)


@pytest.mark.parametrize(
    "params",
    [
        {"store": "pgvector", "url": "http://x"},
        {"store": "qdrant", "url": "postgresql://x/y"},
        {"store": "pgvector", "url": "postgresql://u:secret@x/y"},
        {"store": "pgvector", "url": "postgresql://u:sec/ret@x/y"},
        {"store": "pgvector", "url": "postgresql://u@x/y?password=secret"},
        {"store": "pgvector", "url": "postgres:///y?host=x&sslpassword=secret"},
        {"store": "pgvector", "folder": "x"},
    ],
)
def test_settings_that_do_not_go_together(params: dict[str, Any]):
    with pytest.raises(ValidationError):
        FilledStore.Params.model_validate(params)
