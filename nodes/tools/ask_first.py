"""The node `tool.ask_first`: a tool that a person decides about before it is used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import AfterValidator, JsonValue, model_validator

from patchbay.nodes.contract import DescribingNode, Field, NodeError, NodeParams, Ports, port
from patchbay.nodes.ports import UNSET
from patchbay.nodes.questions import DecisionWanted, Question
from patchbay.nodes.values import ToolSpec, as_text

When = Literal["always", "an argument matches", "never"]
WhenLate = Literal["fail", "approve", "reject"]
_LATE: dict[str, Any] = {"fail": UNSET, "approve": {"decision": "approve"}}
_LATE_REJECT = {"decision": "reject", "message": "Nobody decided in time."}


def check_pattern(pattern: str) -> str:
    """A regular expression as it is. Raises `ValueError` where it is none."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"it is no regular expression: {error}") from None
    return pattern


def check_when(when: When, pattern: str) -> None:
    """Raises `ValueError` where it is asked what an argument matches, and nothing is said of it."""
    if when == "an argument matches" and not pattern:
        raise ValueError("say with a pattern what an argument must match")


Pattern = Annotated[str, AfterValidator(check_pattern)]
"""A regular expression, or nothing."""


class CallPolicy(Protocol):
    """When a person is asked before a tool is called, and how: see the params of the node."""

    @property
    def when(self) -> When: ...
    @property
    def argument(self) -> str: ...
    @property
    def pattern(self) -> str: ...
    @property
    def question(self) -> str: ...
    @property
    def whom(self) -> str: ...
    @property
    def within_hours(self) -> float | None: ...
    @property
    def when_late(self) -> WhenLate: ...


def asks_about(policy: CallPolicy, arguments: Mapping[str, Any]) -> bool:
    """Whether a person is asked before a call with these arguments."""
    if policy.when != "an argument matches":
        return policy.when == "always"
    given = [arguments[policy.argument]] if policy.argument in arguments else []
    values = given if policy.argument else list(arguments.values())
    return any(re.search(policy.pattern, as_text(value)) for value in values)


def question_before(
    policy: CallPolicy, who: str, tool: str, arguments: Mapping[str, JsonValue], schema: Any
) -> Question:
    """The question before a call: who wants to use which tool with what."""
    late = _LATE_REJECT if policy.when_late == "reject" else _LATE[policy.when_late]
    return Question(
        policy.question or f"May {who} use {tool}?",
        DecisionWanted(tool, dict(arguments), schema),
        whom=policy.whom,
        within_s=None if policy.within_hours is None else policy.within_hours * 3600,
        default=late,
    )


class AskFirstTool(ToolSpec):
    """A tool with a policy: when a person is asked before it is used."""

    backend: ClassVar[str] = "ask first"

    tool: ToolSpec
    when: When = "always"
    argument: str = ""
    pattern: str = ""
    question: str = ""
    whom: str = ""
    within_hours: float | None = None
    when_late: WhenLate = "fail"

    @property
    def name(self) -> str:
        """What the agent calls it."""
        return str(getattr(self.tool, "name", ""))

    @property
    def seconds(self) -> float | None:
        """How long a call may take; the time in which people think does not count."""
        return getattr(self.tool, "seconds", None)

    @property
    def repeatable(self) -> bool:
        """Never, where people may decide."""
        return self.when == "never" and bool(getattr(self.tool, "repeatable", False))


class AskFirst(DescribingNode):
    """Have a person decide before an agent uses a tool: always, or when an argument matches.

    The person can let the call pass, change its arguments, reject it with a reason that the model
    reads, or answer in the tool's place: LangChain's four decisions. The run waits meanwhile.
    """

    kind, version = "tool.ask_first", 1
    title, family, icon = "Ask before use", "Tools", "shield"
    synonyms = ("human in the loop", "approval", "tool policy", "permission", "interrupt", "hitl")

    class Params(NodeParams):
        when: When = Field("always")
        """When a person is asked."""
        argument: str = Field("", max_length=200)
        """For `an argument matches`: which one. Empty: any of them."""
        pattern: Pattern = Field("", max_length=1000)
        """For `an argument matches`: a regular expression that is looked for in it."""
        question: str = Field("", max_length=2000)
        """What the person is asked. Empty: whether the agent may use the tool."""
        whom: str = Field("", max_length=200)
        """Whom it is for, in words."""
        within_hours: float | None = Field(None, gt=0, le=24 * 366)
        """Hours until it is too late. Empty: it waits as long as it takes."""
        when_late: WhenLate = Field("fail")
        """What happens when nobody decides in time."""

        @model_validator(mode="after")
        def _makes_sense(self) -> AskFirst.Params:
            check_when(self.when, self.pattern)
            return self

    class Inputs(Ports):
        tool: ToolSpec = port(doc="The tool.")

    class Outputs(Ports):
        tool: AskFirstTool = port(doc="The same tool, about which a person decides.")

    @classmethod
    def asks(cls, params: Params) -> bool:
        """Unless it never does."""
        return params.when != "never"

    @classmethod
    def summary(cls, params: Params) -> str:
        """When it asks."""
        if params.when != "an argument matches":
            return params.when
        return f"when {params.argument or 'an argument'} matches {params.pattern}"

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Outputs:
        """Describe the tool.

        Raises:
            NodeError: people decide about it already.
        """
        tool = inputs["tool"]
        if isinstance(tool, AskFirstTool):
            raise NodeError(
                f'A person is asked about "{tool.name}" already.',
                fix="Take one of the two nodes out.",
                port="tool",
                code="tool/asked-twice",
                retry=False,
            )
        return cls.Outputs(tool=AskFirstTool(tool=tool, **params.model_dump()))
