"""YAML as plain data: no tags that build objects, no references that multiply, bounded."""

from __future__ import annotations

from typing import Any

MAX_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 100
MAX_EVENTS = 400_000
MAX_ALIASES = 1000


class YamlRefusedError(ValueError):
    """A text is no YAML, or holds what plain data does not: a code, what is wrong, what helps."""

    def __init__(self, code: str, message: str, fix: str) -> None:
        super().__init__(message)
        self.code, self.message, self.fix = code, message, fix


def plain_yaml(data: bytes, most_bytes: int = MAX_BYTES, most_depth: int = MAX_DEPTH) -> Any:
    """Plain data from a YAML text.

    Raises:
        YamlRefusedError: it is no YAML, holds tags of a language, or is too large or too deep.
    """
    import yaml  # type: ignore[import-untyped]

    if len(data) > most_bytes:
        raise YamlRefusedError("file/too-large", "The file is too large.", "Split it.")
    try:
        text = data.decode("utf-8-sig")
        _check(yaml, text, most_depth)
        return yaml.load(text, Loader=_loader(yaml))  # noqa: S506 - a safe one
    except UnicodeDecodeError as error:
        message = f"The file is not UTF-8 text (byte {error.start + 1})."
        raise YamlRefusedError("file/not-utf8", message, "Save it as UTF-8.") from None
    except RecursionError:
        raise _too_deep("Values are nested too deep.", "Flatten them.") from None
    except YamlRefusedError:
        raise
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        reason = _printable(str(getattr(error, "problem", None) or error))
        message = f"Not YAML{where}: {reason}."
        raise YamlRefusedError("file/not-yaml", message, "Fix the file there.") from None


def _printable(text: str, most: int = 200) -> str:
    shown = "".join(c if c.isprintable() else " " for c in text)
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def _too_deep(message: str, fix: str) -> YamlRefusedError:
    return YamlRefusedError("file/too-deep", message, fix)


def _check(yaml: Any, text: str, most_depth: int) -> None:
    depth = aliases = 0
    loader = yaml.CSafeLoader if hasattr(yaml, "CSafeLoader") else yaml.SafeLoader
    for number, event in enumerate(yaml.parse(text, Loader=loader)):
        if isinstance(event, yaml.AliasEvent):
            aliases += 1
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1
        if depth > most_depth:
            message = f"Values are nested more than {most_depth} levels deep."
            raise _too_deep(message, "Flatten them.")
        if number > MAX_EVENTS or aliases > MAX_ALIASES:
            message = "The file holds too many values."
            raise YamlRefusedError("file/too-large", message, "Split it.")
    if aliases and _weight(yaml, text, loader, most_depth) > MAX_EVENTS:
        message = "References in the file multiply to too many values."
        raise YamlRefusedError("file/too-large", message, "Write the values out.")


def _weight(yaml: Any, text: str, loader: Any, most_depth: int) -> int:
    """How many values the text has once references are written out; without writing them out."""
    known: dict[int, int] = {}

    def weigh(node: Any, depth: int) -> int:
        if depth > most_depth:
            raise _too_deep("A value holds itself.", "Write the values out.")
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
