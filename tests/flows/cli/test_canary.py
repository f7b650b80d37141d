"""A canary in place of a secret, let out in every way a node can: it appears nowhere outside."""

from __future__ import annotations

import base64
import json
import logging
import os
import subprocess
import sys
import threading
import time
import urllib.parse
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from patchbay.flows.document.model import Flow
from patchbay.flows.document.writing import canonical_text
from patchbay.flows.exchange.mermaid import to_mermaid
from patchbay.flows.runs.events import as_json
from patchbay.flows.runs.history import History
from patchbay.flows.runs.secrets import BLACKED, Secrets
from patchbay.nodes.contract import Context, JsonValue, Node, NodeError, NodeParams, Ports
from patchbay.nodes.values import Document, SecretRef
from patchbay.studio.runs.runner import Runner
from tests.flows.cli.conftest import Patchbay
from tests.flows.runs.harness import CATALOG, OUT, environment, flow
from tests.paths import ROOT, python_path

NAME = "PATCHBAY_CANARY"
CANARY = "cAnary+7/w!nged & säfe?"
"""A value with letters that URLs, JSON, HTML and base64 write otherwise."""


def disguises(value: str) -> dict[str, tuple[str, str]]:
    """How the value may stand in text, and the part that gives it away.

    Written here anew, so that the filter is not its own judge.
    """
    raw = value.encode()
    whole = {
        "plain": value,
        "in a URL": urllib.parse.quote(value, safe=""),
        "in a form": urllib.parse.quote_plus(value),
        "in JSON": json.dumps(value)[1:-1],
        "in hex": raw.hex(),
        "in base64": base64.b64encode(raw).decode().rstrip("="),
        "in base32": base64.b32encode(raw).decode().rstrip("="),
        "in a URL, each letter": "".join(f"%{byte:02x}" for byte in raw),
        "in JSON, each letter": "".join(f"\\u{ord(char):04x}" for char in value),
        "in JSON, as .NET has it": json.dumps(value).replace("+", "\\u002B")[1:-1],
        "in HTML, by numbers": "".join(f"&#{ord(char)};" for char in value),
        "in JSON in JSON": json.dumps(json.dumps(value))[3:-3],
    }
    after_a_name = base64.b64encode(b"user:" + raw + b"!").decode()
    after_another = base64.b64encode(b"someone:" + raw).decode()
    for_urls = base64.urlsafe_b64encode(b"me:" + raw + b"12").decode()
    return {form: (text, text) for form, text in whole.items()} | {
        "in base64 after a name": (after_a_name, after_a_name[8:-8]),
        "in base64 after another": (after_another, after_another[12:-8]),
        "in base64 for URLs": (for_urls, for_urls[4:-8]),
    }


WAYS = (
    "output", "json", "documents", "stream", "warn", "progress", "step", "step who", "step tool",
    "error", "error fix", "error code", "error port", "raise", "cause", "group", "print", "stderr",
    "log", "log exception", "library log", "own handler", "warnings", "thread", "child",
    "child stderr", "descriptor",
)  # fmt: skip


class Canary(Node):
    """Let a secret out."""

    kind, title, family = "test.canary", "Canary", "Test"

    class Params(NodeParams):
        key: SecretRef = SecretRef(secret=NAME)
        way: str = "output"
        disguise: str = "plain"

    class Outputs(Ports):
        text: str
        data: JsonValue
        found: list[Document]

    async def run(self, inputs: Any, params: Params, ctx: Context) -> Outputs:
        said = f"<{disguises(ctx.secret(params.key))[params.disguise][0]}>"
        log = logging.getLogger("some.plugin")
        match params.way:
            case "output":
                return self.Outputs(text=said)
            case "json":
                return self.Outputs(data={said: [said]})
            case "documents":
                return self.Outputs(found=[Document(text=said, metadata={"source": said})])
            case "stream":
                for letter in said:
                    await ctx.stream("text", letter)
            case "warn":
                await ctx.warn(said)
            case "progress":
                await ctx.progress(said, 1, 2)
            case "step":
                ctx.step("thought", said)
            case "step who":
                ctx.step("answer", "hm", who=said)
            case "step tool":
                ctx.step("tool call", "hm", tool=said)
            case "error":
                raise NodeError(said)
            case "error fix":
                raise NodeError("no", fix=said)
            case "error code":
                raise NodeError("no", code=f"test/{said}")
            case "error port":
                raise NodeError("no", port=said)
            case "raise":
                raise RuntimeError(said)
            case "cause":
                try:
                    raise ValueError(said)
                except ValueError as error:
                    raise RuntimeError("no") from error
            case "group":
                raise ExceptionGroup("several", [ValueError(said), KeyError(said)])
            case "print":
                print(said)
                print(*said, sep="", end="\n")
            case "stderr":
                for letter in said:
                    sys.stderr.write(letter)
                    sys.stderr.flush()
            case "log":
                log.error("refused: %s", said)
            case "log exception":
                try:
                    raise ValueError(said)
                except ValueError:
                    log.exception("it failed")
            case "library log":
                logging.getLogger("httpx").warning("GET https://api.example/?key=%s", said)
            case "own handler":
                own = logging.getLogger("own")
                own.addHandler(logging.StreamHandler(sys.stderr))
                own.critical(said)
            case "warnings":
                warnings.warn(said, stacklevel=1)
            case "child":
                subprocess.run([sys.executable, "-c", f"print({said!r})"], check=True)
            case "child stderr":
                script = f"import sys; sys.stderr.write({said!r})"
                subprocess.run([sys.executable, "-c", script], check=True)
            case "descriptor":
                for letter in said.encode():
                    os.write(1, bytes([letter]))
            case "thread":
                thread = threading.Thread(target=_fail, args=(said,))
                thread.start()
                thread.join()
        return self.Outputs(text="done")


