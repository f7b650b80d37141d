"""Calls of a served flow to copy, each in the words of the client that makes it.

What is shown, in the terminal and in the studio, is what `SNIPPETS` writes; a test runs each of
them against a real server. What a flow cannot be called by is left out for it.
"""

from __future__ import annotations

import html
import json
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patchbay.flows.problems import FlowError
from patchbay.flows.runs.inputs import flow_outputs
from patchbay.flows.server.core.example import example_inputs
from patchbay.flows.server.core.shelf import ServedFlow
from patchbay.nodes.ports import Port

FILE = "FILE"
"""What stands for the path of a file that a call sends."""


@dataclass(frozen=True, slots=True)
class ServedAt:
    """Where a flow is served.

    Args:
        flow: what is served.
        address: as `http://127.0.0.1:8080`.
        key: what callers send; "" where none is needed.
        key_file: the file on this machine that holds the key, for what can read one.
    """

    flow: ServedFlow
    address: str
    key: str = ""
    key_file: Path | None = None

    @property
    def run(self) -> str:
        """The address that runs the flow."""
        return f"{self.address}/flows/{self.flow.in_address}/run"

    @property
    def files(self) -> list[str]:
        """The inputs that must be given a file."""
        return [a.name for a in self.flow.inputs.values() if a.kind == "file" and a.required]


@dataclass(frozen=True, slots=True)
class Snippet:
    """One way to call a flow.

    Args:
        name: what it is called.
        language: what it is written in, as highlighters call it.
        about: what it needs, and where it belongs.
        write: writes it; None where this flow cannot be called so.
    """

    name: str
    language: str
    about: str
    write: Callable[[ServedAt], str | None]


def curl(served: ServedAt) -> str:
    """A call from the command line."""
    parts = [f"curl {shlex.quote(served.run)}"]
    if served.key_file is not None:
        parts.append(f'-H "Authorization: Bearer $(cat {shlex.quote(str(served.key_file))})"')
    elif served.key:
        parts.append(f"-H {shlex.quote(f'Authorization: Bearer {served.key}')}")
    given = example_inputs(served.flow)
    if served.files:
        fields = [f"{name}=@{FILE}" for name in served.files]
        texts = [f"{name}={_field(value)}" for name, value in given.items()]
        parts += [f"-F {shlex.quote(field)}" for field in fields]
        # -F would read a text that begins with @ as the name of a file
        parts += [f"--form-string {shlex.quote(field)}" for field in texts]
    else:
        parts.append(f"-d {shlex.quote(_json(given))}")
    return " ".join(parts)


def python(served: ServedAt) -> str:
    """A call from Python."""
    given, more = example_inputs(served.flow), ""
    if served.files:
        sent = ", ".join(f'{name!r}: open({FILE!r}, "rb")' for name in served.files)
        more = f"files={{{sent}}}, data={ {n: _field(v) for n, v in given.items()}!r}"
    else:
        more = f"json={given!r}"
    lines = ["import httpx", *_key_in_python(served)]
    head = ', headers={"Authorization": f"Bearer {key}"}' if served.key else ""
    lines.append(f"answer = httpx.post({served.run!r}, {more}{head}, timeout=600)")
    return "\n".join([*lines, 'print(answer.raise_for_status().json()["outputs"])'])


def javascript(served: ServedAt) -> str:
    """A call by fetch: in Node 18 or newer, Deno, Bun, and pages of a declared origin."""
    given, headers = example_inputs(served.flow), {}
    if served.key:
        headers["Authorization"] = f"Bearer {served.key}"
    lines: list[str] = []
    if served.files:
        lines += ['import { openAsBlob } from "node:fs";', "const body = new FormData();"]
        for name in served.files:
            lines.append(
                f"body.append({_json(name)}, await openAsBlob({_json(FILE)}), {_json(FILE)});"
            )
        lines += [f"body.append({_json(n)}, {_json(_field(v))});" for n, v in given.items()]
    else:
        headers["Content-Type"] = "application/json"
        lines.append(f"const body = JSON.stringify({_json(given)});")
    lines += [
        f"const answer = await fetch({_json(served.run)}, {{",
        '  method: "POST",',
        f"  headers: {_json(headers)},",
        "  body,",
        "});",
        "console.log((await answer.json()).outputs);",
    ]
    return "\n".join(lines)


