"""`python -m tests.cluster.ray_serving [--calls N] [--kills N]`: a server whose runs are on Ray.

`patchbay serve --on ray` answers many callers at once while the processes that its runs are made in
are killed again and again; a model streams from the process that it lives in, which is killed too;
and a flow whose file is changed finds its new model there.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import json
import os
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
import psutil

from tests.cluster.watching import actors, noted
from tests.flows.server.flows import write
from tests.flows.server.test_command import plugin_environ, started
from tests.paths import ROOT

WORDS = 12
"""Of a question; the flow `slow` takes a twentieth of a second for each."""


def main() -> int:
    """Serve, and say how it went."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.cluster.ray_serving", description=__doc__
    )
    parser.add_argument("--calls", type=int, default=120)
    parser.add_argument("--kills", type=int, default=5)
    asked = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        flows = write(folder / "flows", "slow", "fails")
        (flows / "ask.json").write_bytes((ROOT / "flows" / "saved" / "ask.json").read_bytes())
        environ = plugin_environ(folder)
        words = ("--on", "ray", "--workers", "2", "--timeout", "300")
        with started(environ, str(flows), *words) as (process, address, said):
            key = (folder / "home" / "serve-key").read_text().strip()
            headers = {"authorization": f"Bearer {key}"}
            with httpx.Client(base_url=address, headers=headers, timeout=300) as http:
                found = [
                    noted("where the model is was said", " (processor)" in said),
                    noted("a failure is the flow's", _fails(http)),
                    _busy(http, psutil.Process(process.pid), asked.calls, asked.kills),
                    noted("a model streams from its process", _streams(http)),
                    noted("a model that died answers again", _model_dies(http, process.pid)),
                    noted("a changed flow finds its model", _changed(http, flows, process.pid)),
                ]
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            found.append(noted("it ends when asked to", process.returncode is not None))
    sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    return 0 if all(found) else 1


def _fails(http: httpx.Client) -> bool:
    failed = http.post("/flows/fails/run", json={"text": "a"})
    return failed.status_code == 500 and failed.json()["error"]["node"] == "bad"


def _busy(http: httpx.Client, head: psutil.Process, calls: int, kills: int) -> bool:
    """Many callers, while workers are killed: everyone gets what they asked for."""

    def call(number: int) -> bool:
        question = " ".join(f"w{number}" for _ in range(WORDS))
        told = http.post("/flows/slow/run", json={"question": question})
        if told.status_code != 200:
            sys.stdout.write(f"{told.status_code}: {told.text[:300]}\n")
        return told.status_code == 200 and told.json()["outputs"] == {"answer": question}

    killed: set[int] = set()
    with concurrent.futures.ThreadPoolExecutor(24) as callers:
        answers = [callers.submit(call, number) for number in range(calls)]
        while len(killed) < kills and not all(answer.done() for answer in answers):
            victims = [one for one in actors(head.pid, "FlowWorker") if one.pid not in killed]
            if victims:
                os.kill(victims[0].pid, signal.SIGKILL)
                killed.add(victims[0].pid)
            time.sleep(2.0)
        right = [answer.result() for answer in answers]
    told = f"{calls} calls, {len(killed)} workers killed: {sum(right)} answered"
    return noted(told, all(right) and len(killed) >= min(kills, 1))


def _ask(http: httpx.Client, question: str, **more: Any) -> Any:
    body = {"model": "ask", "messages": [{"role": "user", "content": question}], **more}
    return http.post("/v1/chat/completions", json=body)


def _streams(http: httpx.Client) -> bool:
    told = _ask(http, "Count from one to ten.", stream=True).text
    lines = [line[6:] for line in told.splitlines() if line.startswith("data: {")]
    if "choices" not in lines[-1]:
        sys.stdout.write(f"{told[-600:]}\n")
    pieces = [json.loads(line).get("choices") for line in lines]
    texts = [one[0]["delta"].get("content") for one in pieces if one]
    return len([text for text in texts if text]) > 2


def _model_dies(http: httpx.Client, head: int) -> bool:
    before = {one.pid for one in actors(head, "ModelActor")}
    for one in before:
        os.kill(one, signal.SIGKILL)
    told = _ask(http, "Why?")
    if told.status_code != 200:
        sys.stdout.write(f"{told.status_code}: {told.text[:300]}\n")
    after = {one.pid for one in actors(head, "ModelActor")}
    return told.status_code == 200 and bool(before) and not before & after


def _changed(http: httpx.Client, flows: Path, head: int) -> bool:
    before = len(actors(head, "ModelActor"))
    path = flows / "ask.json"
    document = json.loads(path.read_text("utf-8"))
    for node in document["nodes"]:
        if node["kind"].startswith("model.") and node["kind"] != "model.ask":
            node.setdefault("params", {})["context"] = 768
    path.write_text(json.dumps(document), encoding="utf-8")
    time.sleep(1.0)  # so often a file is looked at
    told = _ask(http, "Why?")
    if told.status_code != 200:
        sys.stdout.write(f"{told.status_code}: {told.text[:300]}\n")
    return told.status_code == 200 and len(actors(head, "ModelActor")) == before + 1


if __name__ == "__main__":
    sys.exit(main())
