"""The pipeline of a new node is what its file says."""

from __future__ import annotations

import pytest

from patchbay.nodes.haystack.example import READ
from patchbay.nodes.haystack.plan import variables
from patchbay.nodes.plain_yaml import plain_yaml


@pytest.mark.parametrize("text", READ)
def test_what_is_held_is_what_the_file_says(text: str) -> None:
    assert plain_yaml(text.encode()) == READ[text]


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("Answer: {{ question }} {{question}} {{ other_1 }}", ["other_1", "question"]),
        ("{% for one in many %}{{ one }}{% endfor %} {{ last }}", ["last", "many"]),
        ("{{ items | join(', ') }}", ["items"]),
        ("{# {{ hidden }} #}{{ shown }}", ["shown"]),
        ("no variable at all {", []),
        ("{{ true }} {{ x }}", ["x"]),
    ],
)
def test_variables_are_those_that_jinja_finds(template: str, names: list[str]) -> None:
    assert variables(template) == names