def openai(served: ServedAt) -> str | None:
    """A call with OpenAI's library; for flows that can be talked to, or give embeddings."""
    flow = served.flow
    if _gives_embeddings(flow):
        call = f"client.embeddings.create(model={flow.name!r}, input=['Hello'])"
        show = "print(answer.data[0].embedding)"
    elif _talks(flow):
        messages = [{"role": "user", "content": "Hello"}]
        call = f"client.chat.completions.create(model={flow.name!r}, messages={messages!r})"
        show = "print(answer.choices[0].message.content)"
    else:
        return None
    key = "key" if served.key else '"none"'
    made = f'client = OpenAI(base_url="{served.address}/v1", api_key={key})'
    first = ["from openai import OpenAI", *_key_in_python(served)]
    return "\n".join([*first, made, f"answer = {call}", show])


def mcp(served: ServedAt) -> str:
    """The part of an MCP client's settings that reaches the flow as a tool."""
    server: dict[str, Any] = {"type": "http", "url": f"{served.address}/mcp"}
    if served.key:
        server["headers"] = {"Authorization": f"Bearer {served.key}"}
    return json.dumps({"mcpServers": {served.flow.name: server}}, indent=2, ensure_ascii=False)


def embed(served: ServedAt) -> str:
    """A chat on a page of somebody's own, of an origin that was declared to the server."""
    words = {"src": f"{served.address}/embed.js", "data-flow": served.flow.name}
    if served.key:
        words["data-key"] = served.key
    words["data-title"] = served.flow.title
    inside = " ".join(f'{name}="{html.escape(value)}"' for name, value in words.items())
    return f"<script {inside}></script>"


SNIPPETS: tuple[Snippet, ...] = (
    Snippet("curl", "bash", "In a terminal.", curl),
    Snippet("Python", "python", "Needs: pip install httpx.", python),
    Snippet("JavaScript", "javascript", "Node 18 or newer, or a page that is allowed.", javascript),
    Snippet("OpenAI", "python", "Needs: pip install openai. Others take its address too.", openai),
    Snippet("MCP", "json", "For the settings of an MCP client; the flow is a tool.", mcp),
    Snippet("Embed", "html", "A chat on a page of yours, which must be allowed.", embed),
)  # fmt: skip
"""All there are, in the order in which they are shown."""


def _talks(flow: ServedFlow) -> bool:
    """Whether OpenAI's protocol reaches it: a message goes to one input, all others may be left."""
    from patchbay.flows.runs.thread_runs import talked_to

    try:
        asks = talked_to(flow.prepared.resolved)
    except FlowError:
        return False
    return set(flow.needs) <= {asks.name}


def _gives_embeddings(flow: ServedFlow) -> bool:
    """Whether a run without inputs ends in a description of embeddings."""
    resolved = flow.prepared.resolved
    ends = [
        resolved.nodes[source].output(port)
        for node in flow_outputs(resolved).values()
        for edge in resolved.incoming[node].get("value", ())
        for source, _, port in [edge.source.partition(".")]
        if source in resolved.nodes
    ]
    given = [port for port in ends if port is not None and _is_embeddings(port)]
    return len(given) == 1 and not flow.needs


def _is_embeddings(port: Port) -> bool:
    return all(name.partition("/")[0] == "embeddings" for name in port.type.ids)


def _key_in_python(served: ServedAt) -> list[str]:
    if served.key and served.key_file is not None:
        return [f"key = open({str(served.key_file)!r}).read().strip()"]
    return [f"key = {served.key!r}"] if served.key else []


def _field(value: Any) -> str:
    """A value as the text of a form."""
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
