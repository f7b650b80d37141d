"""Chat templates: what joins the messages of a conversation into one text for a model.

The language is Jinja, as Transformers and llama.cpp use it:
https://huggingface.co/docs/transformers/chat_templating
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from patchbay.nodes.errors import NodeError

CHATML = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)
"""What llama.cpp takes for a file without a template, and for the only name that it still knows."""

NAMES = {"chatml": CHATML}
"""Templates that may be given by a name."""


def jinja_of(template: str | None) -> str | None:
    """The template itself, where its name was given: everything after works on Jinja alone."""
    return None if template is None else NAMES.get(template.strip(), template)


def check_template(template: str | None) -> str | None:
    """A template that can be read, for use as a validator.

    Raises:
        ValueError: it cannot, and where; or it would leave out what people say.
    """
    import jinja2

    if template is not None and "{" not in template and template.strip() not in NAMES:
        raise ValueError(
            f"holds no Jinja such as {{{{ message.content }}}}, so that the model would read only "
            f"these words; as a name only {', '.join(NAMES)} is known"
        )
    if template is not None:
        try:
            _environment().from_string(template)
        except jinja2.TemplateSyntaxError as error:
            raise ValueError(
                f"is no Jinja template: line {error.lineno}: {error.message}"
            ) from None
        _check_names(template)
    return template


def _check_names(template: str) -> None:
    """Refuse what fails whatever is said: functions that there are not, and other files.

    Raises:
        ValueError: it uses one.
    """
    from jinja2 import meta, nodes

    environment = _environment()
    tree = environment.parse(template)
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        raise ValueError(
            f"is no chat template: line {node.lineno}: it needs another file, and has none"
        )
    unknown = meta.find_undeclared_variables(tree) - set(environment.globals)
    for call in tree.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in unknown:
            raise ValueError(
                f"is no chat template: line {call.lineno}: there is no function {call.node.name}"
            )


def render(template: str, chat: Sequence[Mapping[str, Any]], **given: Any) -> str:
    """A conversation as the model reads it, up to where its answer begins.

    Raises:
        NodeError: the template does not take this conversation.
    """
    import jinja2

    try:
        made = _environment().from_string(template)
        return str(made.render(messages=chat, add_generation_prompt=True, **given))
    except (jinja2.TemplateError, TypeError, ValueError) as error:
        raise refused(str(error)) from error


def refused(why: str) -> NodeError:
    """A template does not take a conversation."""
    return NodeError(
        f"The model's chat template does not take this conversation: {why}",
        fix="Change the order or the roles of the messages, or the chat template.",
        code="model/chat-template",
        retry=False,
    )


def _environment() -> Any:
    import jinja2
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """Marks what the model is trained to write; here only what is inside."""

        tags = {"generation"}

        def parse(self, parser: Any) -> Any:
            next(parser.stream)
            return parser.parse_statements(("name:endgeneration",), drop_needle=True)

    def stop(message: str) -> None:
        raise jinja2.TemplateError(message)

    made = ImmutableSandboxedEnvironment(  # a template comes with the weights, from anybody
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    made.filters["tojson"] = _as_json
    made.globals["raise_exception"] = stop
    made.globals["strftime_now"] = lambda form: datetime.datetime.now().strftime(form)
    return made


def _as_json(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
