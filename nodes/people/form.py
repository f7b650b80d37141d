"""The node `people.form`: a person fills in fields."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, JsonValue, ValidationError, model_validator

from patchbay.nodes.contract import Context, Field, Ports, port
from patchbay.nodes.people.asking import Asking, AskingNode, asked
from patchbay.nodes.ports import UNSET
from patchbay.nodes.questions import FormWanted
from patchbay.nodes.techniques.fields import AnswerField, check_fields, model_of, schema_of


class FillForm(AskingNode):
    """Let a person fill in a form. The answer is JSON with the fields that you list.

    The fields are those of *Structured output*: what a model would be held to, a person is.
    """

    kind, version = "people.form", 1
    title, icon = "Form", "task"
    front = "question"
    synonyms = ("human in the loop", "fields", "questionnaire", "triage", "input", "interrupt")

    class Params(Asking):
        question: str = Field("Please fill this in.", min_length=1, max_length=2000)
        """What the person is asked, in one line."""
        fields: Annotated[list[AnswerField], AfterValidator(check_fields)] = Field(
            [
                AnswerField(name="name", description="The person's name."),
                AnswerField(name="urgent", type="yes or no", description="Whether it is urgent."),
            ],
            max_length=100,
        )
        """The fields of the form."""
        when_late: JsonValue = Field(None, widget="json")
        """The answer that is taken when nobody gives one in time: an object with the fields.
        Empty: the node fails."""

        @model_validator(mode="after")
        def _fits(self) -> FillForm.Params:
            if self.when_late is not None:
                try:
                    model_of(self.fields).model_validate(self.when_late)
                except ValidationError as error:
                    first = error.errors()[0]
                    place = ".".join(str(step) for step in first["loc"])
                    raise ValueError(f"when_late does not fit: {place} {first['msg']}") from None
            return self

    class Inputs(Ports):
        value: Any = port(None, doc="What the person looks at.")

    class Outputs(Ports):
        json: JsonValue = port(doc="What was filled in: an object with the fields.")

    async def run(self, inputs: Inputs, params: Params, ctx: Context) -> Outputs:
        wants = FormWanted(schema_of(model_of(params.fields)))
        default = UNSET if params.when_late is None else params.when_late
        answer = await asked(params, wants, inputs.value, ctx, default)
        return self.Outputs(json=answer.value)
