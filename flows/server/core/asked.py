"""What a caller asks for: the inputs of a flow and how the run is to go, out of a request."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect

from patchbay.flows.problems import FlowError, Problem
from patchbay.flows.server.core.refusals import refused
from patchbay.flows.server.core.uploads import Uploads
from patchbay.flows.traces.trace_parent import TraceParent
from patchbay.flows.wording import printable
from patchbay.nodes.contract import InputField, NodeError
from patchbay.nodes.strict_json import once_each, parse_json
from patchbay.nodes.values import Document, FileRef, has_half

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams
    from starlette.requests import Request

    from patchbay.flows.server.core.shelf import ServedFlow

WORDS = ("stream", "background", "thread", "inputs", "params")
"""What stands beside the inputs in a request; an input of that name comes first."""
MOST_FIELDS = 200


@dataclass
class RunRequest:
    """A request for a run.

    `thread` is the conversation that it is a turn of; `ended` is to be called when the files are
    of no use any more.
    """

    inputs: dict[str, Any] = field(default_factory=dict)
    stream: bool = False
    background: bool = False
    thread: str | None = None
    uploads: Uploads | None = None
    params: dict[str, Any] = field(default_factory=dict)
    """Params of nodes that the caller wants otherwise, as `node.param`."""
    parent: TraceParent | None = None
    """The caller's place in a trace, where it is not the request's own."""

    def forget(self) -> None:
        """Delete what was uploaded."""
        if self.uploads is not None:
            self.uploads.delete()


async def read(request: Request, flow: ServedFlow, run: str) -> RunRequest:
    """What a request asks of a flow.

    Args:
        request: JSON, a form, or a form with files.
        flow: the flow.
        run: the id of the run, whose folder gets the files.

    Raises:
        RefusedError: it cannot be read.
    """
    kind = header(request, b"content-type").partition(";")[0].strip().casefold()
    asked = RunRequest(stream=takes_events(request))
    try:
        if kind == "multipart/form-data":
            given = await _parts(request, flow, asked, run)
        else:
            given = _read_body(await body_of(request), kind)
        _sort_out(given, flow, asked)
        if request.scope["query_string"]:
            _take_words(request.query_params, flow, asked)
        asked.inputs = {
            name: safe(flow.inputs[name], value) if name in flow.inputs else value
            for name, value in asked.inputs.items()
        }
    except BaseException:
        asked.forget()
        raise
    return asked


def header(request: Request, name: bytes) -> str:
    """A header of a request by its name in small letters; "" where there is none."""
    sent: Mapping[bytes, bytes] = request.scope["sent"]
    return sent.get(name, b"").decode("latin-1")


def takes_events(request: Request) -> bool:
    """Whether the Accept header of a request asks for a stream of events: of those and JSON, which
    clients that take both name as well, the one with the higher weight, else the first. What
    "stream" says comes before it."""
    sent = header(request, b"accept").casefold()
    if _EVENTS not in sent:
        return False
    weights = {kind: weight for kind, weight in _weighed(sent) if kind in (_EVENTS, _JSON)}
    return weights.get(_EVENTS, 0.0) > 0 and max(weights, key=lambda k: weights[k]) == _EVENTS


_EVENTS, _JSON = "text/event-stream", "application/json"


def _weighed(accept: str) -> Iterator[tuple[str, float]]:
    """The types of an Accept header with their weights (RFC 9110, section 12.5.1)."""
    for one in accept.split(","):
        kind, *options = (part.strip() for part in one.split(";"))
        said = next((option[2:] for option in options if option.startswith("q=")), "1")
        try:
            yield kind, float(said)
        except ValueError:
            yield kind, 1.0


async def body_of(request: Request) -> bytes:
    """The body of a request, once: what comes in one piece is not put together.

    Raises:
        ClientDisconnect: the caller left before its end.
    """
    message = await request.receive()
    parts: list[bytes] = []
    while message["type"] == "http.request":
        if not message.get("more_body", False):
            last: bytes = message.get("body", b"")
            return b"".join((*parts, last)) if parts else last
        parts.append(message.get("body", b""))
        message = await request.receive()
    raise ClientDisconnect


def json_of(body: bytes) -> Any:
    """A body as JSON.

    Raises:
        RefusedError: it is none.
    """
    try:
        found = parse_json(body, once_each)
    except ValueError as error:
        raise refused(
            400, "serve/not-json", f"The body is not JSON: {error}.", 'Send {"input name": value}.'
        ) from None
    if b"\\u" in body and has_half(found):
        raise refused(
            400,
            "input/invalid",
            "The body holds half a character (a lone surrogate, such as an emoji that was cut).",
            "Leave it out where the text comes from.",
        )
    return found


def _read_body(body: bytes, kind: str) -> dict[str, Any]:
    if not body.strip():
        return {}
    looks_json = body.lstrip()[:1] in (b"{", b"[")
    if kind == "application/x-www-form-urlencoded" and not looks_json:
        return _form_fields(body)
    # curl -d says "form" whatever it sends; JSON is taken as what it is.
    if kind not in ("application/json", "application/x-www-form-urlencoded", ""):
        raise refused(
            415,
            "serve/content-type",
            f'A body of the type "{printable(kind)[:80]}" is not read.',
            "Send application/json, or multipart/form-data with files.",
        )
    found = json_of(body)
    if not isinstance(found, dict):
        raise refused(
            400, "serve/not-json", "The body is not a JSON object.", 'Send {"input name": value}.'
        )
    return found


def _form_fields(body: bytes) -> dict[str, Any]:
    """The fields of a form without files."""
    try:
        pairs = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MOST_FIELDS
        )
    except ValueError:
        message = f"The form has more than {MOST_FIELDS} fields."
        raise refused(400, "serve/form", message, "Send JSON.") from None
    given: dict[str, Any] = {}
    for name, value in pairs:
        _once(name, given)
        given[name] = value
    return given


def _once(name: str, given: Mapping[str, Any]) -> None:
    """Refuse a second value for a field: which of the two is meant, nobody could tell."""
    if name in given:
        message = f'The form has "{printable(name)[:100]}" more than once.'
        raise refused(400, "input/invalid", message, "Send it once.")


async def _parts(request: Request, flow: ServedFlow, asked: RunRequest, run: str) -> dict[str, Any]:
    """The fields of a form; its files go into the run's folder."""
    from starlette.datastructures import UploadFile
    from starlette.exceptions import HTTPException
    from starlette.formparsers import MultiPartException

    given: dict[str, Any] = {}
    try:
        form = await request.form(max_files=MOST_FIELDS, max_fields=MOST_FIELDS)
    except (MultiPartException, HTTPException) as error:
        said = getattr(error, "message", "") or getattr(error, "detail", "")
        raise refused(
            400, "serve/form", f"The form cannot be read: {said}", "Send it as curl -F does."
        ) from None
    try:
        for name, value in form.multi_items():
            if isinstance(value, UploadFile) and not value.filename and not value.size:
                continue  # what a page sends of a field where no file was chosen
            field_ = flow.inputs.get(name)
            many = field_ is not None and field_.kind == "documents"
            if not many:
                _once(name, given)
            if isinstance(value, UploadFile):
                asked.uploads = asked.uploads or Uploads(run)
                kept = await asked.uploads.keep(name, field_, value)
            elif name == "inputs" and field_ is None:
                kept = json_of(value.encode())
            else:
                kept = [value] if many else value
            given[name] = [*given.get(name, ()), *kept] if many else kept
    finally:
        await form.close()
    return given


