"""A checkout: there `patchbay` is the folder that holds `nodes`, `flows` and `studio`.

Where it is installed, with `pip install -e .`, Python knows that. Where it is not, what a person
starts by a file or a folder of it says so first: `streamlit run studio/app.py`, `python -m flows`.
They run this file by its place (`runpy`), since nothing can be imported from `patchbay` before.
"""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def lead() -> None:
    """Let `patchbay` be this checkout, also where another one is installed. Else do nothing."""
    if "patchbay" in sys.modules or not (ROOT / "pyproject.toml").exists():
        return
    spec = ModuleSpec("patchbay", None, is_package=True)
    spec.submodule_search_locations = [str(ROOT)]
    sys.modules["patchbay"] = module_from_spec(spec)


def become(layer: str) -> None:
    """Let `layer`, which was found as a folder of this checkout, mean `patchbay.<layer>`."""
    lead()
    from patchbay.nodes import former

    former.become(layer)
