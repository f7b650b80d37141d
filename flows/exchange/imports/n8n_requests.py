"""n8n's HTTP Request in the neutral form, in the shape of each of its versions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from patchbay.flows.exchange.imports.n8n_expressions import (
    EXPRESSION,
    LEFT_OUT,
    ExpressionReader,
    environment_name,
)
from patchbay.flows.exchange.imports.requests import RequestDraft
from patchbay.flows.exchange.imports.secrets import is_for_keys, secret_name

_BEARER = {
    "openAiApi": "OPENAI_API_KEY", "mistralCloudApi": "MISTRAL_API_KEY",
    "groqApi": "GROQ_API_KEY", "openRouterApi": "OPENROUTER_API_KEY",
    "deepSeekApi": "DEEPSEEK_API_KEY", "perplexityApi": "PERPLEXITY_API_KEY",
    "huggingFaceApi": "HF_TOKEN", "slackApi": "SLACK_TOKEN",
}  # fmt: skip
"""Kinds of credentials that are sent as bearer tokens → the secret."""
_GENERIC = {
    "httpBasicAuth": "basic", "httpBearerAuth": "bearer", "httpHeaderAuth": "header",
    "httpQueryAuth": "query",
}  # fmt: skip
_LOST = {
    "allowUnauthorizedCerts": "certificates are always checked here",
    "proxy": "its proxy is left out",
    "pagination": "it asks once here; there page after page",
}
MILLISECONDS = 1000
JSON = "its {what} is no JSON that can be read without running JavaScript, and is left out"


def request_of(
    title: str,
    settings: Mapping[str, Any],
    version: float,
    credentials: Any,
    reader: ExpressionReader,
) -> dict[str, Any]:
    """The request of a node, from its settings as they stand in the file."""
    draft = RequestDraft(title)
    _Made(draft, settings, version, reader).fill()
    _credentials(draft, settings, credentials)
    options = settings.get("options")
    options = options if isinstance(options, dict) else {}
    for name, words in _LOST.items():
        if options.get(name) not in (None, False, "", {}):
            draft.tell("approximated", words)
    timeout = options.get("timeout")
    if isinstance(timeout, (int, float)) and 0 < timeout <= 3_600_000:
        draft.made["seconds"] = timeout / MILLISECONDS
    if answer_of(settings).get("neverError"):
        draft.made["fail_on_error"] = False
    return draft.made


def answer_of(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the options say about the answer."""
    options = settings.get("options")
    inner = options.get("response") if isinstance(options, dict) else None
    inner = inner.get("response") if isinstance(inner, dict) else None
    return inner if isinstance(inner, dict) else {}


def fields_of(settings: Mapping[str, Any]) -> dict[str, str]:
    """The fields of what it gives there → its outputs here."""
    told = answer_of(settings)
    form, name = (
        str(told.get("responseFormat") or ""),
        str(told.get("outputPropertyName") or "data"),
    )
    if told.get("fullResponse"):
        body = {name: "text"} if form == "text" else {"body": "json"}
        return {**body, "headers": "headers", "statusCode": "status"}
    if form == "text":
        return {name: "text"}
    return {"": "json"} if form == "json" else {"": "json", "data": "text"}


