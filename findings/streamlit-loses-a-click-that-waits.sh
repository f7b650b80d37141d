#!/usr/bin/env bash
# Guess: a click on a button is taken sooner or later; while a page is still drawn, it waits for its turn.
# What happens: a click in a fragment waits until the script has ended. If the page is asked to run anew before that (any
# click outside a fragment, a link to another page), Streamlit stops the script with what waits for it: the first click is
# forgotten, its callback never called. With runner.fastReruns = false both are kept.
# Seen with Streamlit 1.67.0 on 2026-11-29, spoken to by its own protocol.
# Why it matters: a studio with toolbars in fragments loses "Run" or "Stop" on a busy machine, and nothing tells why.
source "$(dirname "$0")/_env.sh"
packages 'streamlit==1.67.0' 'websockets==16.1.1'
cat >"$HERE/app.py" <<'PY'
import time
from pathlib import Path

import streamlit as st

log = Path(__file__).with_name("log")


def clicked(name):
    with log.open("a") as file:
        file.write(name + "\n")


@st.fragment
def part():
    st.button("inside", key="inside", on_click=clicked, args=("inside",))


part()
st.button("outside", key="outside", on_click=clicked, args=("outside",))
for number in range(30):
    st.write(number)
    time.sleep(0.1)
PY
cat >"$HERE/click.py" <<'PY'
import asyncio
import sys
from importlib.metadata import version
from pathlib import Path

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

port, log = int(sys.argv[1]), Path(sys.argv[2])


def rerun(button="", fragment=""):
    asked = BackMsg()
    asked.rerun_script.query_string = ""
    if button:
        state = asked.rerun_script.widget_states.widgets.add()
        state.id, state.trigger_value = button, True
    if fragment:
        asked.rerun_script.fragment_id = fragment
    return asked.SerializeToString()


async def until(socket, wanted):
    while True:
        told = ForwardMsg()
        told.ParseFromString(await asyncio.wait_for(socket.recv(), 60))
        found = wanted(told)
        if found:
            return found


def button(label):
    def wanted(told):
        if told.WhichOneof("type") == "delta" and told.delta.new_element.button.label == label:
            return told.delta.new_element.button.id, told.delta.fragment_id
        return None

    return wanted


async def main():
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with websockets.connect(address, subprotocols=["streamlit"], max_size=None) as socket:
        await socket.send(rerun())
        inside, fragment = await until(socket, button("inside"))
        outside, _ = await until(socket, button("outside"))
        await socket.send(rerun(inside, fragment))  # the script still runs
        await asyncio.sleep(0.5)
        await socket.send(rerun(outside))
        await until(socket, lambda told: told.WhichOneof("type") == "script_finished" and log.exists())
        await asyncio.sleep(5)
    return sorted(log.read_text().split())


heard = asyncio.run(main())
print("Streamlit", version("streamlit"), "heard of the clicks on", heard)
sys.exit(heard != sys.argv[3].split(","))
PY
tried() {  # what fastReruns is, and which clicks are heard of
  rm -f "$HERE/log"
  port=$("$PY" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  "$PY" -m streamlit run "$HERE/app.py" --server.port "$port" --server.headless true \
    --server.address 127.0.0.1 --server.fileWatcherType none --browser.gatherUsageStats false \
    --runner.fastReruns "$1" >"$HERE/said" 2>&1 &
  server=$!
  for _ in $(seq 120); do
    "$PY" -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:$port/_stcore/health')" 2>/dev/null && break
    sleep 0.5
  done
  code=0
  "$PY" "$HERE/click.py" "$port" "$HERE/log" "$2" || code=$?
  kill "$server"
  wait "$server" 2>/dev/null || true
  return "$code"
}
tried true outside
tried false inside,outside
