"""What a node may ask a person, and what came back: plain data, the same in every shell.

    answer = await ctx.ask(Question("Send this mail?", ApprovalWanted(), value=draft))

A question says what is wanted; `checked` turns what a person gave into a value of that kind, or
says in words why it is none. Answers go through their stored form at once, so that what a node sees
is the same whether the run slept in between or not.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from patchbay.nodes.figures import Table
from patchbay.nodes.ports import UNSET
from patchbay.nodes.values import Value, canonical, decode, encode, is_json, type_in_words


@dataclass(frozen=True, slots=True)
class ApprovalWanted:
    """Yes or no. The answer is a bool; a comment may say why."""

    kind: ClassVar[str] = "approval"


@dataclass(frozen=True, slots=True)
class ChoiceWanted:
    """One of several words. The answer is that word."""

    kind: ClassVar[str] = "choice"
    options: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class EditWanted:
    """The value of the question, as the person would have it: a text, JSON, or a table."""

    kind: ClassVar[str] = "edit"
    of: Literal["text", "json", "table"] = "text"


@dataclass(frozen=True, slots=True)
class FormWanted:
    """Fields to fill in. The answer is a JSON object that follows the schema."""

    kind: ClassVar[str] = "form"
    schema: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class DecisionWanted:
    """What becomes of a call of a tool: LangChain's four decisions.

    The answer is `{"decision": "approve"}`, `{"decision": "edit", "arguments": {…}}`,
    `{"decision": "reject", "message": "…"}` (the model reads it), or
    `{"decision": "respond", "message": "…"}` (it takes the place of the tool's result).
    """

    kind: ClassVar[str] = "decision"
    tool: str
    arguments: Mapping[str, JsonValue]
    schema: Mapping[str, JsonValue] = field(default_factory=dict)
    """JSON Schema of the arguments; empty where the tool says nothing of them."""


Wants = ApprovalWanted | ChoiceWanted | EditWanted | FormWanted | DecisionWanted
DECISIONS = ("approve", "edit", "reject", "respond")
_WANTS: Mapping[str, type[Any]] = {
    cls.kind: cls for cls in (ApprovalWanted, ChoiceWanted, EditWanted, FormWanted, DecisionWanted)
}


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked.

    Args:
        title: the question, in one line.
        wants: what kind of answer.
        value: what to look at; any value that may stand on a wire.
        whom: whom it is for, in words.
        within_s: seconds until it is too late; None: it waits for ever.
        default: the answer that is taken when it is too late. Without one the node then fails.
    """

    title: str
    wants: Wants
    value: Any = None
    whom: str = ""
    within_s: float | None = None
    default: Any = UNSET

    @property
    def has_default(self) -> bool:
        """Whether there is an answer to take when nobody gives one in time."""
        return self.default is not UNSET

    @property
    def digest(self) -> str:
        """A short hash of all that is asked: an answer counts for this question only."""
        return hashlib.sha256(canonical(self.as_json()).encode("utf-8", "replace")).hexdigest()[:16]

    def as_json(self) -> dict[str, JsonValue]:
        """The stored form; `question_of` reads it."""
        wants = {name: encode(getattr(self.wants, name)) for name in self.wants.__slots__}
        data: dict[str, JsonValue] = {
            "title": self.title,
            "wants": {"kind": self.wants.kind, **wants},
            "value": encode(self.value),
            "whom": self.whom,
        }
        if self.within_s is not None:
            data["within_s"] = self.within_s
        if self.has_default:
            data["default"] = encode(self.default)
        return data


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person said. `at` is Unix time in seconds.

    `value` is a bool, a word, an edited value, a JSON object or a decision, as the question wanted.
    """

    value: Any
    author: str
    at: float
    comment: str = ""
    late: bool = False
    """Whether nobody answered in time and this is the question's default."""

    @property
    def approved(self) -> bool:
        """Whether it is a yes."""
        return self.value is True

    def as_json(self) -> dict[str, JsonValue]:
        """The stored form; `answer_of` reads it."""
        return {
            "value": encode(self.value),
            "author": self.author,
            "at": self.at,
            "comment": self.comment,
            "late": self.late,
        }


def question_of(
    data: Mapping[str, Any], types: Mapping[str, type[Value]] | None = None
) -> Question:
    """The question of a stored form.

    Raises:
        ValueError: it holds a value of a plugin that is not installed.
    """
    wants = dict(data["wants"])
    cls = _WANTS[wants.pop("kind")]
    if "options" in wants:
        wants["options"] = tuple(wants["options"])
    return Question(
        title=data["title"],
        wants=cls(**{name: decode(value, types) for name, value in wants.items()}),
        value=decode(data["value"], types),
        whom=data["whom"],
        within_s=data.get("within_s"),
        default=decode(data["default"], types) if "default" in data else UNSET,
    )


def answer_of(data: Mapping[str, Any], types: Mapping[str, type[Value]] | None = None) -> Reply:
    """The answer of a stored form."""
    return Reply(
        decode(data["value"], types), data["author"], data["at"], data["comment"], data["late"]
    )


def checked(question: Question, value: Any) -> Any:
    """The value of an answer as the node will see it.

    Raises:
        ValueError: it is not what the question wants; in words, with what would be.
    """
    match question.wants:
        case ApprovalWanted():
            if not isinstance(value, bool):
                raise ValueError(f"The question is answered with yes or no, not with {_a(value)}.")
        case ChoiceWanted(options=options):
            value = _chosen(value, options)
        case EditWanted(of=kind):
            value = _edited(value, kind)
        case FormWanted(schema=schema):
            _follows(value, schema, "The form")
        case DecisionWanted() as wants:
            value = _decided(value, wants)
    return decode(encode(value))


def _chosen(value: Any, options: tuple[str, ...]) -> str:
    if isinstance(value, str):
        if value in options:
            return value
        like = [option for option in options if option.casefold() == value.strip().casefold()]
        if len(like) == 1:
            return like[0]
    given = f'"{value}"' if isinstance(value, str) else _a(value)
    listed = ", ".join(f'"{option}"' for option in options[:20])
    raise ValueError(f"{given} is none of the choices. They are: {listed}.")


def _edited(value: Any, kind: str) -> Any:
    if kind == "text" and not isinstance(value, str):
        raise ValueError(f"The question wants a text, not {_a(value)}.")
    if kind == "table":
        return table_of(value)
    if kind == "json":
        plain = encode(value)
        if not is_json(plain):
            raise ValueError(f"The question wants JSON, not {_a(value)}.")
    return value


def table_of(value: Any) -> Table:
    """A table, or what a person may give for one: a list of objects, or columns and rows.

    Raises:
        ValueError: it is none, in words.
    """
    if isinstance(value, Table):
        return value
    wrong = "The question wants a table: a list of objects, each a row."
    try:
        if isinstance(value, dict) and "columns" in value and "rows" in value:
            return Table.model_validate({k: v for k, v in value.items() if k != "$type"})
        if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
            columns = list(dict.fromkeys(str(name) for row in value for name in row))
            rows = tuple(tuple(row.get(name) for name in columns) for row in value)
            return Table(columns=tuple(columns), rows=rows)
    except ValueError as error:
        raise ValueError(f"{wrong} {error}") from None
    raise ValueError(f"{wrong} This is {_a(value)}.")


def _decided(value: Any, wants: DecisionWanted) -> dict[str, JsonValue]:
    decision = value.get("decision") if isinstance(value, dict) else value
    if decision not in DECISIONS:
        raise ValueError(f"A call of a tool is decided by one of: {', '.join(DECISIONS)}.")
    given: dict[str, Any] = value if isinstance(value, dict) else {}
    allowed = {"edit": {"arguments"}, "reject": {"message"}, "respond": {"message"}}
    if more := given.keys() - {"decision"} - allowed.get(decision, set()):
        raise ValueError(f'"{decision}" takes no {", ".join(sorted(map(str, more)))}.')
    if decision == "edit":
        arguments = given.get("arguments")
        if not isinstance(arguments, dict):
            raise ValueError('"edit" needs the arguments, as a JSON object.')
        _follows(arguments, wants.schema, f'The arguments of "{wants.tool}"')
        return {"decision": "edit", "arguments": arguments}
    if decision == "approve":
        return {"decision": "approve"}
    message = given.get("message", "")
    if not isinstance(message, str) or (decision == "respond" and not message):
        raise ValueError(f'"{decision}" needs a message, as a text.')
    return {"decision": decision, "message": message}


def _follows(value: Any, schema: Mapping[str, JsonValue], what: str) -> None:
    if not isinstance(value, dict) or not is_json(value):
        raise ValueError(f"{what} is answered with a JSON object, not with {_a(value)}.")
    if not schema:
        return
    import jsonschema

    found = jsonschema.Draft202012Validator(schema).iter_errors(value)
    lines = []
    for error in sorted(found, key=lambda error: list(map(str, error.absolute_path))):
        place = ".".join(str(step) for step in error.absolute_path)
        lines.append(f'"{place}": {error.message[:200]}' if place else error.message[:200])
    if lines:
        raise ValueError(f"{what} does not fit: {'; '.join(lines[:8])}.")


def _a(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return type_in_words(value)


__all__ = [
    "DECISIONS", "ApprovalWanted", "ChoiceWanted", "DecisionWanted", "EditWanted", "FormWanted",
    "Question", "Reply", "Wants", "answer_of", "checked", "question_of", "table_of",
]  # fmt: skip
