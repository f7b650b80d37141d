"""HTTP requests of other builders: query, headers, body and key, in the neutral form of `$request`.

`query`, `headers` and `form` are pairs of name and text, `body` says what is sent (`json`, `form`,
`text`), `json` and `text` hold it, `auth` and `auth_name` say how the key `secret` is sent.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from patchbay.flows.exchange.imports.references import ValueSource
from patchbay.flows.exchange.imports.secrets import is_for_keys, secret_name
from patchbay.flows.exchange.imports.template import literal

if TYPE_CHECKING:
    from patchbay.flows.exchange.imports.lower import Lowering
    from patchbay.flows.exchange.imports.mapped import Mapped

OWN = frozenset({"host", "content-length", "transfer-encoding", "connection", "expect"})
"""Headers that a request makes by itself here."""
_SCHEMES = {"bearer": "bearer", "basic": "basic"}


def fill_request(lowering: Lowering, mapped: Mapped) -> None:
    """Set the params of the request that a node became."""
    told = mapped.settings.get("$request")
    node = mapped.pieces.get("it", "")
    if not isinstance(told, Mapping) or node not in lowering.draft.nodes:
        return
    params = lowering.draft.nodes[node]["params"]
    names = lowering.texts.inlined(mapped)
    known = dict(names)

    def pairs(rows: Any) -> list[dict[str, str]]:
        return [
            {"name": str(name), "value": lowering.texts.template(mapped, str(text), names)}
            for name, text in rows or ()
        ]

    for part in ("query", "headers", "form"):
        if rows := pairs(told.get(part)):
            params[part] = rows
    if (body := told.get("body", "none")) != "none":
        params["body"] = body
    if body == "json":
        params["json_body"] = _filled(lowering, mapped, told.get("json"), names)
    elif body == "text":
        params["text_body"] = lowering.texts.template(mapped, str(told.get("text", "")), names)
    for name in ("auth", "auth_name", "seconds", "fail_on_error"):
        if name in told:
            params[name] = told[name]
    if told.get("secret"):
        params["secret"] = {"secret": told["secret"]}
    lowering.texts.hang_all(mapped, node, {n: s for n, s in names.items() if n not in known})
    for status in ("approximated", "name", "refused"):
        for words in told.get(status, ()):
            lowering.report.add(status, mapped.what, words, node)


def _filled(lowering: Lowering, mapped: Mapped, value: Any, names: dict[str, ValueSource]) -> Any:
    """JSON with its texts as templates; a text that is one place takes what is there."""
    if isinstance(value, dict):
        return {key: _filled(lowering, mapped, inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(lowering, mapped, inner, names) for inner in value]
    if not isinstance(value, str):
        return value
    if lowering.fields is not None:
        written, plain = lowering.fields.literal(value, mapped)
        if written:
            return _literal(plain)
    return lowering.texts.template(mapped, value, names)


def _literal(value: Any) -> Any:
    """JSON as it stands in a template of ours."""
    if isinstance(value, dict):
        return {key: _literal(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_literal(inner) for inner in value]
    return literal(value) if isinstance(value, str) else value


class RequestDraft:
    """A request that a reader puts together."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.made: dict[str, Any] = {"query": [], "headers": [], "form": [], "body": "none"}

    def tell(self, status: str, words: str) -> None:
        """Add a line for the report."""
        self.made.setdefault(status, []).append(words)

    def header(self, name: Any, text: Any, environment: str = "") -> None:
        """A header; a key in it becomes a reference to a secret.

        Args:
            name: its name.
            text: its value, with references.
            environment: the variable that it takes its key from, where it says so.
        """
        name, text = str(name or "").strip(), str(text if text is not None else "")
        if not name:
            return
        if name.lower() in OWN:
            self.tell("approximated", f"the header {name} is made of the request here")
            return
        scheme, _, key = text.strip().partition(" ")
        if not (is_for_keys(name) and (environment or _is_literal(text))) or not text.strip():
            self.made["headers"].append((name, text))
            return
        secret = environment or secret_name(f"{self.title} {name}")
        auth = _SCHEMES.get(scheme.lower()) if name.lower() == "authorization" and key else None
        if auth == "basic" and not environment:
            auth = None  # what stands there is encoded already
        self.key(auth or "header", secret, name, bool(environment))
        if not auth and environment and text.strip() != "KEY":
            self.tell("name", f"the secret {secret} with all that the header {name} holds")

    def key(self, auth: str, secret: str, name: str = "", known: bool = False) -> None:
        """How a key is sent, by the name of its secret."""
        if self.made.get("auth"):
            self.tell(
                "refused", f"{name or 'a second key'} is left out: a request has one key here"
            )
            return
        self.made |= {"auth": auth, "secret": secret}
        if auth in ("header", "query"):
            self.made["auth_name"] = name
        stood = "that its header names" if known else "that stood in the file"
        self.tell("name", f"the key {stood}, as the secret {secret}")

    def json(self, value: Any) -> None:
        """Send JSON."""
        self.made |= {"body": "json", "json": value}

    def text(self, value: str) -> None:
        """Send a text."""
        self.made |= {"body": "text", "text": value}

    def pairs(self, rows: list[tuple[str, str]]) -> None:
        """Send the fields of a form."""
        self.made |= {"body": "form", "form": rows}


def _is_literal(text: str) -> bool:
    return "{{" not in text


def holds_reference(request: Any) -> bool:
    """Whether a request takes anything by wire."""
    return "{{" in json.dumps(request, ensure_ascii=False, default=str)
