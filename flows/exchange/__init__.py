"""Flows in other forms: pictures and listings for people, scripts and files for other tools.

from flows.exchange import import_file
"""

from __future__ import annotations

from typing import Any

_HOME = {
    "Imported": "imports.reading",
    "FORMS": "exports",
    "exported": "exports",
    "import_bytes": "imports.reading",
    "import_data": "imports.reading",
    "import_file": "imports.reading",
    "import_files": "imports.reading",
    "merge": "three_way",
    "to_mermaid": "mermaid",
    "to_notebook": "python_script",
    "to_python": "python_script",
    "to_text": "text",
}

__all__ = [*_HOME]


def __getattr__(name: str) -> Any:
    """Import on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
