"""Templates: variables become ports, nothing is evaluated, nothing missing passes silently."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.prompts.braces import fill, parse, variables
from patchbay.nodes.prompts.template import PromptTemplate
from patchbay.nodes.testing import run_node
from patchbay.nodes.values import Document, Message


def filled(template: str, **inputs) -> str:
    return run_node(PromptTemplate, {"template": template}, inputs)["text"]


def problem(template: str) -> str:
    with pytest.raises(ValidationError) as caught:
        PromptTemplate.Params(template=template)
    (error,) = caught.value.errors()
    assert error["loc"] == ("template",)
    return error["msg"]


@pytest.mark.parametrize(
    ("template", "inputs", "text"),
    [
        ("Q: {q}", {"q": "why?"}, "Q: why?"),
        ("{a}{b}{a}", {"a": "x", "b": "y"}, "xyx"),
        ("{{literal}} {a}", {"a": "x"}, "{literal} x"),
        ("{{{a}}}", {"a": "x"}, "{x}"),
        ('{{"k": {v}}}', {"v": {"n": [1, 2.0]}}, '{"k": {\n  "n": [\n    1,\n    2.0\n  ]\n}}'),
        ("{n}", {"n": 3.0}, "3"),
        ("{flag}", {"flag": True}, "true"),
        ("{d}", {"d": [Document(text="a"), Document(text="b")]}, "a\n\nb"),
        ("{m}", {"m": [Message(role="user", content="hi")]}, "user: hi"),
        ("{a}", {"a": "{b} {{ %s $x"}, "{b} {{ %s $x"),
        ("{a}", {"a": ""}, ""),
        ("no variables", {}, "no variables"),
    ],
)
def test_filling(template, inputs, text):
    assert filled(template, **inputs) == text


def test_every_variable_is_one_required_input():
    ports = PromptTemplate.input_ports(PromptTemplate.Params(template="{b} {a} {b} {{c}}"))
    assert [(p.name, p.required) for p in ports.declared.values()] == [("b", True), ("a", True)]


@pytest.mark.parametrize("inputs", [{}, {"q": None}])
def test_a_missing_value_is_an_error_that_names_the_port(inputs):
    with pytest.raises(NodeError) as caught:
        filled("Q: {q}", **inputs)
    assert caught.value.port == "q"
    assert caught.value.code == "prompt/missing-value"


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ("{x.__class__}", "{x.__class__} at line 1, column 1 is not a plain name"),
        ("{x[0]}", "{x[0]} at line 1, column 1 is not a plain name"),
        ("ab {0}", "{0} at line 1, column 4 is not a plain name; a name starts with a letter"),
        ("{}", "{} at line 1, column 1 has no name"),
        ("{ }", "has no name"),
        ("{x!r}", "{x!r} at line 1, column 1 is not a plain name"),
        ("{x:>10}", "{x:>10} at line 1, column 1 is not a plain name"),
        ("{ x }", "has spaces; write {x}"),
        ("{x y}", "is not a plain name"),
        ("{é}", "is not a plain name"),
        ("a\nbc {x", "the { at line 2, column 4 is never closed; write {{"),
        ("{x{y}}", "the { at line 1, column 1 is never closed"),
        ("{{{x}}", "the } at line 1, column 6 closes nothing"),
        ("a\n}", "the } at line 2, column 1 closes nothing; write }}"),
        ("{declared}", "{declared} at line 1, column 1 uses a name that is taken"),
        ("{__class__}", "uses a name that is taken"),
        ("{" + "x" * 65 + "}", "is not a plain name"),
    ],
)
def test_what_may_not_stand_in_a_template(template, words):
    assert words in problem(template)


@given(st.text(alphabet="{}ab_0 .!:[]\n", max_size=30))
def test_a_template_is_refused_or_fills_every_place(template):
    try:
        pieces = parse(template)
    except ValueError:
        return
    text = fill(template, lambda name: f"<{name}>")
    literal = "".join(p if isinstance(p, str) else f"<{p.name}>" for p in pieces)
    assert text == literal
    assert all(name.isidentifier() for name in variables(template))


@given(st.text())
def test_doubled_braces_give_any_text_back(text):
    assert fill(text.replace("{", "{{").replace("}", "}}"), lambda name: "?") == text


def test_long_templates_are_parsed_in_one_pass():
    template = "{a}{{x}}" * 25_000
    assert len(fill(template, lambda name: "yy")) == 5 * 25_000


def test_the_summary_is_the_first_line_with_words():
    assert PromptTemplate.summary(PromptTemplate.Params(template="\n  Sum up:\n{x}")) == "Sum up:"
