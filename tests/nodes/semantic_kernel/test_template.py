"""What a template asks for, read without Semantic Kernel and compared with it."""

from __future__ import annotations

import pytest

from patchbay.nodes.semantic_kernel.template import asked_for, check_template, protected

TEMPLATES = [
    "{{$a}} and {{ $b }}, {{$a}} again",
    "{{math.Add $a amount=$b}} {{text.upper 'a $c'}}",
    "{{time.now}} x {{tools.search query=$q}}",
    "plain, with $money and { braces }",
]


@pytest.mark.parametrize("template", TEMPLATES)
def test_variables_are_those_that_semantic_kernel_finds(template: str) -> None:
    from semantic_kernel.prompt_template import KernelPromptTemplate, PromptTemplateConfig

    config = PromptTemplateConfig(template=template)
    KernelPromptTemplate(prompt_template_config=config)
    theirs = [variable.name for variable in config.input_variables]
    assert list(asked_for(template).variables) == theirs


def test_functions_are_found() -> None:
    assert asked_for(TEMPLATES[1]).functions == (("math", "Add"), ("text", "upper"))


@pytest.mark.parametrize(
    ("template", "kept"),
    [
        ("if a < b & c", "if a &lt; b &amp; c"),
        ('<message role="user">1 < 2</message>', '<message role="user">1 &lt; 2</message>'),
        ("<b>bold</b> &lt;", "&lt;b>bold&lt;/b> &lt;"),
        ("{{text.upper 'a<b'}} <", "{{text.upper 'a<b'}} &lt;"),
        ("<messages>", "&lt;messages>"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]>", "&lt;!DOCTYPE x [&lt;!ENTITY a 'b'>]>"),
    ],
)
def test_what_is_no_message_is_text(template: str, kept: str) -> None:
    assert protected(template) == kept
    assert protected(kept) == kept


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{$a", "not closed by"),
        ("{{hello world}}", "is no"),
        ('<message role="user">never closed', "do not close each other"),
        ('<message role="boss">x</message>', "has the role 'boss'"),
        ('<message role="user">a<message role="user">b</message></message>', "inside another"),
    ],
)
def test_a_template_that_would_go_wrong_is_refused(template: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        check_template(template)
