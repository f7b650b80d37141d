"""Canonical text: one line for one thing, the same flow back, and a file that is whole or old."""

from __future__ import annotations

import difflib
import os
import resource
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patchbay.flows.document.model import Edge, Flow, Group, NodeInstance, Note, Place, RunPolicy
from patchbay.flows.document.reading import read_flow, read_text
from patchbay.flows.document.writing import canonical_text, save_flow
from patchbay.flows.problems import FlowError
from patchbay.flows.secret_shapes import holds_secret, secret_kind, secrets_in
from tests.flows.checks.rules_kit import flow, node

FLOW = Flow(
    name="Grüße 👋",
    description="First line\nsecond line",
    nodes=(
        NodeInstance(id="b", kind="test.step", params={"z": {"y": 1, "x": [1, {}]}, "a": "two"}),
        NodeInstance(id="a", kind="test.step", version=3, title="A", disabled=True),
        NodeInstance(id="c", kind="test.step", run=RunPolicy(retries=2, timeout_s=60)),
    ),
    edges=(Edge(source="b.text", target="a.text"), Edge(source="a.text", target="c.text")),
    notes=(Note(id="n", text="look\nhere"),),
    groups=(Group(id="g", nodes=("a", "b")),),
    layout={"b": Place(x=320.0, y=80.5), "a": Place(x=-1, y=0, w=200)},
)

TEXT = """\
{
  "format": 1,
  "name": "Grüße 👋",
  "description": "First line\\nsecond line",
  "nodes": [
    {
      "id": "b",
      "kind": "test.step",
      "version": 1,
      "params": {
        "a": "two",
        "z": {
          "y": 1,
          "x": [
            1,
            {}
          ]
        }
      }
    },
    {
      "id": "a",
      "kind": "test.step",
      "version": 3,
      "title": "A",
      "disabled": true
    },
    {
      "id": "c",
      "kind": "test.step",
      "version": 1,
      "run": {
        "retries": 2,
        "timeout_s": 60
      }
    }
  ],
  "edges": [
    {"from": "b.text", "to": "a.text"},
    {"from": "a.text", "to": "c.text"}
  ],
  "notes": [
    {
      "id": "n",
      "text": "look\\nhere"
    }
  ],
  "groups": [
    {
      "id": "g",
      "nodes": [
        "a",
        "b"
      ]
    }
  ],
  "layout": {
    "a": {"x": -1, "y": 0, "w": 200},
    "b": {"x": 320, "y": 80.5}
  }
}
"""


def test_the_canonical_text_in_full() -> None:
    assert canonical_text(FLOW) == TEXT
    assert read_text(TEXT) == FLOW


def test_an_empty_flow() -> None:
    assert canonical_text(Flow()) == (
        '{\n  "format": 1,\n  "name": "Untitled",\n  "nodes": [],\n  "edges": []\n}\n'
    )


def _changed(before: Flow, after: Flow) -> list[str]:
    lines = difflib.ndiff(canonical_text(before).splitlines(), canonical_text(after).splitlines())
    return [line for line in lines if line.startswith(("+", "-"))]


