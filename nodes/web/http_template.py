"""A request with `{variables}`: what a person sets, and the request that it makes of values."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlencode

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue, model_validator
from pydantic import Field as Bounded

from patchbay.nodes.contract import Field, NodeParams
from patchbay.nodes.prompts.braces import Variable, check, fill, parse, variables
from patchbay.nodes.prompts.json_template import fill_json, json_texts
from patchbay.nodes.tools.send import OWN_HEADERS, HttpCall
from patchbay.nodes.values import SecretRef, as_text

HttpMethod = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
Template = Annotated[str, AfterValidator(check)]


class Pair(BaseModel):
    """A name and a value with {variables}."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Bounded(min_length=1, max_length=200)
    """The name."""
    value: Template = Bounded("", max_length=100_000)
    """The value, with {variables}."""


class RequestParams(NodeParams):
    """What a request is made of."""

    method: HttpMethod = Field("GET")
    """What is asked of the server."""
    url: Template = Field("https://example.org/items/{id}", max_length=10_000)
    """The address, with {variables}; their values are encoded, but for one that begins it."""
    query: list[Pair] = Field([], max_length=100)
    """What is added after the question mark."""
    headers: list[Pair] = Field([], max_length=100)
    """Headers of the request. A key belongs in `secret`."""
    body: Literal["none", "json", "form", "text"] = Field("none")
    """What is sent: JSON, the fields of a form, or a text."""
    json_body: JsonValue = Field(None, widget="json")
    """JSON with {variables} in its texts. A text that is one variable and no more becomes the value
    itself, be it a number or a list."""
    form: list[Pair] = Field([], max_length=200)
    """Fields of a form."""
    text_body: Template = Field("", max_length=1_000_000, widget="textarea")
    """A text with {variables}; `{{` writes a brace."""
    auth: Literal["none", "bearer", "basic", "header", "query"] = Field("none")
    """How `secret` is sent: as a bearer token, as `name:password`, or under `auth_name`."""
    auth_name: str = Field("X-API-Key", max_length=200)
    """The header, or the name in the query, for `header` and `query`."""
    secret: SecretRef | None = Field(None, widget="secret")
    """The key. It goes to the first host only, never along a redirect to another."""
    allow_loopback: bool = Field(False)
    """Whether servers on this very machine may be asked, too."""
    tries: int = Field(3, ge=1, le=10)
    """How often it is tried where the server is busy (its Retry-After is waited for, up to 60 s),
    or cannot be reached; a method that changes something is sent twice only where nothing came of
    the first."""
    limit: int = Field(1_000_000, ge=100, le=100_000_000)
    """The most that is read, in bytes."""
    seconds: float = Field(60, gt=0, le=3600)
    """The longest that it may take, waits and redirects included."""

    @model_validator(mode="after")
    def _makes_sense(self) -> RequestParams:
        for _ in json_texts(self.json_body):
            pass
        for pair in self.headers:
            if pair.name.strip().lower() in OWN_HEADERS:
                raise ValueError(f"{pair.name} is made of the request; it cannot be set")
        if self.auth != "none" and self.secret is None:
            raise ValueError(f"auth is {self.auth}, but no secret is named")
        if self.auth in ("header", "query") and not self.auth_name.strip():
            raise ValueError(f"auth is {self.auth}, but auth_name is empty")
        return self

    def names(self) -> list[str]:
        """The variables, each once, in the order in which they appear."""
        return list(dict.fromkeys(name for text in self._texts() for name in variables(text)))

    def _texts(self) -> Iterator[str]:
        yield self.url
        yield from (pair.value for pair in (*self.query, *self.headers))
        if self.body == "json":
            yield from json_texts(self.json_body)
        if self.body == "form":
            yield from (pair.value for pair in self.form)
        if self.body == "text":
            yield self.text_body


def make_call(
    params: RequestParams, values: Mapping[str, Any], secret_of: Callable[[SecretRef], str]
) -> HttpCall:
    """The request that the values make.

    Raises:
        NodeError: the secret is not set.
    """

    def text(template: str) -> str:
        return fill(template, lambda name: as_text(values[name]))

    url = fill_address(params.url, values)
    query = [(pair.name, text(pair.value)) for pair in params.query]
    headers = {pair.name.strip(): text(pair.value) for pair in params.headers}
    private: frozenset[str] = frozenset()
    if params.secret is not None and params.auth != "none":
        key = secret_of(params.secret)
        if params.auth == "query":
            query.append((params.auth_name, key))
        else:
            name, value = _auth_header(params, key)
            headers = {n: v for n, v in headers.items() if n.lower() != name.lower()}
            headers[name] = value
            private = frozenset({name.lower()})
    if query:
        url += f"{'&' if '?' in url else '?'}{urlencode(query)}"
    body, media = _body(params, values, text)
    if media and not any(name.lower() == "content-type" for name in headers):
        headers["Content-Type"] = media
    return HttpCall(params.method, url, headers, body, private)


def fill_address(template: str, values: Mapping[str, Any]) -> str:
    """An address with its variables filled in; all but a first one encoded."""
    pieces = parse(template)
    return "".join(
        (as_text(values[piece.name]).strip() if at == 0 else _quoted(values[piece.name]))
        if isinstance(piece, Variable)
        else piece
        for at, piece in enumerate(pieces)
    )


def _quoted(value: Any) -> str:
    text = quote(as_text(value), safe="")
    # a server would read these as steps up, whatever stands before them
    return {".": "%2E", "..": "%2E%2E"}.get(text, text)


def _auth_header(params: RequestParams, key: str) -> tuple[str, str]:
    if params.auth == "bearer":
        return "Authorization", f"Bearer {key}"
    if params.auth == "basic":
        return "Authorization", f"Basic {base64.b64encode(key.encode()).decode('ascii')}"
    return params.auth_name, key


def _body(
    params: RequestParams, values: Mapping[str, Any], text: Callable[[str], str]
) -> tuple[bytes | None, str]:
    match params.body:
        case "none":
            return None, ""
        case "json":
            filled = fill_json(params.json_body, values)
            return json.dumps(filled, ensure_ascii=False).encode(), "application/json"
        case "form":
            pairs = [(pair.name, text(pair.value)) for pair in params.form]
            return urlencode(pairs).encode(), "application/x-www-form-urlencoded"
        case "text":
            return text(params.text_body).encode(), "text/plain; charset=utf-8"
