"""A small catalog of test nodes, made through the public contract, and ways to write flows."""

from __future__ import annotations

from typing import Any, ClassVar

from patchbay.flows.document.model import Edge, Flow, NodeInstance
from patchbay.nodes.catalog import Catalog
from patchbay.nodes.contract import (
    DescribingNode,
    Field,
    InputField,
    Node,
    NodeError,
    NodeParams,
    Ports,
    SubflowUse,
    port,
)
from patchbay.nodes.values import Document, ModelSpec, SecretRef


class Quiet(Node):
    """A node that is only declared; no test here runs it."""

    async def run(self, inputs: Any, params: Any, ctx: Any) -> Ports:
        raise AssertionError("not run here")


class Ask(Quiet):
    """Ask for a text."""

    kind, title, family = "test.in", "Input", "Test"

    class Params(NodeParams):
        name: str = "question"
        default: str | None = None

    class Outputs(Ports):
        value: str

    @classmethod
    def flow_input(cls, params: Params) -> InputField:
        return InputField(params.name, "text", params.default is None, params.default)


class Give(Quiet):
    """Give a text back."""

    kind, title, family = "test.out", "Output", "Test"

    class Params(NodeParams):
        name: str = "answer"

    class Inputs(Ports):
        value: str

    @classmethod
    def flow_output(cls, params: Params) -> str:
        return params.name


class Step(Quiet):
    """Text in, text out."""

    kind, title, family = "test.step", "Step", "Test"

    class Params(NodeParams):
        count: int = Field(1, ge=0, le=9)
        mode: str = "plain"
        key: SecretRef | None = None

    class Inputs(Ports):
        text: str
        extra: str = port("")

    class Outputs(Ports):
        text: str


class Plain(ModelSpec):
    """A model that no test opens."""

    backend: ClassVar[str] = "plain"

    size: str = "small"

    def memory(self) -> int | None:
        return {"small": 10**6, "large": 3 * 10**9}.get(self.size)

    def lighter(self, excess: int) -> tuple[str, ...]:
        return ("a shorter context",) if self.size == "large" and excess < 2 * 10**9 else ()


class Describe(DescribingNode):
    """Describe a model."""

    kind, title, family = "test.plain", "Sized model", "Test"

    class Params(NodeParams):
        size: str = "small"

    class Outputs(Ports):
        model: Plain

    @classmethod
    def describe(cls, params: Params, inputs: Ports) -> Ports:
        return cls.Outputs(model=Plain(size=params.size))


class Adapt(DescribingNode):
    """Describe a model with an adapter that only fits a small one."""

    kind, title, family = "test.adapt", "Adapt", "Test"

    class Inputs(Ports):
        base: Plain

    class Outputs(Ports):
        model: Plain

    @classmethod
    def describe(cls, params: Any, inputs: Inputs) -> Ports:
        if inputs.base.size != "small":
            raise NodeError(
                f"The adapter was made for small models, but the base is {inputs.base.size}.",
                fix="Wire a small model.",
                port="base",
            )
        return cls.Outputs(model=inputs.base)


class Pair(DescribingNode):
    """Describe the first of two models."""

    kind, title, family = "test.pair", "Pair", "Test"

    class Inputs(Ports):
        one: ModelSpec
        two: ModelSpec

    class Outputs(Ports):
        model: ModelSpec

    @classmethod
    def describe(cls, params: Any, inputs: Inputs) -> Ports:
        return cls.Outputs(model=inputs.one)


class Slots(Quiet):
    """A port for every name in its params."""

    kind, title, family = "test.slots", "Slots", "Test"

    class Params(NodeParams):
        names: list[str]

    class Outputs(Ports):
        text: str

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        if "" in params.names:
            raise ValueError("a name is empty")
        return Ports.of(dict.fromkeys(params.names, str))


class Join(Quiet):
    """Many texts, one text."""

    kind, title, family = "test.join", "Join", "Test"

    class Inputs(Ports):
        texts: list[str]

    class Outputs(Ports):
        text: str


