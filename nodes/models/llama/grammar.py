"""JSON schemas as grammars for llama.cpp.

Its chat address converts a schema by an older way that leaves out most keywords, minimum and
maximum of numbers among them. The wheel brings a newer way, `json_schema_to_grammar`; what that
makes is sent as a grammar. A grammar that llama.cpp cannot read it drops without a word: that is
why only what can be forced goes into one (see `nodes.models.forced`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from patchbay.nodes.models.doubts import impossible
from patchbay.nodes.models.forced import forced

_SPACING = {"whitespace_pattern": "( |\\n{1,2}[ \\t]{0,20})?"}
"""As llama.cpp's older way spaces JSON: small models choose other words where they may not break
lines. No more than that, since they would write blanks for ever."""


def held_to_schema(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of a call with a grammar in place of a JSON schema; others stay as they are.

    Raises:
        NodeError: no grammar can be made of the schema.
    """
    wanted = options.get("response_format")
    kind = wanted.get("type") if isinstance(wanted, Mapping) else None
    if wanted is None or kind not in ("json_schema", "json_object"):
        return dict(options)
    rest = {key: value for key, value in options.items() if key != "response_format"}
    schema = wanted["json_schema"]["schema"] if kind == "json_schema" else {"type": "object"}
    return {**rest, "grammar": grammar_of(schema)}


def grammar_of(schema: Mapping[str, Any]) -> str:
    """A grammar that forces what can be forced of a schema.

    Raises:
        NodeError: none can be made.
    """
    import xllamacpp

    made = forced(schema)
    if made.impossible:
        raise impossible(made.impossible)
    try:
        guided = {**made.schema, "x-guidance": {"coerce_one_of": True, **_SPACING}}
        return str(xllamacpp.json_schema_to_grammar(guided))
    except (RuntimeError, ValueError) as error:
        raise impossible(str(error)) from error
