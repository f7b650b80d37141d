"""Files that are generated and committed are up to date."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from patchbay.flows import codes
from patchbay.flows.checks.rules import page as problems
from patchbay.flows.document import operations, schema
from patchbay.flows.exchange.imports import page as exchange
from patchbay.nodes import docs
from patchbay.nodes.generated import main

PAGES = [
    (schema.SCHEMA_FILE, schema.schema_text),
    (problems.PAGE, problems.page_text),
    (codes.PAGE, codes.page_text),
    (docs.PAGE, docs.page_text),
    (exchange.PAGE, exchange.page_text),
]


@pytest.mark.parametrize(("page", "text"), PAGES, ids=lambda value: getattr(value, "name", ""))
def test_the_committed_file_is_up_to_date(page: Path, text: Callable[[], str]) -> None:
    assert main(page, text, "it", ["--check"]) == 0, f"{page.name} has drifted: make generate"


def test_the_schema_does_not_depend_on_what_else_is_imported() -> None:
    assert operations.AddNode.__base__ in schema.Flow.__mro__
    assert "AddNode" not in schema.schema_text()


def test_a_file_that_has_drifted_is_named_with_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("old", encoding="utf-8")

    assert main(page, lambda: "new", "some.module", ["--check"]) == 1
    assert "page.md has drifted. Run: python -m some.module --write" in capsys.readouterr().err
    assert main(page, lambda: "new", "some.module", ["--write"]) == 0
    assert main(page, lambda: "new", "some.module", ["--check"]) == 0
