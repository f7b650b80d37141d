"""Grammars: checked before a model is asked with them, and followed by it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from patchbay.nodes.contract import NodeError
from patchbay.nodes.models.ask import AskModel
from patchbay.nodes.models.grammar import check_grammar
from patchbay.nodes.models.llama.chat import ChatLlama
from patchbay.nodes.models.llama.node import QuantizedModel
from patchbay.nodes.models.llama.spec import GgufModel
from patchbay.nodes.values import ModelSpec

YES_NO = 'root ::= "yes" | "no"'
LIST = r"""
# a list of words
root ::= item+
item ::= "- " word ("," ws word)* "\n" |
  "nothing" "\n"
word ::= [a-z]{2,12}   # short ones
ws ::= [ \t]*
"""


@pytest.mark.parametrize(
    "grammar",
    [YES_NO, LIST, 'root ::= (\n "a" |\n "b"\n)* "\\"" [^"]* .', 'root ::= <think> !<end> "x"'],
)
def test_grammars(grammar: str) -> None:
    check_grammar(grammar)


@pytest.mark.parametrize(
    ("grammar", "words"),
    [
        ("", 'needs a rule "root"'),
        ('answer ::= "a"', 'needs a rule "root"'),
        ("root ::= item other\nitem ::= [a]", "does not define: other"),
        ('root ::= "a"\nroot = "b"', "line 2 of the grammar, at '= \"b\"'"),
        ('root ::= "yes', "neither a text, a set, a group nor the name of a rule"),
        ('root ::= ("a"', "a group is not closed"),
        ('root ::= "a")', "closes nothing"),
        ("root ::= " + "(" * 60, "nested too deep"),
        ("#" * 100_001, "longer than 100,000"),
    ],
)
def test_no_grammars(grammar: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        check_grammar(grammar)


def test_a_call_follows_a_grammar_and_so_does_a_whole_model(llama: ChatLlama) -> None:
    plain, bound = GgufModel(temperature=0), GgufModel(temperature=0, grammar=YES_NO)
    for options in (plain.call_options(grammar=YES_NO), bound.call_options()):
        assert llama.invoke("Is Copenhagen in Denmark?", **options).text in ("yes", "no")


def test_the_call_decides_over_the_model() -> None:
    bound = GgufModel(grammar=YES_NO, json_schema=None)
    assert "grammar" not in bound.call_options(json_schema={"type": "object"})
    formed = GgufModel(json_schema={"type": "object"})
    other = {"type": "array"}
    own, given = formed.call_options(), formed.call_options(json_schema=other)
    assert own["response_format"]["json_schema"]["schema"] == {"type": "object"}
    assert given["response_format"]["json_schema"]["schema"] == other
    freed = formed.call_options(grammar=YES_NO)
    assert freed["grammar"] == YES_NO
    assert "response_format" not in freed
    assert bound.resource() == formed.resource() == GgufModel().resource()


def test_params_take_one_form_only() -> None:
    for params in (AskModel.Params, QuantizedModel.Params):
        with pytest.raises(ValidationError, match="a JSON schema or a grammar, not both"):
            params(json_schema={"type": "object"}, grammar=YES_NO)
        with pytest.raises(ValidationError, match='needs a rule "root"'):
            params(grammar="x ::= [a]")


def test_a_backend_without_grammars_says_so() -> None:
    class Other(ModelSpec):
        backend = "other"

    with pytest.raises(NodeError) as caught:
        Other().call_options(AskModel.Params(grammar=YES_NO).sampling)
    assert caught.value.code == "model/no-grammar"
