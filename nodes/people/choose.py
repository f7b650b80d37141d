"""The node `people.choose`: a person picks one of several words."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, JsonValue, model_validator

from patchbay.nodes.contract import Context, Field, NodeError, Ports, port
from patchbay.nodes.people.asking import Asking, AskingNode, asked
from patchbay.nodes.ports import UNSET
from patchbay.nodes.questions import ChoiceWanted


def _check_options(options: list[str]) -> list[str]:
    words = [option.strip() for option in options]
    if not all(words):
        raise ValueError("a choice needs words")
    if len(set(words)) < len(words):
        raise ValueError("two of the choices are the same")
    return words


class Choose(AskingNode):
    """Let a person choose one of several words.

    The choices stand in the params, or come in as a JSON list of texts. What was chosen comes out
    as text; a *Branch* behind it can lead the flow on.
    """

    kind, version = "people.choose", 1
    title, icon = "Choose", "list"
    front = ("question", "options")
    synonyms = ("human in the loop", "pick", "select", "triage", "option", "interrupt")

    class Params(Asking):
        question: str = Field("Which one?", min_length=1, max_length=2000)
        """What the person is asked, in one line."""
        options: Annotated[list[str], AfterValidator(_check_options)] = Field(
            ["yes", "no", "later"], max_length=100
        )
        """The choices. What is wired into `options` goes before them."""
        when_late: str = Field("", max_length=2000)
        """The choice that is taken when nobody answers in time. Empty: the node fails."""

        @model_validator(mode="after")
        def _makes_sense(self) -> Choose.Params:
            if self.when_late and self.options and self.when_late not in self.options:
                raise ValueError(f"{self.when_late!r} is none of the options")
            return self

    class Inputs(Ports):
        value: Any = port(None, doc="What the person looks at.")
        options: JsonValue = port(None, doc="The choices, as a JSON list of texts.")

    class Outputs(Ports):
        choice: str = port(doc="What was chosen.")
        comment: str = port(doc="What the person said beside it; may be empty.")

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        options = params.options if inputs.options is None else _given(inputs.options)
        if not options:
            raise _no_choice("There is nothing to choose from.")
        default = params.when_late or UNSET
        if params.when_late and params.when_late not in options:
            raise _no_choice(f'"{params.when_late}", for when it is late, is none of the choices.')
        answer = await asked(params, ChoiceWanted(tuple(options)), inputs.value, ctx, default)
        return self.Outputs(choice=answer.value, comment=answer.comment)


def _given(options: JsonValue) -> list[str]:
    if not isinstance(options, list) or not all(isinstance(o, str) and o.strip() for o in options):
        raise _no_choice('"options" takes a JSON list of texts.')
    return [str(option).strip() for option in dict.fromkeys(options)]


def _no_choice(message: str) -> NodeError:
    return NodeError(
        message,
        fix="Give the choices as a list of texts, in the params or in `options`.",
        port="options",
        code="people/choices",
        retry=False,
    )