def _fail(said: str) -> None:
    raise OSError(said)


NODES = (Canary,)


def leaks(ways: Sequence[str] = WAYS, forms: Sequence[str] = ("plain",)) -> Flow:
    """A flow of nodes that each let the canary out in one way, in one disguise, and go on."""
    nodes: dict[str, Any] = {
        f"{way.replace(' ', '_')}{number}": (
            "test.canary",
            {"way": way, "disguise": form},
            {"on_error": "continue", "retries": int(way == "error"), "backoff_s": 0},
        )
        for way in ways
        for number, form in enumerate(forms)
    }
    outputs = {f"out_{name}": ("io.output", {"name": f"out_{name}"}) for name in nodes}
    ports = {"json": "data", "documents": "found"}
    wires = [
        f"{name}.{ports.get(name.rstrip('0123456789'), 'text')} > out_{name}.value"
        for name in nodes
    ]
    return flow({**nodes, **outputs}, wires, name="Leaks")


def free(*texts: str) -> None:
    """The canary stands in none of these, in no disguise."""
    for text in texts:
        for form, (_, hidden) in disguises(CANARY).items():
            assert hidden not in text, (form, text[max(0, text.find(hidden) - 200) :][:400])


def files_of(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        if path.is_file():
            yield path.read_bytes().decode("utf-8", "replace")


@pytest.fixture
def canary_plugin(plugin: Path, tmp_path: Path) -> Path:
    """An installed package that offers the canary."""
    info = tmp_path / "packages" / "patchbay_canary-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: patchbay-canary\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[patchbay.nodes]\ncanary = tests.flows.cli.test_canary:NODES\n"
    )
    return info.parent


COMMANDS = {
    "people": ["-v"],
    "debug": ["--debug"],
    "json": ["--json", "--record"],
    "events": ["--events", "--debug"],
}


