"""`patchbay experiment`."""

from __future__ import annotations

from pathlib import Path

from patchbay.flows.document.writing import canonical_text
from tests.flows.cli.conftest import Patchbay, environ, patchbay, plugin, ready  # noqa: F401
from tests.flows.experiments.small import ECHO, TABLE, own_home  # noqa: F401
from tests.flows.runs.harness import flow


def test_the_command(patchbay: Patchbay, tmp_path: Path) -> None:  # noqa: F811
    path, cases = tmp_path / "echo.json", tmp_path / "cases.csv"
    path.write_text(canonical_text(ECHO))
    cases.write_text(TABLE)
    args = ("experiment", str(path), "--cases", str(cases))
    vary = ("--vary", 'say.template=["{text}!", "{text}"]', "--check", "contains", "--check",
            "exact")  # fmt: skip
    done = patchbay(*args, *vary, "--at-least", "0.7")
    assert done.returncode == 0, done.stderr
    assert "8/8" in done.stderr
    assert "template={text}!" in done.stdout
    again = patchbay(*args, *vary, "--report", "md", "--at-least", "0.8")
    assert again.returncode == 1
    assert "The best variant scores 0.750, less than 0.8." in again.stderr
    assert "8/8" not in again.stderr
    assert "| 3 | text: three | 3 | [0] three! | [0] three |" in again.stdout
    page = tmp_path / "report.html"
    other = ("--vary", 'say.template=["no {text}", "{text}"]')
    best = patchbay(*args, *other, "--report", "html", "-o",
                    str(page), "--use-best", "--no-worse-than", "LAST")  # fmt: skip
    assert best.returncode == 0, best.stderr
    assert page.read_text().startswith("<!doctype html>")
    assert '"template": "{text}"' in path.read_text()
    bad = patchbay("experiment", str(path), "--cases", str(tmp_path / "none.csv"))
    assert bad.returncode == 1
    assert "experiment/cases" in bad.stderr


def test_an_input_that_no_case_has_is_said_before_anything_runs(
    tmp_path: Path,
    patchbay: Patchbay,  # noqa: F811
) -> None:
    two = flow(
        {
            "ask": ("io.input", {"name": "text"}),
            "how": ("io.input", {"name": "tone", "default": "plain"}),
            "say": ("prompt.template", {"template": "{text} {tone}"}),
            "out": ("io.output", {"name": "answer"}),
        },
        ["ask.value > say.text", "how.value > say.tone", "say.text > out.value"],
    )  # fmt: skip
    path, cases = tmp_path / "two.json", tmp_path / "cases.csv"
    path.write_text(canonical_text(two))
    cases.write_text("tone,txt,expected\nx,y,z\n")
    done = patchbay("experiment", str(path), "--cases", str(cases))
    assert done.returncode == 1
    assert 'No case has "text", which the flow needs.' in done.stderr
    assert 'The column "txt" is no input of the flow' in done.stderr
    # A default that is varied is given by the axis.
    vary = ("--vary", "ask.default=z,y", "--report", "csv")
    done = patchbay("experiment", str(path), "--cases", str(cases), *vary)
    assert done.returncode == 0, done.stderr
    assert "default=z,exact" in done.stdout


def test_what_cannot_be_compared_is_no_success(patchbay: Patchbay, tmp_path: Path) -> None:  # noqa: F811
    """CI asks whether something is worse: a file without a result, or of other variants, passed."""
    path, cases = tmp_path / "echo.json", tmp_path / "cases.csv"
    path.write_text(canonical_text(ECHO))
    cases.write_text(TABLE)
    args = ("experiment", str(path), "--cases", str(cases), "--quiet")
    for held in ('{"variants": {}}', "[]", '{"variants": [{"name": "a"}]}', "{}"):
        (tmp_path / "last.json").write_text(held)
        done = patchbay(*args, "--no-worse-than", str(tmp_path / "last.json"))
        assert (done.returncode, done.stdout) == (1, "")
        assert "last.json holds no result of an experiment." in done.stderr
    gone = patchbay(*args, "--no-worse-than", str(tmp_path / "gone.json"))
    assert "gone.json holds no result of an experiment: No such file or directory." in gone.stderr
    result = str(tmp_path / "then.json")
    assert patchbay(*args, "--report", "json", "-o", result).returncode == 0
    assert patchbay(*args, "--no-worse-than", result).returncode == 0
    other = patchbay(*args, "--vary", "say.template={text}!", "--no-worse-than", result)
    assert other.returncode == 1
    assert "Whether it is worse cannot be told" in other.stderr
    (tmp_path / "bare.csv").write_text("text\none\n")
    bare = ("experiment", str(path), "--cases", str(tmp_path / "bare.csv"), "--name", "bare")
    unscored = patchbay(*bare, "--check", "exact", "--check", "exact", "--at-least", "0.1")
    assert unscored.returncode == 1
    assert "No variant could be scored." in unscored.stderr
    assert unscored.stdout.count("as it is  exact") == 1