CHANGES: dict[str, tuple[Callable[[Flow], Flow], list[str]]] = {
    "move": (
        lambda f: f.model_copy(update={"layout": {**f.layout, "b": Place(x=1, y=2)}}),
        ['-     "b": {"x": 320, "y": 80.5}', '+     "b": {"x": 1, "y": 2}'],
    ),
    "param": (
        lambda f: f.with_params({"b": {"a": "three"}}),
        ['-         "a": "two",', '+         "a": "three",'],
    ),
    "wire": (
        lambda f: f.model_copy(
            update={"edges": (Edge(source="b.text", target="a.extra"), *f.edges[1:])}
        ),
        [
            '-     {"from": "b.text", "to": "a.text"},',
            '+     {"from": "b.text", "to": "a.extra"},',
        ],
    ),
    "rename": (
        lambda f: f.model_copy(update={"name": "New"}),
        ['-   "name": "Grüße 👋",', '+   "name": "New",'],
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_one_changed_thing_is_one_changed_line(name: str) -> None:
    change, lines = CHANGES[name]
    assert _changed(FLOW, change(FLOW)) == lines


def test_characters_that_act_on_a_screen_are_written_as_escapes() -> None:
    text = canonical_text(flow([node("a", "step", mode="\x7f\x9b\u202e\u2028\x00\x1b")]))
    assert r'"\u007f\u009b\u202e\u2028\u0000\u001b"' in text
    assert text.isascii()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800", {"\udfff": 1}, object()])
def test_what_json_cannot_say_is_refused(value: Any) -> None:
    broken = Flow(nodes=(NodeInstance.model_construct(**_fields(value)),))
    with pytest.raises(FlowError) as caught:
        canonical_text(broken)
    assert caught.value.problems[0].code == "file/not-json"


def _fields(value: Any) -> dict[str, Any]:
    whole = NodeInstance(id="a", kind="k").__dict__
    return {**whole, "params": {"x": value}}


# --- any flow -----------------------------------------------------------------------------------

ids = st.from_regex(r"[A-Za-z_][A-Za-z0-9_-]{0,6}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
lines = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=20)
numbers = st.floats(allow_nan=False, allow_infinity=False)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
ends = st.builds("{}.{}".format, ids, ids)
places = st.builds(Place, x=numbers, y=numbers, w=st.none() | numbers, h=st.none() | numbers)
policies = st.builds(
    RunPolicy,
    retries=st.integers(0, 20),
    backoff_s=st.floats(0, 300),
    timeout_s=st.none() | st.floats(0.001, 1e6),
    on_error=st.sampled_from(["fail", "continue"]),
    cache=st.sampled_from(["auto", "always", "never"]),
)


@st.composite
def any_flow(draw: st.DrawFn) -> Flow:
    names = draw(st.lists(ids, unique=True, max_size=8))
    cut = draw(st.integers(0, len(names)))
    end = draw(st.integers(cut, len(names)))
    nodes = tuple(
        draw(
            st.builds(
                NodeInstance,
                id=st.just(name),
                kind=st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=9),
                version=st.integers(1, 9),
                title=st.none() | lines,
                disabled=st.booleans(),
                params=st.dictionaries(texts, values, max_size=3),
                run=policies,
            )
        )
        for name in names[:cut]
    )
    return Flow(
        name=draw(lines),
        description=draw(texts),
        nodes=nodes,
        edges=tuple(
            Edge(source=s, target=t) for s, t in draw(st.lists(st.tuples(ends, ends), max_size=4))
        ),
        notes=tuple(Note(id=name, text=draw(texts)) for name in names[cut:end]),
        groups=tuple(
            Group(id=name, title=draw(lines), nodes=tuple(names[:2]), folded=draw(st.booleans()))
            for name in names[end:]
        ),
        layout=draw(st.dictionaries(ids | texts, places, max_size=4)),
    )


@given(any_flow())
def test_reading_gives_the_flow_back_and_writing_the_same_text(given_flow: Flow) -> None:
    text = canonical_text(given_flow)
    again = read_text(text.encode())
    assert again == given_flow
    assert canonical_text(again) == text


@given(any_flow(), places)
def test_moving_touches_only_the_layout(given_flow: Flow, place: Place) -> None:
    moved = given_flow.model_copy(update={"layout": {**given_flow.layout, "a": place}})
    before, after = canonical_text(given_flow), canonical_text(moved)
    mark = '\n  "layout": {'
    # The last part before the layout has a comma after it, or not.
    assert before.split(mark)[0].rstrip(",}\n") == after.split(mark)[0].rstrip(",}\n")


# --- disk ---------------------------------------------------------------------------------------


def test_a_saved_file_is_the_canonical_text(tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    save_flow(FLOW, path)
    assert path.read_text(encoding="utf-8") == TEXT
    assert read_flow(path) == FLOW
    assert [entry.name for entry in tmp_path.iterdir()] == ["flow.json"]


def test_saving_keeps_mode_and_link(tmp_path: Path) -> None:
    real, link = tmp_path / "real.json", tmp_path / "link.json"
    save_flow(Flow(), real)
    real.chmod(0o640)
    link.symlink_to(real)
    save_flow(FLOW, link)
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == TEXT
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


def test_a_new_file_follows_the_umask(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)  # in a folder of one's own it would be for nobody else
    before = os.umask(0o027)
    try:
        save_flow(Flow(), tmp_path / "flow.json")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "flow.json").stat().st_mode) == 0o640


