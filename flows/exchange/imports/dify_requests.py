"""Dify's HTTP request in the neutral form."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from patchbay.flows.exchange.imports.json_text import json_with
from patchbay.flows.exchange.imports.requests import RequestDraft
from patchbay.flows.exchange.imports.secrets import secret_name

_REFERENCE = re.compile(r"\{\{#([^{}#\n]{1,200})#\}\}")
_ENVIRONMENT = re.compile(r"^\{\{#env\.([A-Za-z_]\w{0,80})#\}\}$")


def request_of(title: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The request of a node."""
    draft = RequestDraft(title)
    draft.made["query"] = list(_lines(data.get("params")))
    _key(draft, data.get("authorization"))
    for name, text in _lines(data.get("headers")):
        draft.header(name, text)
    body = data.get("body")
    if isinstance(body, dict):
        _body(draft, str(body.get("type") or "none"), body.get("data"))
    timeout = data.get("timeout")
    read = timeout.get("read") if isinstance(timeout, dict) else None
    if isinstance(read, (int, float)) and 0 < read <= 3600:
        draft.made["seconds"] = read
    if data.get("ssl_verify") is False:
        draft.tell("approximated", "certificates are always checked here")
    return draft.made


def _lines(text: Any) -> Iterator[tuple[str, str]]:
    """`name:value`, one a line."""
    for line in text.splitlines() if isinstance(text, str) else ():
        name, colon, value = line.partition(":")
        if name.strip() and (colon or value):
            yield name.strip(), value.strip()


def _key(draft: RequestDraft, told: Any) -> None:
    config = told.get("config") if isinstance(told, dict) else None
    if not isinstance(config, dict) or told.get("type") == "no-auth":
        return
    kind, name = str(config.get("type") or "basic"), str(config.get("header") or "")
    held = str(config.get("api_key") or "").strip()
    variable = _ENVIRONMENT.match(held)
    secret = variable[1] if variable else secret_name(f"{draft.title} {name or 'key'}")
    if kind == "custom":
        draft.key("header", secret, name or "Authorization", bool(variable))
        return
    if kind == "basic" and not variable:
        words = f"the secret {secret} as name:password; there it is held in base64"
        draft.tell("name", words)
    draft.key("bearer" if kind == "bearer" else "basic", secret, known=bool(variable))


def _body(draft: RequestDraft, kind: str, data: Any) -> None:
    rows = data if isinstance(data, list) else []
    files = any(isinstance(row, dict) and row.get("type") == "file" for row in rows)
    whole = "".join(str(row.get("value") or "") for row in rows if isinstance(row, dict))
    text = data if isinstance(data, str) else whole
    if kind in ("form-data", "x-www-form-urlencoded"):
        pairs = [
            (str(row.get("key") or ""), str(row.get("value") or ""))
            for row in rows
            if isinstance(row, dict) and row.get("key") and row.get("type") != "file"
        ]
        draft.pairs(pairs or list(_lines(text)))
        if kind == "form-data":
            draft.tell("approximated", "its form is sent as fields of an address (urlencoded)")
        if files:
            draft.tell("refused", "files in its form are left out")
    elif kind == "json" and text.strip():
        try:
            draft.json(json_with(text, _REFERENCE, _written, _written))
        except ValueError:
            draft.tell("refused", "its body is no JSON, and is left out")
    elif kind == "raw-text" and text:
        draft.text(text)
    elif kind == "binary":
        draft.tell("refused", "its body is a file, and is left out")


def _written(name: str) -> str:
    return "{{#" + name + "#}}"
