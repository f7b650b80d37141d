"""Bad input at the command line: one clear message, an exit code, no traceback, nothing lost."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from patchbay.nodes.weights.manifest import DEFAULT
from patchbay.nodes.weights.resolve import resolve
from tests.flows.cli.conftest import SAVED, Patchbay
from tests.flows.runs.harness import OUT, flow

Save = Callable[..., Path]
ASK = SAVED / "ask.json"


def fails(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """It failed, said these words, and showed no traceback."""
    assert done.returncode == 1, (done.stdout, done.stderr)
    for word in words:
        assert word in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "\x1b" not in done.stderr
    assert "error [" in done.stderr
    assert "    → " in done.stderr


TEXTS = {
    "not JSON": ("{'a': 1}", ["JSON"]),
    "empty": ("", ["empty"]),
    "another shape": ('["a"]', ["flow"]),
    "another object": ('{"version": 3, "data": {}}', ["format"]),
    "from the future": ('{"format": 99, "nodes": []}', ["99"]),
    "nested": ('{"format": 1, "nodes": ' + "[" * 1000 + "]" * 1000 + "}", ["nested"]),
    "deeply nested": ("[" * 100_000, ["nested"]),
    "duplicate ids": (
        '{"format": 1, "nodes": [{"id": "a", "kind": "test.text"}, '
        '{"id": "a", "kind": "test.text"}]}',
        ['"a"'],
    ),
    "a path as id": (
        '{"format": 1, "nodes": [{"id": "../../x", "kind": "test.text"}]}',
        ["../../x", "letters"],
    ),
    "a control character as id": (
        '{"format": 1, "nodes": [{"id": "a\\u001b[31m", "kind": "test.text"}]}',
        ["letters"],
    ),
    "unknown kind": (
        '{"format": 1, "nodes": [{"id": "a", "kind": "model.askk"}]}',
        ["a", "model.askk", "model.ask"],
    ),
    "params of a wrong type": (
        '{"format": 1, "nodes": [{"id": "a", "kind": "model.ask", '
        '"params": {"max_tokens": "many"}}]}',
        ["a.max_tokens"],
    ),
    "an attribute in a template": (
        '{"format": 1, "nodes": [{"id": "p", "kind": "prompt.template", '
        '"params": {"template": "{x.__class__}"}}]}',
        ["p.template"],
    ),
    "a number in a template": (
        '{"format": 1, "nodes": [{"id": "p", "kind": "prompt.template", '
        '"params": {"template": "{0}"}}]}',
        ["p.template"],
    ),
    "a cycle": (
        '{"format": 1, "nodes": [{"id": "a", "kind": "test.upper"}, '
        '{"id": "b", "kind": "test.upper"}],'
        '"edges": [{"from": "a.text", "to": "b.text"}, {"from": "b.text", "to": "a.text"}]}',
        ["a", "b", "cycle"],
    ),
}


@pytest.mark.parametrize("command", ["run", "validate"])
@pytest.mark.parametrize("case", TEXTS)
def test_files_that_are_no_flow(
    patchbay: Patchbay, tmp_path: Path, case: str, command: str
) -> None:
    text, words = TEXTS[case]
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    fails(patchbay(command, path), *words)
    assert path.read_text(encoding="utf-8") == text


def test_a_file_of_50_megabytes(patchbay: Patchbay, tmp_path: Path) -> None:
    path = tmp_path / "big.json"
    path.write_bytes(b'{"format": 1, "name": "' + b"x" * 50_000_000 + b'"}')
    fails(patchbay("run", path), "MB")


def test_no_such_file(patchbay: Patchbay, tmp_path: Path) -> None:
    fails(patchbay("run", "nowhere.json"), "nowhere.json")
    fails(patchbay("run", tmp_path), "folder")
    fails(patchbay("run"), "patchbay run FLOW.json")


def test_every_problem_at_once(patchbay: Patchbay, save: Save) -> None:
    path = save(
        flow({"a": "test.upper", "b": ("model.ask", {"max_tokens": -1}), "c": "nope"}, []),
    )
    done = patchbay("validate", path, "--json")
    rows = json.loads(done.stdout)
    assert done.returncode == 1
    assert {row.get("node") for row in rows} >= {"a", "b", "c"}
    assert all(row["code"] and row["message"] for row in rows)
    assert all(row["fix"] for row in rows)


def test_inputs(patchbay: Patchbay, save: Save) -> None:
    path = save(
        flow(
            {"q": ("io.input", {"name": "question", "description": "What to ask."}), "o": OUT},
            ["q.value > o.value"],
        )
    )
    fails(patchbay("run", path), "question", "--input question=")
    fails(patchbay("run", path, "-i", "qestion=x"), 'Did you mean "question"?')
    fails(patchbay("run", path, "-i", "question"), "name=value")
    fails(patchbay("run", path, "-i", "question=@missing.txt"), "question", "missing.txt")
    fails(patchbay("run", path, "--set", "x.y=1"), '"x"')
    fails(patchbay("run", path, "--set", "q=1"), "model.temperature=0")
    fails(patchbay("run", path, "--only", "zz"), '"zz"')


def test_a_missing_secret(patchbay: Patchbay, save: Save) -> None:
    path = save(flow({"k": "test.leak", "o": OUT}, ["k.text > o.value"]))
    fails(patchbay("run", path), "PATCHBAY_TEST_KEY", "environment variable")
    shown = patchbay("run", path, "--events", "--record", PATCHBAY_TEST_KEY="open-sesame")
    assert "open-sesame" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("how", ["raise", "memory", "disk", "error"])
def test_a_node_that_fails(patchbay: Patchbay, save: Save, how: str) -> None:
    path = save(flow({"f": ("test.fail", {"how": how}), "o": OUT}, ["f.text > o.value"]))
    fails(patchbay("run", path), " f")
    debug = patchbay("run", path, "--debug")
    assert debug.returncode == 1
    assert "Traceback" in debug.stderr


@pytest.mark.parametrize("how", ["async", "thread"])
def test_a_node_that_hangs(patchbay: Patchbay, save: Save, how: str) -> None:
    node = ("test.hang", {"how": how}, {"timeout_s": 0.3})
    fails(patchbay("run", save(flow({"h": node, "o": OUT}, ["h.text > o.value"]))), "h", "0.3 s")


@pytest.mark.parametrize("what", ["type", "dict", "none"])
def test_a_node_that_returns_the_wrong_type(patchbay: Patchbay, save: Save, what: str) -> None:
    path = save(flow({"w": ("test.wrong", {"what": what}), "o": OUT}, ["w.text > o.value"]))
    fails(patchbay("run", path), "node/wrong-output", " w")


def test_a_prompt_that_does_not_fit_the_context(patchbay: Patchbay) -> None:
    done = patchbay(
        "run", ASK, "-i", "question=" + "word " * 2000, "--set", "model.context=512", "--no-cache"
    )
    fails(done, "ask", "512", "tokens")


def test_weights_that_are_no_weights(patchbay: Patchbay, tmp_path: Path) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"this is no model")
    fails(patchbay("run", ASK, "--set", f"model.weights={file}"), "ask", "model.gguf")


def test_weights_that_are_cut_off(patchbay: Patchbay, tmp_path: Path) -> None:
    whole = resolve(DEFAULT)
    file = tmp_path / "cut.gguf"
    with whole.open("rb") as source, file.open("wb") as target:
        target.write(source.read(20_000_000))
    fails(patchbay("run", ASK, "--set", f"model.weights={file}"), "ask", "cut.gguf")


def test_weights_with_a_wrong_hash_are_not_used(patchbay: Patchbay, tmp_path: Path) -> None:
    whole = resolve(DEFAULT)
    folder = tmp_path / "weights"
    folder.mkdir()
    shutil.copy(whole, folder / whole.name)
    with (folder / whole.name).open("r+b") as file:
        file.seek(50_000_000)
        file.write(b"\xff" * 64)
    done = patchbay("run", ASK, PATCHBAY_WEIGHTS=str(folder), PATCHBAY_OFFLINE="1")
    fails(done, "ask", "SHA-256")


def test_weights_that_are_absent_and_no_network(patchbay: Patchbay, tmp_path: Path) -> None:
    done = patchbay("run", ASK, PATCHBAY_WEIGHTS=str(tmp_path / "none"), PATCHBAY_OFFLINE="1")
    fails(done, "ask", "SmolLM2-135M-Instruct.Q4_1.gguf", str(tmp_path / "none"))


def test_unknown_weights_name_what_there_is(patchbay: Patchbay) -> None:
    fails(patchbay("run", ASK, "--set", "model.weights=gpt-17"), "smollm2-135m-instruct")
    fails(patchbay("models", "pull", "gpt-17"), "smollm2-135m-instruct")