def test_a_full_disk_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    save_flow(FLOW, path)
    big = Flow(description="x" * 20_000)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # the write then fails as a full disk's
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(FlowError) as caught:
            save_flow(big, path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert caught.value.problems[0].code == "file/unwritable"
    assert path.read_text(encoding="utf-8") == TEXT
    assert [entry.name for entry in tmp_path.iterdir()] == ["flow.json"]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(FlowError) as caught:
        save_flow(FLOW, tmp_path / "no" / "flow.json")
    assert caught.value.problems[0].code == "file/unwritable"


# --- secrets ------------------------------------------------------------------------------------

# Put together here, so that no scanner takes this file for a leak.
SECRETS = [
    "sk-" + "a1" * 16,
    "sk-proj-" + "a1" * 16,
    "sk-ant-" + "api03-" + "a1" * 16,
    "hf_" + "Ab1" * 11,
    "ghp_" + "Ab1" * 12,
    "github_pat_" + "11ABC0" * 5,
    "glpat-" + "a1" * 10,
    "AKIA" + "ABCD" * 4,
    "AIza" + "a1" * 18,
    "xoxb-" + "123456789012-" + "abc",
    "gsk_" + "a1" * 16,
    "Bearer " + "a1" * 16,
    "-----BEGIN " + "RSA PRIVATE KEY-----\nMIIE",
    "-----BEGIN " + "PRIVATE KEY-----\nMIIE",
    "eyJ" + "hbGciOiJIUzI1" + ".eyJ" + "zdWIiOiIxMjM0" + "." + "a1" * 12,
    "postgres://someone:" + "hunter22" + "@db/main",
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_key_is_never_saved_and_never_repeated(secret: str, tmp_path: Path) -> None:
    path = tmp_path / "flow.json"
    for params in ({"mode": secret}, {"mode": f"key = {secret} !"}, {"mode": [{"deep": secret}]}):
        with pytest.raises(FlowError) as caught:
            save_flow(flow([node("a", "step", **params)]), path)
        (problem,) = caught.value.problems
        assert (problem.code, problem.node, problem.param) == ("params/plain-secret", "a", "mode")
        assert secret not in str(problem)
    assert not path.exists()


def test_asked_whether_there_is_a_key_the_answer_is_that_of_the_search() -> None:
    key = "sk-" + "a" * 30
    told = [key, {"a": [1, None, {"b": key}]}, {key: True}, [[], {"a": "plain", "b": 0.5}], "sk-1"]
    for value in told:
        assert holds_secret(value) is bool(list(secrets_in(value)))


def test_a_key_as_a_name_of_a_param_is_not_repeated_either(tmp_path: Path) -> None:
    broken = flow([node("a", "step", **{SECRETS[0]: 1, "x": {SECRETS[1]: 2}})])
    with pytest.raises(FlowError) as caught:
        save_flow(broken, tmp_path / "flow.json")
    assert not any(secret in str(caught.value) for secret in SECRETS)


def test_notes_and_descriptions_are_looked_at_too(tmp_path: Path) -> None:
    for broken in (
        Flow(description=SECRETS[0]),
        Flow(notes=(Note(id="n", text=SECRETS[3]),)),
        Flow(nodes=(NodeInstance(id="a", kind="k", title=SECRETS[0]),)),
    ):
        with pytest.raises(FlowError):
            save_flow(broken, tmp_path / "flow.json")


@pytest.mark.parametrize(
    "text",
    [
        "Use sk-learn to sort risk-averse tasks.",
        "Bearer of good news, said the messenger.",
        "https://example.org:8080/path?q=1",
        "see http://[::1]:80/@x and name@example.org",
        "{question}",
        "AKIA is a prefix",
        "smollm2-135m-instruct",
        "hf_hub_download",
        "a" * 64,
    ],
)
def test_ordinary_text_is_no_key(text: str) -> None:
    assert secret_kind(text) is None


def test_a_reference_to_a_secret_is_saved(tmp_path: Path) -> None:
    save_flow(flow([node("a", "step", key={"secret": "OPENAI_API_KEY"})]), tmp_path / "flow.json")
    assert (tmp_path / "flow.json").is_file()