class _Made:
    """One request on its way."""

    def __init__(
        self,
        draft: RequestDraft,
        settings: Mapping[str, Any],
        version: float,
        reader: ExpressionReader,
    ) -> None:
        self.draft, self.settings, self.reader = draft, settings, reader
        self.old, self.nests = version < 3, version >= 4

    def fill(self) -> None:
        """Query, headers and body."""
        if self._sends("Query"):
            for name, value in self._pairs("query"):
                text, key = self._text(value)
                if is_for_keys(name) and (key or (text.strip() and "{{" not in text)):
                    secret = key or secret_name(f"{self.draft.title} {name}")
                    self.draft.key("query", secret, name, bool(key))
                else:
                    self.draft.made["query"].append((name, text))
        if self._sends("Headers"):
            for name, value in self._pairs("headers"):
                self.draft.header(name, *self._text(value))
        method = str(self.settings.get("method") or self.settings.get("requestMethod") or "GET")
        if self._sends("Body") and not (self.old and method.upper() in ("GET", "HEAD", "OPTIONS")):
            self._body()

    def _sends(self, what: str) -> bool:
        return self.old or self.settings.get(f"send{what}") is True

    def _text(self, value: Any) -> tuple[str, str]:
        """A text with references, and the variable of the environment that it takes a key from."""
        if not isinstance(value, str) or not value.startswith("="):
            return str(value if value is not None else ""), ""
        told = [environment_name(match[1]) for match in EXPRESSION.finditer(value)]
        if len(told) == 1 and told[0]:
            return EXPRESSION.sub("KEY", value[1:]), told[0]
        return self.reader.text(value), ""

    def _pairs(self, what: str) -> Iterator[tuple[str, Any]]:
        """Rows of name and value, or a JSON object that is written down."""
        settings = self.settings
        if self.old:
            stem = {"headers": "header"}.get(what, what)
            as_json = settings.get("jsonParameters") is True
            rows, written = (
                settings.get(f"{stem}ParametersUi"),
                settings.get(f"{stem}ParametersJson"),
            )
            rows = rows.get("parameter") if isinstance(rows, dict) else None
        else:
            stem = {"headers": "header"}.get(what, what)
            as_json = settings.get(f"specify{what.capitalize()}") == "json"
            rows, written = (
                settings.get(f"{stem}Parameters"),
                settings.get(f"json{what.capitalize()}"),
            )
            rows = rows.get("parameters") if isinstance(rows, dict) else None
        if as_json:
            found = self._json(written, what)
            yield from found.items() if isinstance(found, dict) else ()
            return
        for row in rows if isinstance(rows, list) else ():
            if isinstance(row, dict) and row.get("name"):
                yield str(row["name"]), row.get("value", "")

    def _json(self, written: Any, what: str) -> Any:
        if written in (None, ""):
            return None
        try:
            made = self.reader.json(written)
        except ValueError:
            made = LEFT_OUT
        if made == LEFT_OUT:
            self.draft.tell("refused", JSON.format(what=what))
            return None
        return made

    def _body(self) -> None:
        settings = self.settings
        if self.old:
            options = settings.get("options")
            options = options if isinstance(options, dict) else {}
            kind = str(options.get("bodyContentType") or "json")
            written = settings.get("jsonParameters") is True
        else:
            kind = str(settings.get("contentType") or "json")
            written = settings.get("specifyBody") == "json"
        match kind:
            case "json" if written:
                name = "bodyParametersJson" if self.old else "jsonBody"
                if (made := self._json(settings.get(name), "body")) is not None:
                    self.draft.json(made)
            case "json":
                self.draft.json(self._object())
            case "form-urlencoded" if settings.get("specifyBody") == "string":
                self.draft.pairs(self._written_form(str(settings.get("body") or "")))
            case "form-urlencoded":
                rows = [(name, self.reader.text(str(v))) for name, v in self._pairs("body")]
                self.draft.pairs(rows)
            case "raw":
                self.draft.text(self.reader.text(str(settings.get("body") or "")))
                media = str(settings.get("rawContentType") or "")
                if media:
                    headers = self.draft.made["headers"]
                    headers[:] = [row for row in headers if row[0].lower() != "content-type"]
                    headers.append(("Content-Type", media))
            case _:
                self.draft.tell("refused", f"its body ({kind}) holds files, and is left out")

    def _object(self) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, value in self._pairs("body"):
            value = self.reader.value(value)
            at, keys = made, name.split(".") if self.nests else [name]
            for key in keys[:-1]:
                inner = at.setdefault(key, {})
                at = inner if isinstance(inner, dict) else {}
            at[keys[-1]] = value
        return made

    def _written_form(self, text: str) -> list[tuple[str, str]]:
        """`a=1&b={{ … }}`, as n8n takes it apart once it is filled in."""
        marks: list[str] = []

        def mark(match: Any) -> str:
            marks.append(match[0])
            return f"\ue000{len(marks) - 1}\ue001"

        read = EXPRESSION.sub(mark, self.reader.text(text))

        def back(part: str) -> str:
            for index, words in enumerate(marks):
                part = part.replace(f"\ue000{index}\ue001", words)
            return part

        return [(back(n), back(v)) for n, v in parse_qsl(read, keep_blank_values=True)]


def _credentials(draft: RequestDraft, settings: Mapping[str, Any], held: Any) -> None:
    """The key that n8n keeps: sent as its kind says, by a name of its own."""
    told = settings.get("authentication")
    if told in (None, "none", ""):
        return
    held = held if isinstance(held, dict) else {}
    kind = str(settings.get("nodeCredentialType") or settings.get("genericAuthType") or told)
    row = held.get(kind)
    name = str(row.get("name") or "") if isinstance(row, dict) else ""
    secret = _BEARER.get(kind) or secret_name(name or f"{draft.title} key")
    auth = "bearer" if kind in _BEARER else _GENERIC.get(kind, "")
    if not auth:
        words = f"the key that n8n keeps as {kind}: set auth and secret as its server wants them"
        draft.tell("name", words)
        return
    if auth in ("header", "query"):
        draft.tell("name", f"under which name the key is sent, in the param auth_name ({auth})")
    draft.key(auth, secret, "Authorization" if auth == "header" else "key", True)
