"""`patchbay serve` told what cannot be: said, without a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.flows.runs.harness import OUT, flow


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ((), "No flow was named"),
        (("nothing.json",), "nothing.json"),
        (("case.json", "--no-key", "--key-from", "keys.toml"), "do not go together"),
        (("case.json", "--key-from", "missing.toml"), "cannot be read"),
        (("case.json", "--host", "256.0.0.1"), "cannot listen"),
        (("case.json", "case.json"), "Two flows"),
        (("broken.json",), "is not known"),
        (("--new-key", "ada"), "Which file"),
        (("--new-key", "ada b", "--key-from", "keys.toml"), "letters, digits"),
        (("empty",), "no flow to serve"),
        (("case.json", "--on", "slurm"), "cannot run on Slurm"),
        (("case.json", "--origin", "example.org"), "no origin of a web page"),
        (("case.json", "--origin", "https://*.example.org"), "no origin of a web page"),
        (("case.json", "--origin", "https:example.org"), "no origin of a web page"),
        (("case.json", "--name", "https://example.org"), "no host name"),
        (("case.json", "--on", "rya"), "no place"),
    ],
)
def test_what_is_wrong_is_said(patchbay, save, tmp_path: Path, given, says):
    save(flow({"a": "test.text", "o": OUT}, ["a.text > o.value"]))
    save(flow({"a": "no.such"}), "broken.json")
    (tmp_path / "empty").mkdir()
    done = patchbay("serve", "--port", "0", *given)
    assert done.returncode == 1
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("port", ["65536", "99999", "-1"])
def test_a_port_that_is_none(patchbay, save, port):
    save(flow({"a": "test.text", "o": OUT}, ["a.text > o.value"]))
    done = patchbay("serve", "case.json", "--port", port)
    assert done.returncode == 2
    assert "Invalid value for '--port'" in done.stderr


def test_a_key_for_a_caller(patchbay, tmp_path: Path):
    done = patchbay("serve", "--new-key", "ada", "--key-from", "keys.toml")
    assert done.returncode == 0
    key = done.stdout.strip()
    assert key.startswith("pb_")
    assert key not in done.stderr
    assert key not in (tmp_path / "keys.toml").read_text()
    assert "[ada]" in (tmp_path / "keys.toml").read_text()
