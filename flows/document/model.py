"""The flow document: plain data, canonical text. Nothing here knows a concrete node."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, JsonValue, StringConstraints

from patchbay.nodes.data import Deferred, same_json

FORMAT: Literal[1] = 1
"""The number of the current file format."""

NAME = r"^[A-Za-z_][A-Za-z0-9_-]{0,63}$"
"""Ids of nodes and names of ports: a letter, then letters, digits, `_` and `-`; at most 64."""

Id = Annotated[str, StringConstraints(pattern=NAME)]
EndpointText = Annotated[
    str, StringConstraints(pattern=NAME[:-1] + r"\." + NAME[1:], max_length=129)
]
SingleLine = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Part(Deferred):
    """Anything in the document. Attribute docs become descriptions in the JSON Schema."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class RunPolicy(Part):
    """How the engine treats a node."""

    retries: int = Field(0, ge=0, le=20)
    """How often to try again after a failure."""
    backoff_s: float = Field(0.5, ge=0, le=300)
    """Seconds before the first new try; doubles with each."""
    timeout_s: float | None = Field(None, gt=0, allow_inf_nan=False)
    """Seconds one try may take."""
    on_error: Literal["fail", "continue"] = "fail"
    """Whether a failure ends the run or only what depends on the node."""
    cache: Literal["auto", "always", "never"] = "auto"
    """`auto` keeps repeatable results, `always` pins the result, `never` runs every time."""


DEFAULT_POLICY = RunPolicy()


class NodeInstance(Part):
    """A node on the canvas."""

    id: Id
    kind: str = Field(min_length=1, max_length=100)
    version: int = Field(1, ge=1)
    title: SingleLine | None = None
    """What the person calls it; the kind's title otherwise."""
    disabled: bool = False
    """A disabled node is skipped, and so is what hangs on it alone."""
    params: dict[str, JsonValue] = {}
    run: RunPolicy = DEFAULT_POLICY

    def __eq__(self, other: object) -> bool:
        """Equal as JSON is: a param that went from 1 to true has changed."""
        return (
            isinstance(other, NodeInstance)
            and super().__eq__(other)
            and all(same_json(value, other.params[name]) for name, value in self.params.items())
        )


class Edge(Part):
    """A wire from an output to an input, each written `node.port`."""

    source: EndpointText = Field(alias="from")
    target: EndpointText = Field(alias="to")

    @property
    def source_node(self) -> str:
        """The id of the node the wire comes from."""
        return self.source.partition(".")[0]

    @property
    def source_port(self) -> str:
        """The output it comes from."""
        return self.source.partition(".")[2]

    @property
    def target_node(self) -> str:
        """The id of the node the wire goes to."""
        return self.target.partition(".")[0]

    @property
    def target_port(self) -> str:
        """The input it goes to."""
        return self.target.partition(".")[2]


class Note(Part):
    """A sticky note."""

    id: Id
    text: str = Field("", max_length=20_000)
    color: Literal["yellow", "blue", "green", "pink", "gray"] = "yellow"


class Group(Part):
    """Nodes that belong together and fold into one box."""

    id: Id
    title: SingleLine = "Group"
    nodes: tuple[Id, ...] = ()
    folded: bool = False


class FlowVariable(Part):
    """A value that params take by `{"variable": NAME}`. Never a secret."""

    name: Id
    value: JsonValue = None
    """The value where no environment has another."""
    environments: dict[Id, JsonValue] = {}
    """Other values, by the name of the environment."""

    def __eq__(self, other: object) -> bool:
        """Equal as JSON is: 1 is not true."""
        return isinstance(other, FlowVariable) and same_json(self.model_dump(), other.model_dump())


class Place(Part):
    """Where something lies on the canvas, in canvas pixels."""

    x: float
    y: float
    w: float | None = None
    h: float | None = None


class Flow(Part):
    """A flow. Immutable; edits are functions from one flow to the next."""

    format: Literal[1] = FORMAT
    name: SingleLine = "Untitled"
    description: str = Field("", max_length=20_000)
    variables: tuple[FlowVariable, ...] = ()
    nodes: tuple[NodeInstance, ...] = ()
    edges: tuple[Edge, ...] = ()
    notes: tuple[Note, ...] = ()
    groups: tuple[Group, ...] = ()
    layout: dict[str, Place] = {}

    def node(self, node_id: str) -> NodeInstance:
        """The node with this id.

        Raises:
            KeyError: there is none.
        """
        for node in self.nodes:
            if node.id == node_id:
                return node
        raise KeyError(node_id)

    def by_id(self) -> Mapping[str, NodeInstance]:
        """All nodes by id."""
        return {node.id: node for node in self.nodes}

    def with_params(self, changes: Mapping[str, Mapping[str, Any]]) -> Flow:
        """The same flow with params changed: node id → param → value."""
        nodes = tuple(
            node.model_copy(update={"params": {**node.params, **changes[node.id]}})
            if node.id in changes
            else node
            for node in self.nodes
        )
        return self.model_copy(update={"nodes": nodes})
