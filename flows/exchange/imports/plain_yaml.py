"""YAML of other builders, with what is wrong as a problem. How it is read: `nodes.plain_yaml`."""

from __future__ import annotations

from typing import Any

from patchbay.flows.document.reading import MAX_BYTES, MAX_DEPTH
from patchbay.flows.problems import FlowError, Problem
from patchbay.nodes.plain_yaml import YamlRefusedError, plain_yaml


def parse_yaml(data: bytes) -> Any:
    """Plain data from a YAML text.

    Raises:
        FlowError: it is no YAML, holds tags of a language, or is too large or too deep.
    """
    try:
        return plain_yaml(data, MAX_BYTES, MAX_DEPTH)
    except YamlRefusedError as error:
        raise FlowError([Problem(error.code, error.message, error.fix)]) from None
