"""YAML as plain data: no tags that build objects, no references that multiply, bounded."""

from __future__ import annotations

from typing import Any

from patchbay.flows.document.reading import MAX_BYTES, MAX_DEPTH
from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.wording import printable

MAX_EVENTS = 400_000
MAX_ALIASES = 1000


def parse_yaml(data: bytes) -> Any:
    """Plain data from a YAML text.

    Raises:
        FlowError: it is no YAML, holds tags of a language, or is too large or too deep.
    """
    import yaml  # type: ignore[import-untyped]

    if len(data) > MAX_BYTES:
        raise _refused("file/too-large", "The file is too large.", "Split it.")
    try:
        text = data.decode("utf-8-sig")
        _check(yaml, text)
        return yaml.load(text, Loader=_loader(yaml))  # noqa: S506 - a safe one
    except UnicodeDecodeError as error:
        message = f"The file is not UTF-8 text (byte {error.start + 1})."
        raise _refused("file/not-utf8", message, "Save it as UTF-8.") from None
    except RecursionError:
        raise _refused("file/too-deep", "Values are nested too deep.", "Flatten them.") from None
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reason = printable(str(getattr(error, "problem", None) or error), 200)
        message = f"Not YAML{where}: {reason}."
        raise _refused("file/not-yaml", message, "Fix the file there.") from None


def _check(yaml: Any, text: str) -> None:
    depth = aliases = 0
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    for number, event in enumerate(yaml.parse(text, Loader=loader)):
        if isinstance(event, yaml.AliasEvent):
            aliases += 1
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > MAX_DEPTH:
            message = f"Values are nested more than {MAX_DEPTH} levels deep."
            raise _refused("file/too-deep", message, "Flatten them.")
        if number > MAX_EVENTS or aliases > MAX_ALIASES:
            raise _refused("file/too-large", "The file holds too many values.", "Split it.")
    if aliases and _weight(yaml, text, loader) > MAX_EVENTS:
        message = "References in the file multiply to too many values."
        raise _refused("file/too-large", message, "Write the values out.")


def _weight(yaml: Any, text: str, loader: Any) -> int:
    """How many values the text has once references are written out; without writing them out."""
    known: dict[int, int] = {}

    def weigh(node: Any, depth: int) -> int:
        if depth > MAX_DEPTH:
            raise _refused("file/too-deep", "A value holds itself.", "Write the values out.")
        if id(node) in known:
            return known[id(node)]
        if isinstance(node, yaml.MappingNode):
            inner = sum(weigh(k, depth + 1) + weigh(v, depth + 1) for k, v in node.value)
        elif isinstance(node, yaml.SequenceNode):
            inner = sum(weigh(item, depth + 1) for item in node.value)
        else:
            inner = 0
        known[id(node)] = 1 + inner
        return known[id(node)]

    root = yaml.compose(text, Loader=loader)
    return weigh(root, 0) if root is not None else 0


def _loader(yaml: Any) -> Any:
    """A safe loader that keeps dates as text and refuses doubled keys by the last one winning."""
    base = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    Plain: Any = type("Plain", (base,), {})  # noqa: N806 - a class
    Plain.add_constructor(
        "tag:yaml.org,2002:timestamp", lambda loader, node: loader.construct_scalar(node)
    )
    Plain.add_constructor(
        "tag:yaml.org,2002:binary", lambda loader, node: loader.construct_scalar(node)
    )
    return Plain


def _refused(code: str, message: str, fix: str) -> FlowError:
    return FlowError([Problem(code, message, fix)])