class Fork(Quiet):
    """One way of three."""

    kind, title, family = "test.fork", "Fork", "Test"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        left: str
        middle: str
        right: str

    @classmethod
    def exclusive_outputs(cls, params: Any) -> tuple[str, ...]:
        return ("left", "middle", "right")


class Search(Quiet):
    """Documents for a text."""

    kind, title, family = "test.search", "Search", "Test"

    class Inputs(Ports):
        text: str

    class Outputs(Ports):
        documents: list[Document]


class Digest(Quiet):
    """Documents as one text."""

    kind, title, family = "test.digest", "Join documents", "Test"

    class Inputs(Ports):
        documents: list[Document]

    class Outputs(Ports):
        text: str


class Model(Quiet):
    """A chat model."""

    kind, title, family = "test.model", "Model", "Test"

    class Outputs(Ports):
        model: ModelSpec


class Talk(Quiet):
    """A chat model answers."""

    kind, title, family = "test.talk", "Talk", "Test"

    class Inputs(Ports):
        model: ModelSpec
        prompt: str

    class Outputs(Ports):
        text: str


class Form(Quiet):
    """Holds a model to a form, as far as it can be held to it."""

    kind, title, family = "test.form", "Form", "Test"

    class Params(NodeParams):
        form: str = "plain"

    class Inputs(Ports):
        model: ModelSpec
        prompt: str

    class Outputs(Ports):
        text: str

    @classmethod
    def doubts(cls, params: Params, inputs: Ports) -> list[str]:
        if params.form == "impossible":
            raise NodeError("Nothing has this form.", fix="Take another form.", port="model")
        if params.form == "broken":
            raise RuntimeError("a stranger's defect")
        held = isinstance(inputs["model"], ModelSpec)
        return ["A form as odd as that is only checked."] if held and params.form == "odd" else []


class Exotic(Step):
    """Needs a package that is nowhere."""

    kind, title = "test.exotic", "Exotic"
    requires = ("no_such_package",)


class Renamed(Step):
    """Its param was `amount` once."""

    kind, title, version = "test.renamed", "Renamed", 3
    migrations: ClassVar[Any] = {
        1: lambda params: {"total": params.get("amount", 1)},
        2: lambda params: {"count": params["total"]},
    }


class Inner(Quiet):
    """Run a flow."""

    kind, title, family = "test.inner", "Run a flow", "Test"

    class Params(NodeParams):
        flow: str = ""
        inputs: list[str] = ["question"]
        outputs: list[str] = ["answer"]

    @classmethod
    def input_ports(cls, params: Params) -> type[Ports]:
        return Ports.of(dict.fromkeys(params.inputs, str))

    @classmethod
    def output_ports(cls, params: Params) -> type[Ports]:
        return Ports.of(dict.fromkeys(params.outputs, str))

    @classmethod
    def subflows(cls, params: Params) -> tuple[SubflowUse, ...]:
        return (SubflowUse(params.flow, tuple(params.inputs), tuple(params.outputs)),)


KINDS = (
    Ask, Give, Step, Slots, Join, Fork, Search, Digest, Model, Talk, Exotic, Renamed, Inner,
    Describe, Adapt, Pair, Form,
)  # fmt: skip
CATALOG = Catalog(KINDS)


def node(node_id: str, kind: str, **params: Any) -> NodeInstance:
    """A node of a test kind; `disabled`, `title` and `version` are not params."""
    fields = {k: params.pop(k) for k in ("disabled", "title", "version") if k in params}
    return NodeInstance(id=node_id, kind=f"test.{kind}", params=params, **fields)


def flow(nodes: list[NodeInstance], *wires: str, **fields: Any) -> Flow:
    """A flow; wires are written `a.text > b.text`."""
    edges = tuple(
        Edge(source=source, target=target)
        for source, target in (wire.split(" > ") for wire in wires)
    )
    return Flow(nodes=tuple(nodes), edges=edges, **fields)
