"""A pipeline file as plain data, checked: what it builds, how it is connected, what stays open.

Pure. Types in the file are names that are looked up in a table; nothing is imported or evaluated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from patchbay.nodes.haystack.components import COMPONENTS, STORE, Component
from patchbay.nodes.haystack.example import READ
from patchbay.nodes.haystack.kinds import ANY, SocketType, fit, in_words, socket_type
from patchbay.nodes.plain_yaml import plain_yaml

MOST_BYTES = 1_000_000
MOST_COMPONENTS = 200


@dataclass(frozen=True, slots=True)
class Placed:
    """One component of a pipeline: its settings and sockets."""

    name: str
    kind: str
    settings: Mapping[str, Any]
    needs: Mapping[str, SocketType]
    may: Mapping[str, SocketType]
    gives: Mapping[str, SocketType]

    @property
    def component(self) -> Component:
        """What is known of its kind."""
        return COMPONENTS[self.kind]

    @property
    def asks(self) -> bool:
        """Whether it asks a chat model."""
        return self.component.asks or self.component.role == "generator"

    def taken(self, socket: str) -> SocketType | None:
        """The type of an input socket; None where there is none."""
        return self.needs.get(socket) or self.may.get(socket)


@dataclass(frozen=True, slots=True)
class Connection:
    """From an output socket to an input socket, each as (component, socket)."""

    sender: tuple[str, str]
    receiver: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Drawn:
    """A pipeline that can be built."""

    parts: Mapping[str, Placed]
    connections: tuple[Connection, ...]
    remarks: tuple[str, ...] = ()
    """What a person should know, though it runs."""
    named_inputs: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    named_outputs: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    most_visits: int = 100


@lru_cache(maxsize=256)
def read_plan(text: str) -> Drawn:
    """The plan of a pipeline file.

    Raises:
        ValueError: it cannot run, and all reasons for that.
    """
    data = READ[text] if text in READ else _read(text)
    components = data.get("components") if isinstance(data, dict) else None
    if not isinstance(components, dict) or not components:
        raise ValueError("the text is no Haystack pipeline: it has no components")
    if len(components) > MOST_COMPONENTS:
        raise ValueError(f"the pipeline has more than {MOST_COMPONENTS} components")
    faults: list[str] = []
    parts: dict[str, Placed] = {}
    for name, row in components.items():
        try:
            parts[str(name)] = _part(str(name), row)
        except ValueError as error:
            faults.append(f"{name}: {error}")
    if faults:
        raise ValueError("; ".join(faults))
    connections = _connections(data.get("connections"), parts, faults)
    inputs = _named(data.get("inputs"), "inputs", parts, faults)
    outputs = _named(data.get("outputs"), "outputs", parts, faults)
    if faults:
        raise ValueError("; ".join(dict.fromkeys(faults)))
    visits = data.get("max_runs_per_component", 100)
    return Drawn(
        parts,
        tuple(connections),
        tuple(_remarks(parts, connections)),
        inputs,
        {name: ends[0] for name, ends in outputs.items()},
        visits if isinstance(visits, int) and 1 <= visits <= 1000 else 100,
    )


def _read(text: str) -> Any:
    return plain_yaml(text.encode("utf-8", "surrogatepass"), MOST_BYTES)


# --- components ---------------------------------------------------------------------------------


def _part(name: str, row: Any) -> Placed:
    path = row.get("type") if isinstance(row, dict) else None
    if not isinstance(path, str):
        raise ValueError("it names no type")
    kind = path.rpartition(".")[2]
    component = COMPONENTS.get(kind)
    if component is None:
        raise ValueError(
            f"{path[:100]} is not among the components that are built here: {', '.join(COMPONENTS)}"
        )
    settings = row.get("init_parameters") or {}
    if not isinstance(settings, dict):
        raise ValueError("its init_parameters are no mapping")
    for key in component.refused:
        if settings.get(key):
            raise ValueError(f"{key} would run code of the file, which is never done")
    if (store := settings.get("document_store")) is not None:
        _check_store(store)
    needs = {key: socket_type(kind_) for key, kind_ in component.needs.items()}
    may = {key: socket_type(kind_) for key, kind_ in component.may.items()}
    gives = {key: socket_type(kind_) for key, kind_ in component.gives.items()}
    own = _OWN_SOCKETS.get(kind)
    if own is not None:
        own(settings, needs, may, gives)
    return Placed(name, kind, settings, needs, may, gives)


def _check_store(store: Any) -> None:
    path = store.get("type") if isinstance(store, dict) else None
    if not isinstance(path, str) or path.rpartition(".")[2] != STORE:
        raise ValueError(
            f"its document store {str(path)[:100]} is not built here; use {STORE}, which is filled "
            'through the port "documents"'
        )


def _prompt(settings: Any, needs: Any, may: Any, gives: Any) -> None:
    template = settings.get("template")
    given = settings.get("variables")
    names = [str(n) for n in given] if isinstance(given, list) and given else variables(template)
    required = settings.get("required_variables", "*")
    for name in names:
        needed = required == "*" or (isinstance(required, list) and name in required)
        (needs if needed else may)[name] = ANY


def _adapter(settings: Any, needs: Any, may: Any, gives: Any) -> None:
    needs.update(dict.fromkeys(variables(settings.get("template")), ANY))
    gives["output"] = socket_type(settings.get("output_type"))


def _router(settings: Any, needs: Any, may: Any, gives: Any) -> None:
    routes = settings.get("routes")
    if not isinstance(routes, list) or not routes:
        raise ValueError("it has no routes")
    optional = settings.get("optional_variables") or ()
    for route in routes:
        if not isinstance(route, dict):
            raise ValueError("a route is no mapping")
        each = {k: route.get(k) for k in ("condition", "output", "output_name", "output_type")}
        lists = [v if isinstance(v, list) else [v] for v in each.values()]
        if len({len(one) for one in lists[1:]}) != 1:
            raise ValueError("a route has as many outputs as names and types of them")
        for text in [*lists[0], *lists[1]]:
            for name in variables(text):
                (may if name in optional else needs)[name] = ANY
        for name, kind in zip(lists[2], lists[3], strict=True):
            gives[str(name)] = socket_type(kind)


def _branch(settings: Any, needs: Any, may: Any, gives: Any) -> None:
    needs["value"] = gives["value"] = socket_type(settings.get("type_"))


def _lists(settings: Any, needs: Any, may: Any, gives: Any) -> None:
    given = settings.get("list_type_")
    kind: SocketType = ("list", ANY) if given is None else socket_type(given)
    needs["values"] = gives["values"] = kind


_OWN_SOCKETS: Mapping[str, Any] = {
    "PromptBuilder": _prompt, "ChatPromptBuilder": _prompt, "OutputAdapter": _adapter,
    "ConditionalRouter": _router, "BranchJoiner": _branch, "ListJoiner": _lists,
}  # fmt: skip


_SIMPLE = re.compile(r"\{\{ *([A-Za-z_]\w*) *\}\}", re.ASCII)
"""What Jinja need not be asked about; but for its own words."""
_WORDS = {"true", "false", "none", "True", "False", "None", "self"}


def variables(template: Any) -> list[str]:
    """What has to be given to a Jinja template, or to all messages of one, by name.

    Raises:
        ValueError: it is no template.
    """
    texts = list(_texts(template))
    simple = [_SIMPLE.sub("", text) for text in texts]
    if not any(sign in text for text in simple for sign in ("{{", "{%", "{#", "}}")):
        names = {name for text in texts for name in _SIMPLE.findall(text)}
        return sorted(names - _WORDS)
    import jinja2
    from jinja2 import meta
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    found: set[str] = set()
    for text in texts:
        plain = re.sub(r"\{%-?\s*(?:end)?message\b[^%]*%\}", "", text)
        try:
            tree = ImmutableSandboxedEnvironment().parse(plain)
        except jinja2.TemplateSyntaxError as error:
            raise ValueError(f"its template is no Jinja: {error.message}") from None
        found |= meta.find_undeclared_variables(tree)
    return sorted(found)


def _texts(template: Any) -> Iterator[str]:
    """The texts of a template: itself, or the contents of its messages."""
    if isinstance(template, str):
        yield template
    for message in template if isinstance(template, list) else ():
        content = (
            message.get("content", message.get("_content")) if isinstance(message, dict) else 0
        )
        for block in content if isinstance(content, list) else [content]:
            text = block.get("text") if isinstance(block, dict) else block
            if isinstance(text, str):
                yield text


# --- connections --------------------------------------------------------------------------------


def _connections(rows: Any, parts: Mapping[str, Placed], faults: list[str]) -> list[Connection]:
    found: list[Connection] = []
    taken: dict[tuple[str, str], int] = {}
    for row in rows if isinstance(rows, list) else ():
        ends = (row.get("sender"), row.get("receiver")) if isinstance(row, dict) else (None, None)
        try:
            made = _connection(str(ends[0]), str(ends[1]), parts)
        except ValueError as error:
            faults.append(str(error))
            continue
        found.append(made)
        taken[made.receiver] = taken.get(made.receiver, 0) + 1
    for (name, socket), count in taken.items():
        part = parts[name]
        is_list = (part.taken(socket) or ANY)[0] == "list"
        if count > 1 and socket not in part.component.wide and not is_list:
            faults.append(
                f"{name}.{socket} takes one connection and has {count}; put a joiner before it"
            )
    return found


def _connection(sender: str, receiver: str, parts: Mapping[str, Placed]) -> Connection:
    start = _end(sender, parts, "gives")
    end = _end(receiver, parts, "takes")
    given = parts[start[0]].gives[start[1]]
    taken = parts[end[0]].taken(end[1]) or ANY
    way = fit(given, taken)
    ends = f"{start[0]}.{start[1]} gives {in_words(given)}, but {end[0]}.{end[1]} takes "
    if way is None:
        raise ValueError(f"{ends}{in_words(taken)}; they cannot be connected")
    if way == "unwrapped" and not _gives_one(parts[start[0]], start[1]):
        raise ValueError(
            f"{ends}{in_words(taken)}: Haystack connects the two, and fails while it runs unless "
            "the list holds exactly one. Put an OutputAdapter between them that chooses, such as "
            f'"{{{{ {start[1]}[0] }}}}", or joins them'
        )
    return Connection(start, end)


def _gives_one(part: Placed, socket: str) -> bool:
    """Whether a list that is sent always holds exactly one."""
    if part.component.role == "generator":
        return True
    template = part.settings.get("template")
    return part.kind == "ChatPromptBuilder" and isinstance(template, list) and len(template) == 1


def _end(text: str, parts: Mapping[str, Placed], side: str) -> tuple[str, str]:
    name, _, socket = text.partition(".")
    part = parts.get(name)
    if part is None:
        raise ValueError(f"a connection names {name!r}, which is no component")
    sockets = part.gives if side == "gives" else {**part.needs, **part.may}
    if not socket:
        main = part.gives if side == "gives" else part.needs
        if len(main) != 1:
            raise ValueError(f"a connection of {name} has to name a socket: {', '.join(sockets)}")
        socket = next(iter(main))
    if socket not in sockets:
        known = ", ".join(sockets) or "none"
        raise ValueError(f"{name} {side} no {socket!r}; it {side}: {known}")
    return name, socket


def _named(
    rows: Any, what: str, parts: Mapping[str, Placed], faults: list[str]
) -> dict[str, tuple[tuple[str, str], ...]]:
    """The ends that a file gives names of its own, as Hayhooks does."""
    found: dict[str, tuple[tuple[str, str], ...]] = {}
    for name, ends in rows.items() if isinstance(rows, dict) else ():
        listed = [ends] if isinstance(ends, str) else ends
        side = "gives" if what == "outputs" else "takes"
        try:
            if not isinstance(listed, list) or not listed:
                raise ValueError(f"{what}: {name} names no socket")
            found[str(name)] = tuple(_end(str(end), parts, side) for end in listed)
        except ValueError as error:
            faults.append(str(error))
    return found


def _remarks(parts: Mapping[str, Placed], connections: list[Connection]) -> Iterator[str]:
    for part in parts.values():
        for socket in part.component.wide:
            senders = [c.sender[0] for c in connections if c.receiver == (part.name, socket)]
            if senders != sorted(senders) and part.kind in ("StringJoiner", "ListJoiner"):
                yield (
                    f"{part.name} joins in the order of the names of components, as text: "
                    f"{', '.join(sorted(senders))}."
                )
