"""Python function: a declared name of an installed package, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.testing import run_node
from patchbay.nodes.tools.python_function import PythonFunction
from tests.paths import ROOT, python_path

CODE = """
print("imported")
def with_vat(price, rate=0.25):
    return round(price * (1 + rate), 2)
async def later(text):
    return text.upper()
def broken(text):
    raise RuntimeError("out of tea")
def odd(text):
    return object()
NOT_ONE = 7
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package as pip would install it: a module, and metadata that declares its functions."""
    (tmp_path / "my_shop_prices.py").write_text(CODE)
    info = tmp_path / "my_shop-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-shop\nVersion: 1.0\n")
    names = ["with_vat", "later", "broken", "odd"]
    lines = [f"{name} = my_shop_prices:{name}" for name in names]
    lines += ["number = my_shop_prices:NOT_ONE", "gone = my_shop_nothing:f"]
    (info / "entry_points.txt").write_text("[patchbay.functions]\n" + "\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path  # type: ignore[misc]
    sys.modules.pop("my_shop_prices", None)


def called(function: str, inputs: dict[str, str], gives: str = "json", **values: Any) -> Any:
    params = {"function": function, "inputs": inputs, "gives": gives}
    return run_node(PythonFunction, params, values)["result"]


def test_a_function_is_called_by_its_declared_name(package: Path):
    assert called("with_vat", {"price": "number"}, "number", price=8.0) == 10
    inputs = {"price": "number", "rate": "number"}
    assert called("with_vat", inputs, "number", price=8.0, rate=0.5) == 12
    assert called("later", {"text": "text"}, "text", text="a") == "A"


@pytest.mark.parametrize(
    ("function", "inputs", "code", "words"),
    [
        ("nope", {"text": "text"}, "function/unknown", "there are: broken, gone, later"),
        ("broken", {"text": "text"}, "function/failed", "RuntimeError: out of tea"),
        ("odd", {"text": "text"}, "function/type", "gives a Python object"),
        ("with_vat", {"text": "text"}, "function/type", "does not take these arguments"),
        ("number", {"text": "text"}, "function/unknown", "is no function"),
        ("gone", {"text": "text"}, "function/unknown", "cannot be imported"),
        ("os.system", {"text": "text"}, "function/unknown", "No installed package declares"),
    ],
)
def test_what_goes_wrong_is_said(
    package: Path, function: str, inputs: dict[str, str], code: str, words: str
):
    with pytest.raises(NodeError, match=words) as failure:
        called(function, inputs, text="true")
    assert failure.value.code == code


@pytest.mark.parametrize("function", ["os:system", "../x.py", "./x", "a\\b", ".x"])
def test_a_module_or_a_path_is_refused(function: str):
    with pytest.raises(ValidationError, match="module or a path"):
        PythonFunction.Params(function=function)


def test_checking_imports_nothing(package: Path):
    check = (
        "from patchbay.nodes.tools.python_function import PythonFunction as P\n"
        "p = P.Params(function='with_vat'); P.doubts(p, P.input_ports(p)())\n"
        "import sys; print('my_shop_prices' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=True,
        env={"PYTHONPATH": f"{python_path(ROOT)}:{package}", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout == "False\n"
    with pytest.raises(NodeError, match="No function is named"):
        PythonFunction.doubts(PythonFunction.Params(), PythonFunction.Inputs())
