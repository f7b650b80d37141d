"""Every operation has a handler here and in the browser."""

from __future__ import annotations

import re
from typing import get_args

from patchbay.flows.document import operations
from patchbay.flows.document.handlers import HANDLERS
from patchbay.flows.document.model import Part
from patchbay.flows.document.operations import Batch, Operation
from tests.paths import ROOT

FRONTEND = ROOT / "studio" / "canvas" / "frontend" / "src"
CLASSES = get_args(get_args(Operation)[0])
NAMES = {cls.model_fields["op"].default for cls in CLASSES}


def test_every_class_of_an_operation_is_one() -> None:
    declared = {
        name
        for name, cls in vars(operations).items()
        if isinstance(cls, type) and issubclass(cls, Part) and "op" in cls.model_fields
    }
    assert declared == {cls.__name__ for cls in CLASSES}, "add it to Operation of operations.py"


def test_every_operation_has_a_handler() -> None:
    missing = {cls.__name__ for cls in CLASSES} - {cls.__name__ for cls in HANDLERS} - {"Batch"}
    assert missing == set(), "add them to HANDLERS of flows/document/handlers.py"
    assert Batch in CLASSES


def test_the_browser_knows_every_operation() -> None:
    model = (FRONTEND / "model.ts").read_text(encoding="utf-8")
    known = set(re.findall(r'\{\s*op: "(\w+)"', model))
    assert NAMES - known == set(), "add them to Op of frontend/src/model.ts, then to apply.ts"
    assert known - NAMES == {"undo", "redo"}, "operations that Python does not know"
