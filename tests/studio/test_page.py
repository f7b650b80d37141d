"""The page that a browser gets first: Streamlit's, with our style, icon and list of scripts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient
from streamlit import file_util

from patchbay.studio.server.frontend import STATIC
from patchbay.studio.server.page import ASSETS, DRAWN_WITH, ELEMENTS, pages, scripts_of

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(file_util.get_static_dir()) / "static" / "js"
PRELOADED = re.compile(r'<link rel="modulepreload" crossorigin href="([^"]+)">')


def get(path: str, base: str = "") -> str:
    answer = TestClient(Starlette(routes=pages(base))).get(path)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("name", ["", *DRAWN_WITH])
def test_every_page_has_our_style_and_names_scripts_that_are_there(name: str):
    text = get(f"/{name}")
    assert (ASSETS / "studio.css").read_text("utf-8") in text
    assert text.index("<style>") > text.index("</head>")  # after Streamlit's rules
    named = PRELOADED.findall(text)
    assert len(named) == len(set(named))
    for address in named:
        folder = STATIC if address.startswith("./app/static/") else SCRIPTS
        assert (folder / address.rpartition("/")[2]).is_file(), address


def test_pages_name_the_scripts_that_they_begin_with():
    for name, scripts in DRAWN_WITH.items():
        ours = [a for a in PRELOADED.findall(get(f"/{name}")) if a.startswith("./app/static/")]
        assert [re.sub(r".*/(\w+)-.*", r"\1", address) for address in ours] == list(scripts)
    flows = get("/")
    for element in ELEMENTS:
        assert f"./static/js/{element}." in flows
        assert f"./static/js/{element}." not in get("/runs")


def test_every_page_of_the_studio_is_one_of_them():
    main = (ROOT / "studio" / "main.py").read_text("utf-8")
    assert set(re.findall(r'url_path="(\w+)"', main)) == set(DRAWN_WITH)


def test_pages_lie_below_the_base_path():
    for path in ("/a/b", "/a/b/", "/a/b/flows", "/a/b/editor"):
        assert "<title>Patchbay</title>" in get(path, "/a/b/")


def test_the_icon_is_ours():
    answer = TestClient(Starlette(routes=pages())).get("/favicon.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content == (ASSETS / "icon.png").read_bytes()


def test_scripts_bring_what_they_import(tmp_path: Path):
    (tmp_path / "A.1.js").write_text('import{a}from"./B.2.js";import"./C.3.js";import("./D.4.js")')
    (tmp_path / "B.2.js").write_text("export{b}from`./A.1.js`;import x from'./gone.js'")
    (tmp_path / "C.3.js").write_text("")
    (tmp_path / "D.4.js").write_text("")
    assert scripts_of(tmp_path, ["A", "Unknown"]) == ["A.1.js", "B.2.js", "C.3.js"]
