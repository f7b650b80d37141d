"""The kit for authors of backends, as one of them uses it: in a folder of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.documents import environment
from tests.paths import ROOT, python_path

AUTHORS = '''
import pytest
from patchbay.flows.testing import Backend, ModelConformance
from patchbay.nodes.testing import ScriptedModel

class TestMine(ModelConformance):
    """A model that heeds no limit of tokens."""

    @pytest.fixture(scope="class")
    @classmethod
    def backend(cls):
        lines = (("very long story", "The sea is wide and deep and old."), ("fruit", "A pear."))
        return Backend(ScriptedModel(lines=lines), lacks={"seed": "it reads from a script"})
'''


def test_a_backend_is_tested_in_a_package_of_its_own(tmp_path: Path) -> None:
    """Without our settings of pytest; what is missing is skipped, what is wrong fails."""
    (tmp_path / "test_mine.py").write_text(AUTHORS, encoding="utf-8")
    chosen = "silently or seed or limit_of_tokens"
    told = subprocess.run(
        [sys.executable, "-m", "pytest", "-rfs", "-p", "no:cacheprovider", "-k", chosen],
        cwd=tmp_path,
        env=environment(tmp_path / "home", PYTHONPATH=python_path()),
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    assert "1 failed, 1 passed, 1 skipped" in told
    assert "FAILED test_mine.py::TestMine::test_the_limit_of_tokens_holds" in told
    assert "it reads from a script" in told


def test_only_the_kit_needs_pytest() -> None:
    """It is no dependency of what is installed."""
    sources = [
        path for layer in ("nodes", "flows", "studio") for path in (ROOT / layer).rglob("*.py")
    ]
    needing = [path for path in sources if "import pytest" in path.read_text(encoding="utf-8")]
    assert [str(path.relative_to(ROOT)) for path in needing] == ["flows/testing.py"]
