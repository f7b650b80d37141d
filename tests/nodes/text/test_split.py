"""Splitting by lines, paragraphs and a separator."""

import pytest
from pydantic import ValidationError

from patchbay.nodes.testing import RecordingContext, run_node
from patchbay.nodes.text.split import SplitText


@pytest.mark.parametrize(
    ("params", "text", "items"),
    [
        ({"by": "lines"}, " a \n\nb\r\nc", ["a", "b", "c"]),
        ({"by": "lines", "strip": False}, " a \nb", [" a ", "b"]),
        ({"by": "lines", "drop_empty": False}, "a\n\nb", ["a", "", "b"]),
        ({"by": "paragraphs"}, "a\nb\n \n\nc", ["a\nb", "c"]),
        ({"by": "paragraphs"}, "", []),
        ({"by": "separator", "separator": "->"}, "a -> b->", ["a", "b"]),
        ({"by": "separator", "separator": ".*"}, "a.*b", ["a", "b"]),
        ({"by": "lines"}, "", []),
        ({"by": "lines"}, "a\rb\r\nc\n", ["a", "b", "c"]),
        ({"by": "lines"}, "a\u2028b\u2029c\x85d\x0ce\x1cf", ["a\u2028b\u2029c\x85d\x0ce\x1cf"]),
        ({"by": "paragraphs"}, "a\u2028\u2028b\n\nc", ["a\u2028\u2028b", "c"]),
    ],
)
def test_splitting(params, text, items):
    assert run_node(SplitText, params, {"text": text}) == {"items": items}


def test_a_limit_keeps_the_first_and_says_so():
    ctx = RecordingContext()
    assert run_node(SplitText, {"limit": 2}, {"text": "a\nb\nc"}, ctx) == {"items": ["a", "b"]}
    assert ctx.warnings == ["Only the first 2 of 3 items are kept."]


@pytest.mark.parametrize(
    "params", [{"by": "separator", "separator": ""}, {"by": "regex"}, {"limit": 0}]
)
def test_bad_params(params):
    with pytest.raises(ValidationError):
        SplitText.Params(**params)
