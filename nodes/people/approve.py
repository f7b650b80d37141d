"""The node `people.approve`: a person says yes or no to a value."""

from __future__ import annotations

from typing import Any, Literal

from patchbay.nodes.contract import Context, Field, Ports, kind_type, port
from patchbay.nodes.people.asking import Asking, AskingNode, asked
from patchbay.nodes.ports import UNSET
from patchbay.nodes.questions import ApprovalWanted
from patchbay.nodes.values import ValueKind

_DEFAULTS: dict[str, Any] = {"fail": UNSET, "approve": True, "reject": False}


class Approve(AskingNode):
    """Let a person approve or reject a value before the flow goes on with it.

    The run waits, for minutes or for weeks, and takes nothing while it does; the rest of the flow
    goes on. The value leaves through `approved` or through `rejected`; what hangs on the other way
    alone is skipped. A comment of the person stands in `comment`.
    """

    kind, version = "people.approve", 1
    title, icon = "Approve", "check"
    front = "question"
    synonyms = ("human in the loop", "approval", "review", "confirm", "permission", "interrupt")

    class Params(Asking):
        question: str = Field("May this be sent?", min_length=1, max_length=2000)
        """What the person is asked, in one line."""
        carries: ValueKind = Field("text")
        """The type of the value that is looked at and sent on."""
        when_late: Literal["fail", "approve", "reject"] = Field("fail")
        """What happens when nobody answers in time."""

    class Inputs(Ports):
        value: str = port(doc="What the person looks at.")

    class Outputs(Ports):
        approved: str = port(doc="The value, where the person said yes.")
        rejected: str = port(doc="The value, where the person said no.")
        comment: str = port(doc="What the person said beside it; may be empty.")

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        return cls.Inputs.retyped(value=kind_type(params.carries))

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        carried = kind_type(params.carries)
        return cls.Outputs.retyped(approved=carried, rejected=carried)

    @classmethod
    def exclusive_outputs(cls, params: Params) -> tuple[str, ...]:
        return ("approved", "rejected")

    async def run(self, inputs: Ports, params: Params, ctx: Context) -> Ports:
        value = inputs["value"]
        answer = await asked(params, ApprovalWanted(), value, ctx, _DEFAULTS[params.when_late])
        way = "approved" if answer.approved else "rejected"
        return self.output_ports(params)(**{way: value, "comment": answer.comment})