def _take_words(query: QueryParams, flow: ServedFlow, asked: RunRequest) -> None:
    """Take in the words of an address: there they are ours, whatever the inputs are called."""
    if beside := [name for name in query if name in flow.inputs and name not in WORDS]:
        message = f'The input "{beside[0]}" stands in the address, which is not read for inputs.'
        raise refused(400, "input/invalid", message, "Send it in the body.")
    if twice := [name for name in WORDS if len(query.getlist(name)) > 1]:
        message = f'"{twice[0]}" stands in the address more than once.'
        raise refused(400, "input/invalid", message, "Send it once.")
    if "stream" in query:
        asked.stream = yes("stream", query["stream"])
    if "background" in query:
        asked.background = yes("background", query["background"])
    if "thread" in query:
        asked.thread = query["thread"] or None


def _sort_out(given: Mapping[str, Any], flow: ServedFlow, asked: RunRequest) -> None:
    """Tell the words about the run from the inputs."""
    within = given.get("inputs") if "inputs" not in flow.inputs else None
    own = [n for n in given if n in flow.inputs or n not in WORDS]
    if isinstance(within, dict) and (twice := [name for name in own if name in within]):
        message = f'"{printable(twice[0])[:100]}" stands in "inputs" and beside it.'
        raise refused(400, "input/invalid", message, "Send it once.")
    for name, value in given.items():
        if name in flow.inputs or name not in WORDS:
            asked.inputs[name] = value
        elif name == "inputs":
            if not isinstance(value, dict):
                raise refused(400, "input/invalid", '"inputs" is no JSON object.')
            asked.inputs.update(value)
        elif name == "params":
            if not isinstance(value, dict):
                raise refused(400, "input/invalid", '"params" is no JSON object.')
            asked.params = value
        elif name == "thread":
            if value is not None and not isinstance(value, str):
                raise refused(400, "input/invalid", '"thread" is the id of a thread: a text.')
            asked.thread = value or None
        elif name == "stream":
            asked.stream = yes(name, value)
        else:
            asked.background = yes(name, value)


def yes(name: str, value: Any) -> bool:
    """A yes or no, as JSON or as the text of a form."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.casefold() in ("1", "true", "yes", "on"):
        return True
    if isinstance(value, str) and value.casefold() in ("", "0", "false", "no", "off"):
        return False
    raise refused(400, "input/invalid", f'"{name}" is true or false.')


def flag(body: Mapping[str, Any], name: str) -> bool:
    """A field that is yes or no; where it is left out, or null, no.

    Raises:
        RefusedError: it is something else.
    """
    found = body.get(name)
    return found is not None and yes(name, found)


def safe(asks: InputField, value: Any) -> Any:
    """A value for an input, so that nothing in it can name a file of this machine.

    Raises:
        FlowError: it would have to be a file, and was not uploaded.
    """
    if asks.kind == "file" and not isinstance(value, FileRef):
        raise FlowError(
            [
                Problem(
                    "input/invalid",
                    f'The input "{asks.name}" takes a file, and a caller cannot name one here.',
                    f"Send it as a part of a form: curl -F {asks.name}=@FILE.",
                )
            ]
        )
    if asks.kind == "documents":
        items = value if isinstance(value, list) else [value]
        return [_document(asks, item) for item in items]
    return value


def _document(asks: InputField, item: Any) -> Any:
    if isinstance(item, Document):
        return item
    if isinstance(item, str):
        return Document(text=item)
    if isinstance(item, dict):
        try:
            (found,) = asks.parse([item])
        except NodeError as error:
            raise FlowError([Problem("input/invalid", error.message, error.fix)]) from None
        return found
    raise FlowError(
        [
            Problem(
                "input/invalid",
                f'The input "{asks.name}" takes documents.',
                'Give a text, {"text": …, "metadata": {…}}, or a list of them.',
            )
        ]
    )
