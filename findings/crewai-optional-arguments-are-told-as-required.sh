#!/usr/bin/env bash
# Guess: a tool argument with a default is optional for the model that calls the tool.
# What happens: CrewAI rewrites the schema it tells models; every property ends up in `required`. A model that follows the
# schema must give a value for each, and small models invent wrong ones.
# Seen with crewai 1.15.30, pydantic 2.12.5, on 2026-11-28.
# Why it matters: a tool made for LangChain or plain OpenAI calls behaves otherwise in a crew, though nothing was changed.
source "$(dirname "$0")/_env.sh"
packages 'crewai==1.15.30' 'pydantic==2.12.5'
"$PY" - <<'PY'
from importlib.metadata import version

from crewai.utilities.pydantic_schema_utils import generate_model_description
from pydantic import BaseModel


class Search(BaseModel):
    query: str
    limit: int = 5
    language: str = "en"


plain = Search.model_json_schema()["required"]
told = generate_model_description(Search)["json_schema"]["schema"]["required"]
print("crewai", version("crewai"))
print("pydantic says required:", plain)
print("crewai tells the model:", sorted(told))
raise SystemExit(0 if plain == ["query"] and sorted(told) == ["language", "limit", "query"] else 1)
PY
