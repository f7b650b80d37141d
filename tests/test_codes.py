"""Every code that the source names is in a register, and every registered code is used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from patchbay.flows.checks.rules import RULES
from patchbay.flows.codes import BATCH_CODES, FILE_CODES, RUN_CODES, SERVE_CODES
from patchbay.nodes.codes import NODE_CODES

ROOT = Path(__file__).parent.parent
REGISTERS = ("nodes/codes.py", "flows/codes.py", "flows/checks/rules/__init__.py")
PLACES = ("flows/exchange/imports/n8n_items.py",)
"""Files that name places inside values of others, which look as codes do."""
MEDIA_TYPES = ("application", "audio", "image", "multipart", "text", "video")
_LOOKS_LIKE_ONE = re.compile(r"[a-z]/[a-z0-9-]")


@cache
def named() -> list[tuple[str, str]]:
    """Every text that looks like a code, and the file it stands in."""
    return list(_named())


def _named() -> Iterator[tuple[str, str]]:
    for layer in ("nodes", "flows", "studio"):
        for path in (ROOT / layer).rglob("*.py"):
            where = str(path.relative_to(ROOT))
            if where in (*REGISTERS, *PLACES) or "node_modules" in path.parts:
                continue
            source = path.read_text(encoding="utf-8")
            if not _LOOKS_LIKE_ONE.search(source):
                continue
            for node in ast.walk(ast.parse(source)):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    family, _, _ = node.value.partition("/")
                    if not re.fullmatch(r"[a-z]+/[a-z0-9-]+", node.value):
                        continue
                    if family not in MEDIA_TYPES and not (ROOT / node.value).is_dir():
                        yield node.value, where


REGISTER = {**FILE_CODES, **BATCH_CODES, **RUN_CODES, **SERVE_CODES, **NODE_CODES}
OF_RULES = {rule.code for rule in RULES}


def test_every_code_is_registered() -> None:
    unknown = {code: where for code, where in named() if code not in REGISTER.keys() | OF_RULES}
    assert unknown == {}, "add them to nodes/codes.py or flows/codes.py, then `make generate`"


def test_every_registered_code_is_used() -> None:
    assert set(REGISTER) - {code for code, _ in named()} == set()


def test_codes_of_nodes_are_registered_with_the_nodes() -> None:
    mine = {code for code, where in named() if where.startswith("nodes/")}
    assert mine - NODE_CODES.keys() - RUN_CODES.keys() - FILE_CODES.keys() == set()


def test_every_meaning_is_a_sentence() -> None:
    assert [code for code, text in REGISTER.items() if not re.match(r"[A-Z].*\.$", text)] == []
