"""A schema drawn as rows of a table, and the Pydantic model and JSON Schema made from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    JsonValue,
    ValidationError,
    create_model,
    field_validator,
    model_validator,
)
from pydantic import Field as PydanticField

from patchbay.nodes.contract import NodeParams
from patchbay.nodes.models.lenient_json import json_in

FieldKind = Literal["text", "whole number", "number", "yes or no", "choice"]
"""What a field of an answer holds."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
"""How a number is written in JSON, of leading zeros aside."""


def _a_number(value: Any, what: str = "number") -> Any:
    """A number, or a text that is nothing but one. Python takes true for 1 and "nan" for a number.

    Raises:
        ValueError: anything else.
    """
    if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
        return value
    if isinstance(value, bool | str):
        raise ValueError(f"Input should be a valid {what}")
    return value


def _yes_or_no(value: Any) -> Any:
    """True or false, or a word that can mean nothing else.

    Raises:
        ValueError: anything else, such as 1.
    """
    words = {"true": True, "yes": True, "false": False, "no": False}
    meant = words.get(value.strip().casefold()) if isinstance(value, str) else value
    if not isinstance(meant, bool):
        raise ValueError("Input should be true or false")
    return meant


_PLAIN: dict[FieldKind, Any] = {
    "text": str,
    "whole number": Annotated[int, BeforeValidator(partial(_a_number, what="integer"))],
    "number": Annotated[float, BeforeValidator(_a_number), PydanticField(allow_inf_nan=False)],
    "yes or no": Annotated[bool, BeforeValidator(_yes_or_no)],
}


class AnswerField(NodeParams):
    """One field of a structured answer."""

    name: str
    """Its name in the JSON."""
    type: FieldKind = "text"
    """What it holds."""
    description: str = ""
    """What belongs there, for the model."""
    choices: str = ""
    """For `choice`: the words to choose from, separated by commas."""
    required: bool = True
    """Whether it must be there; otherwise it may be null."""
    many: bool = False
    """Whether it is a list."""
    limit: int = PydanticField(200, ge=1, le=100_000)
    """The longest text in characters, and with `many` also the longest list."""

    @field_validator("name")
    @classmethod
    def _named(cls, name: str) -> str:
        if not name.strip():
            raise ValueError("a field needs a name")
        return name.strip()

    @model_validator(mode="after")
    def _has_choices(self) -> AnswerField:
        if self.type == "choice" and not self.words():
            raise ValueError(f"the field {self.name!r} is a choice and needs choices, such as a, b")
        return self

    def words(self) -> list[str]:
        """The choices, without blanks, each once."""
        parts = [part.strip() for part in self.choices.split(",")]
        return list(dict.fromkeys(part for part in parts if part))


def check_fields(fields: list[AnswerField]) -> list[AnswerField]:
    """The fields, for use as a validator: at least one, no name twice.

    Raises:
        ValueError: in words.
    """
    names = [field.name for field in fields]
    if not names:
        raise ValueError("an answer needs at least one field")
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"two fields have the name {name!r}")
    return fields


def model_of(fields: Sequence[AnswerField]) -> type[BaseModel]:
    """A Pydantic model that takes exactly these fields.

    The names of a person become aliases: any text may name a field, also one that Pydantic uses.
    """
    made: dict[str, Any] = {
        f"field_{number}": (_annotation(field), _info(field)) for number, field in enumerate(fields)
    }
    config = ConfigDict(extra="forbid", populate_by_name=False)
    model: type[BaseModel] = create_model("Answer", __config__=config, **made)
    return model


def schema_of(model: type[BaseModel]) -> dict[str, JsonValue]:
    """The JSON Schema of a model, without the titles that Pydantic makes up."""
    schema: dict[str, JsonValue] = _untitled(model.model_json_schema(by_alias=True))
    return schema


def check_answer(model: type[BaseModel], text: str) -> tuple[dict[str, JsonValue] | None, str]:
    """The answer that a text holds, or None and what is wrong with it, in words for a model."""
    try:
        value = json_in(text)
    except ValueError as error:
        return None, str(error)
    try:
        answer = model.model_validate(value)
    except ValidationError as error:
        return None, "\n".join(_problem(item) for item in error.errors())
    return answer.model_dump(mode="json", by_alias=True), ""


def _annotation(field: AnswerField) -> Any:
    inner: Any = _PLAIN.get(field.type)
    if field.type == "choice":
        inner = Literal[tuple(field.words())]
    elif field.type == "text":
        inner = Annotated[str, PydanticField(max_length=field.limit)]
    if field.many:
        inner = Annotated[list[inner], PydanticField(max_length=field.limit)]
    return inner if field.required else inner | None


def _info(field: AnswerField) -> Any:
    default = ... if field.required else None
    return PydanticField(default, alias=field.name, description=field.description or None)


def _untitled(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_untitled(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _untitled(part) for name, part in value.items()}
        if key == "properties"
        else _untitled(value)
        for key, value in schema.items()
        if not (key == "title" and isinstance(value, str))
    }


def _problem(error: Any) -> str:
    place = ".".join(str(step) for step in error["loc"])
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message
