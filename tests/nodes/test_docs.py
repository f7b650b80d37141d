"""The catalog page is what the generator writes, and its links lead somewhere."""

import re
import subprocess
import sys

from patchbay.nodes.builtin import BUILTIN
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.docs import PAGE, catalog_page


def test_the_page_is_up_to_date():
    done = subprocess.run(
        [sys.executable, "-m", "patchbay.nodes.docs", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_every_link_leads_to_a_heading():
    page = PAGE.read_text(encoding="utf-8")
    headings = {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    }
    links = re.findall(r"\(#([^)]+)\)", page)
    assert len(links) == len(BUILTIN)
    assert set(links) <= headings


def test_the_page_says_nothing_of_this_machine(monkeypatch):
    """Whether an optional package is installed here must not change the page."""
    before = catalog_page(Catalog(table=BUILTIN))
    monkeypatch.setattr(
        "patchbay.nodes.declaration.missing_packages", lambda node: ["surely_missing"]
    )
    assert catalog_page(Catalog(table=BUILTIN)) == before