@pytest.fixture
def let_out(
    patchbay: Patchbay, canary_plugin: Path, environ: dict[str, str], save: Callable[[Flow], Path]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a flow of canaries."""
    paths = f"{environ['PYTHONPATH']}{os.pathsep}{canary_plugin}"

    def run(document: Flow, *options: str) -> subprocess.CompletedProcess[str]:
        path = save(document)
        return patchbay("run", path, *options, **{NAME: CANARY, "PYTHONPATH": paths})

    return run


@pytest.mark.parametrize("way", COMMANDS)
def test_the_command_line(let_out: Any, patchbay: Patchbay, tmp_path: Path, way: str) -> None:
    done = let_out(leaks(), *COMMANDS[way])
    assert done.returncode == 0, done.stderr[-2000:]
    free(done.stdout, done.stderr, *files_of(tmp_path / "home"))
    assert BLACKED in done.stdout
    assert BLACKED in done.stderr
    if way == "events":
        assert all(json.loads(line)["type"] for line in done.stdout.splitlines())
    if way == "debug":
        assert "Traceback" in done.stderr
        assert f"ValueError: <{BLACKED}>" in done.stderr
    if way == "json":
        run = json.loads(done.stdout)["run"]  # whatever plugins and children printed
        told = patchbay("runs", run)
        free(told.stdout, told.stderr)
        assert BLACKED in told.stdout


CHATTY = """
import os, subprocess, sys
from patchbay.nodes.contract import Node, Ports
print("imported")
os.write(1, b"by descriptor")
class Chatty(Node):
    'It talks.'
    kind, title, family = "test.chatty", "Chatty", "Test"
    class Outputs(Ports):
        text: str
    async def run(self, inputs, params, ctx):
        print("run")
        subprocess.run([sys.executable, "-c", "print('child')"], check=True)
        return self.Outputs(text="said")
"""


@pytest.mark.parametrize("command", ["run", "events", "validate", "nodes"])
def test_a_plugin_that_prints_breaks_no_json(
    patchbay: Patchbay, tmp_path: Path, command: str
) -> None:
    """While it is imported, and while it runs: by `print`, through a child or a library in C."""
    site = tmp_path / "site"
    info = site / "chatty-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: chatty\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[patchbay.nodes]\nchatty = chatty:Chatty\n")
    (site / "chatty.py").write_text(CHATTY)
    path = tmp_path / "chatty.json"
    nodes = {"c": ("test.chatty", {}), "o": OUT}
    path.write_text(canonical_text(flow(nodes, ["c.text > o.value"])), "utf-8")
    asked = {
        "run": ["run", path, "--json"],
        "events": ["run", path, "--events"],
        "validate": ["validate", path, "--json"],
        "nodes": ["nodes", "test.chatty", "--json"],
    }[command]
    paths = os.pathsep.join([python_path(ROOT), str(site)])
    done = patchbay(*asked, PYTHONPATH=paths)
    assert done.returncode == 0, done.stderr
    texts = done.stdout.splitlines() if command == "events" else [done.stdout]
    assert all(json.loads(text) is not None for text in texts)
    said = ["imported", "by descriptor"] + (["run", "child"] if "run" in asked else [])
    assert all(word in done.stderr for word in said)
    if command == "run":
        assert json.loads(done.stdout)["outputs"] == {"out": "said"}


def test_every_disguise(let_out: Any, tmp_path: Path) -> None:
    ways = ("output", "json", "stream", "error", "print", "stderr", "log", "step who")
    done = let_out(leaks(ways, list(disguises(CANARY))), "--events", "--debug", "--record")
    assert done.returncode == 0, done.stderr[-2000:]
    free(done.stdout, done.stderr, *files_of(tmp_path / "home"))


@pytest.mark.parametrize("options", [[], ["--debug"], ["--json", "--debug"]])
def test_a_failure_that_ends_the_run(let_out: Any, options: list[str]) -> None:
    document = flow({"c": ("test.canary", {"way": "cause"}), "o": OUT}, ["c.text > o.value"])
    done = let_out(document, *options)
    assert done.returncode == 1
    assert "Traceback" in done.stderr or not options
    free(done.stdout, done.stderr)


def test_pages_history_and_exports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a browser hears, what pages read again, and what is carried away."""
    catalog = CATALOG.extended(NODES)
    told: list[str] = []
    document = leaks(WAYS[: WAYS.index("print")])
    history = History(f"sqlite:///{tmp_path / 'history.sqlite'}")
    runner = Runner(
        history=lambda: history,
        environment=lambda folder: environment(
            catalog=catalog, secrets=Secrets({NAME: CANARY}, ())
        ),
    )
    runner.subscribe("doc", "me", lambda message: told.append(json.dumps(message, default=str)))
    live = runner.start("doc", "me", document, {})
    end = time.monotonic() + 240
    while live.active and time.monotonic() < end:
        time.sleep(0.05)
    assert live.progress.status == "finished"
    shown = json.dumps([*told, *live.events, *live.progress.messages(live.id)], ensure_ascii=False)
    shown += repr(live.progress)
    free(shown)
    assert BLACKED in shown
    past = history.get(live.id)
    free(past.document, repr(past), json.dumps(history.events(live.id), ensure_ascii=False))
    history.close()
    free(canonical_text(document), to_mermaid(document, catalog))


def test_an_input_that_is_a_secret_is_blacked_out_from_the_start(tmp_path: Path) -> None:
    import asyncio

    from tests.flows.runs.harness import events_of

    document = flow(
        {
            "q": ("io.input", {"name": "q"}),
            "c": ("test.canary", {"way": "output"}),
            "o": OUT,
            "p": ("io.output", {"name": "p"}),
        },
        ["q.value > o.value", "c.text > p.value"],
    )
    env = environment(catalog=CATALOG.extended(NODES), secrets=Secrets({NAME: CANARY}, ()))
    found = asyncio.run(events_of(document, {"q": f"my key is {CANARY}"}, env))
    free(json.dumps([as_json(event) for event in found], ensure_ascii=False))
