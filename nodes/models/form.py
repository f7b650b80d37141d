"""The form that an answer must have, as params: a JSON schema, or a grammar."""

from __future__ import annotations

from dataclasses import replace
from typing import Self

from pydantic import field_validator, model_validator

from patchbay.nodes.calls import CallOptions
from patchbay.nodes.contract import Field
from patchbay.nodes.models.grammar import check_grammar
from patchbay.nodes.models.options import Sampling
from patchbay.nodes.models.schema import SchemaOrNone


class Form(Sampling):
    """A JSON schema or a grammar, not both; each is checked."""

    json_schema: SchemaOrNone = Field(None, widget="json")
    """A JSON schema that the answer must follow."""
    grammar: str | None = Field(None, min_length=1, widget="code")
    """A grammar (GBNF) that the answer must follow; for models that run in llama.cpp."""

    @field_validator("grammar")
    @classmethod
    def _is_grammar(cls, grammar: str | None) -> str | None:
        if grammar is not None:
            check_grammar(grammar)
        return grammar

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.json_schema is not None and self.grammar is not None:
            raise ValueError("an answer follows a JSON schema or a grammar, not both")
        return self

    @property
    def sampling(self) -> CallOptions:
        """What the fields say about a call, the form included."""
        return replace(super().sampling, json_schema=self.json_schema, grammar=self.grammar)
