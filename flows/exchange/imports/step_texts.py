"""Texts of steps: their references to the question, to other steps, to state, item and form."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.exchange.imports.params import READERS
from patchbay.flows.exchange.imports.references import (
    CHAT,
    TALK,
    NamedInput,
    Output,
    PlainText,
    ValueSource,
)
from patchbay.flows.exchange.imports.rounds import state_rows
from patchbay.flows.exchange.imports.step_ways import StepWay
from patchbay.flows.exchange.imports.template import Var, from_html, literal, pieces, variable

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.mapped import Mapped
    from patchbay.flows.exchange.imports.steps import Steps

_BARE = re.compile(r"^\$flow\.(state|output)\b[\w.\[\]]*$")
_INDEX = re.compile(r"\[(\d{1,6})\]")


class StepTexts:
    """The texts of the steps of one graph."""

    def __init__(self, steps: Steps) -> None:
        self.steps, self.lowering, self.draft = steps, steps.lowering, steps.draft
        self.outer: Mapping[str, str] = {}
        """What comes from outside of a body: reference → the name of its input."""
        self.item = ""
        """The end that gives the item, inside an iteration."""

    def template(
        self,
        mapped: Mapped,
        way: StepWay,
        text: str,
        names: dict[str, ValueSource],
        own: str = "",
    ) -> str:
        """A text as a template of ours; its variables are added to `names`.

        Args:
            mapped: the step.
            way: what is known there.
            text: the text, as it stands in the file.
            names: variable → where its value comes from.
            own: the end of what the step itself has said, for what it writes into the state.
        """
        made = ""
        known = self._knows
        syntax: Any = "braces" if mapped.node.type.startswith("seq") else "double"
        values = READERS["json"](mapped.settings.get("promptValues", ""))
        values = values if isinstance(values, Mapping) else {}
        for part in self._pieces(text, syntax, known):
            if isinstance(part, str):
                made += literal(part)
                continue
            source = self.source(mapped, way, part, values, own)
            if isinstance(source, PlainText):
                made += literal(source.text)
                continue
            name = variable(_short(part.name), ())
            while name in names and names[name] != source:
                name = variable(name, names)
            names[name] = source
            made += "{" + name + "}"
        return made

    def _knows(self, name: str) -> bool:
        """Whether what stands between two braces is a reference; `output` is the step's own."""
        own = name.partition(".")[0] == "output"
        return own or name in self.outer or self.lowering.texts.references.knows(name)

    def _pieces(self, text: str, syntax: Any, known: Any) -> list[str | Var]:
        text = from_html(text)
        if _BARE.match(text.strip()):  # sequential agents write `$flow.state.key` without braces
            return [Var(text.strip(), double=True)]
        return pieces(text, syntax, known)

    def value(self, mapped: Mapped, way: StepWay, text: str, own: str = "") -> ValueSource:
        """What a text that stands for one value gives: a plain text, an end, or a template."""
        names: dict[str, ValueSource] = {}
        template = self.template(mapped, way, text.strip(), names, own).strip()
        if not names:
            return PlainText(template.replace("{{", "{").replace("}}", "}"))
        only = next(iter(names))
        if template == "{" + only + "}" and names[only] not in (CHAT, TALK):
            return names[only]
        made = self.draft.add("text", "prompt.template", {"template": template})
        for name, source in names.items():
            self.hang(source, f"{made}.{name}", way)
        return Output("", "", f"{made}.text")

    def source(
        self,
        mapped: Mapped,
        way: StepWay,
        part: Var,
        values: Mapping[str, Any],
        own: str = "",
    ) -> ValueSource:
        """Where the value of a reference comes from."""
        name = part.name.replace("\\_", "_").strip()
        given = values.get(name) if not part.double else None
        if isinstance(given, str) and given:
            inner = self._pieces(given, "double", self._knows)
            if len(inner) == 1 and isinstance(inner[0], Var):
                return self.source(mapped, way, inner[0], {}, own)
            return PlainText(given)
        if name in ("question", "input") or (not part.double and given is None):
            return CHAT
        if name == "chat_history":
            return Output("", "", self.steps.conversation(way)) if way.whole else TALK
        if name == "current_date_time":
            self.lowering.report.add("name", mapped.what, "the date and time, as an input")
            return NamedInput("current_date_time")
        if name.startswith("$"):
            found = self._special(mapped, way, name, own)
            if found is not None:
                return found
        if name == "runtime_messages_length":
            return self.steps.counted(mapped, way, without_question=True)
        if name.partition(".")[0] == "output" and own:
            return Output("", "", self.field(own, name.partition(".")[2]))
        return self._step(mapped, way, name)

    def _special(self, mapped: Mapped, way: StepWay, name: str, own: str) -> ValueSource | None:
        if name in ("$flow.state.messages.length", "$flow.messages.length"):
            return self.steps.counted(mapped, way, without_question=False)
        if name.startswith("$flow.state."):
            return self._state(mapped, way, name.removeprefix("$flow.state."))
        if name.startswith("$flow.output") and own:
            path = name.removeprefix("$flow.output").removeprefix("[0]").lstrip(".")
            return Output("", "", self.field(own, "" if path == "content" else path))
        if name.startswith("$form."):
            return NamedInput(variable(name.removeprefix("$form.")))
        if name.startswith("$vars."):
            word = variable(name.removeprefix("$vars."))
            self.lowering.report.add("name", mapped.what, f"the variable {word}, as an input")
            return NamedInput(word)
        if name.startswith("$iteration") and self.item:
            path = name.removeprefix("$iteration").lstrip(".")
            return Output("", "", self.picked(self.item, path) if path else self.item)
        return None

    def _step(self, mapped: Mapped, way: StepWay, name: str) -> ValueSource:
        base, _, path = name.partition(".")
        path = path.removeprefix("output").lstrip(".")
        if name in self.outer:
            return NamedInput(self.outer[name])
        said = next((entry for entry in reversed(way.said) if entry.step == base), None)
        if said is not None:
            return Output(base, "", self.field(said.end, path))
        if base in self.lowering.mapped:
            end = self.lowering.outputs(base, "*").get("", "")
            if end:
                return Output(base, "", self.field(end, path))
            if base in self.steps.steps:
                words = f"{name!r} is not known yet where it is read; it is empty here"
                self.lowering.report.add("approximated", mapped.what, words)
                return PlainText("")
        words = f"the reference {name!r} is not known here; it stays as text"
        self.lowering.report.add("refused", mapped.what, words)
        return PlainText("{{" + name + "}}")

    def _state(self, mapped: Mapped, way: StepWay, path: str) -> ValueSource:
        """A value of the shared state."""
        key, rest = re.match(r"([A-Za-z_]\w*)?(.*)", path, re.DOTALL).groups("")  # type: ignore[union-attr]
        if f"$flow.state.{key}" in self.outer:
            return NamedInput(self.outer[f"$flow.state.{key}"])
        source = way.state.get(key, PlainText(""))
        rest = _INDEX.sub(r".\1", rest).strip(".")
        if rest and isinstance(source, Output):
            inside = self.as_json(source.end)
            if inside:
                return Output("", "", self.picked(inside, rest))
            words = f"{path!r} is a place inside a text, and cannot be picked"
            self.lowering.report.add("refused", mapped.what, words)
        return source

    def field(self, end: str, path: str) -> str:
        """A field of a structured answer; the end itself where the answer has none."""
        node = self.draft.nodes.get(end.partition(".")[0])
        if not path or node is None or not node["params"].get("json_schema"):
            return end
        return self.picked(f"{node['id']}.json", path)

    def picked(self, end: str, path: str, gives: str = "text") -> str:
        """A place inside JSON."""
        name = variable(path.rpartition(".")[2] or "value")
        pointer = "/" + path.replace(".", "/")
        params = {"fields": [{"name": name, "pointer": pointer, "gives": gives}]}
        made = self.draft.add("pick", "data.pick", params)
        self.draft.wire(end, f"{made}.json")
        return f"{made}.{name}"

    def as_json(self, end: str) -> str:
        """The same value as JSON, where it is known as JSON; else ""."""
        node = self.draft.nodes.get(end.partition(".")[0])
        if node is None:
            return ""
        if node["kind"] == "data.pick":
            return self._repicked(node, "json")
        if node["params"].get("json_schema"):
            return f"{node['id']}.json"
        return end if node["kind"] in ("logic.for_each", "data.transform") else ""

    def as_number(self, end: str) -> str:
        """The same value as a number, where it can be one; else ""."""
        node = self.draft.nodes.get(end.partition(".")[0])
        if node is None:
            return ""
        if node["kind"] == "data.pick":
            return self._repicked(node, "number")
        return end if node["params"].get("gives") == "number" else ""

    def _repicked(self, node: Mapping[str, Any], gives: str) -> str:
        (row,) = node["params"]["fields"]
        made = self.draft.add("pick", "data.pick", {"fields": [{**row, "gives": gives}]})
        source = next(s for s, t in self.draft.edges if t == f"{node['id']}.json")
        self.draft.wire(source, f"{made}.json")
        return f"{made}.{row['name']}"

    def hang(self, source: ValueSource, end: str, way: StepWay) -> None:
        """Wire a source to an end."""
        if source == CHAT:
            if way.gate and not way.whole:
                self.draft.wire(way.gate, end)
            else:
                self.lowering.chats.append(end)
        elif source == TALK:
            self.lowering.talks.append((end, True))
        elif isinstance(source, NamedInput):
            self.lowering.asked.setdefault(source.name, []).append(end)
        elif isinstance(source, Output) and source.end:
            self.draft.wire(source.end, end)
        elif isinstance(source, PlainText):
            params = {"template": literal(source.text)}
            made = self.draft.add("text", "prompt.template", params)
            self.draft.wire(f"{made}.text", end)

    def updated(self, mapped: Mapped, way: StepWay, own: str) -> StepWay:
        """The way with what the step writes into the state."""
        rows = state_rows(mapped.settings)
        if not rows:
            return way
        state = dict(way.state)
        for row in rows:
            text = row.get("value")
            text = text if isinstance(text, str) else ""
            state[str(row["key"])] = self.value(mapped, way, text, own)
        return StepWay(way.gate, way.said, way.whole, state)


def _short(name: str) -> str:
    words = [word for word in re.split(r"[.\[\]]", name.replace("\\", "").replace("$", "")) if word]
    words = [word for word in words if not word.isdigit()]
    return words[-1] if words else "value"
