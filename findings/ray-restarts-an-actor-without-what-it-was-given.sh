#!/usr/bin/env bash
# Guess: an actor with max_restarts has its constructor run again with the same arguments, so an actor handed to it (a store, a
# model) lives as long as it does.
# What happens: the arguments that Ray keeps for the restart do not keep that actor alive. When the first process ends, its
# handle was the last one and the store is ended as out of scope; the restarted actor gets the handle of a dead one, and every
# call raises ActorDiedError. It is the same with the handle as it is and in a list; where the caller keeps its own handle all
# goes well. Ray logs a hint once, and only as an error line of the caller.
# Seen with ray 2.60.0 on 2026-11-29.
# Why it matters: `Agent.remote(Store.remote())` in a function is how crews of actors are built; the restart that was to save
# the run brings an agent without its memory. Keep the handles, or give detached actors by name.
source "$(dirname "$0")/_env.sh"
packages 'ray==2.60.0'
cat >"$HERE/start.py" <<'PY'
import gc
import sys
import time

import ray
from ray.exceptions import RayActorError


@ray.remote(num_cpus=0)
class Store:
    def read(self):
        return "kept"


@ray.remote(num_cpus=0, max_restarts=1, max_task_retries=1)
class Agent:
    def __init__(self, given):
        self.store = given[0] if isinstance(given, list) else given
        self.begun = time.time()

    def since(self):
        return self.begun

    def ask(self):
        return ray.get(self.store.read.remote())


def agent(kept, listed):
    store = Store.remote()
    made = Agent.remote([store] if listed else store)
    assert ray.get(made.ask.remote()) == "kept"
    return made, store if kept else None


def asked(made):
    try:
        return ray.get(made.ask.remote(), timeout=60)
    except RayActorError as problem:
        return type(problem.cause if hasattr(problem, "cause") else problem).__name__


ray.init(num_cpus=1, include_dashboard=False, object_store_memory=80_000_000, _temp_dir=sys.argv[1], log_to_driver=False)
cases = {"handle dropped": (False, False), "list dropped": (False, True), "handle kept": (True, False)}
agents = {name: agent(*case) for name, case in cases.items()}
gc.collect()
first = {name: ray.get(made.since.remote()) for name, (made, _) in agents.items()}
for made, _ in agents.values():
    ray.kill(made, no_restart=False)
time.sleep(1)
after = {name: asked(made) for name, (made, _) in agents.items()}
again = {name: ray.get(made.since.remote(), timeout=60) > first[name] for name, (made, _) in agents.items()}
print("ray", ray.__version__)
for name in cases:
    print(f"  {name}: restarted {again[name]}, its store then gives {after[name]}")
ray.shutdown()
dead = {"handle dropped": "ActorDiedError", "list dropped": "ActorDiedError", "handle kept": "kept"}
raise SystemExit(0 if after == dead and all(again.values()) else 1)
PY
RAY_USAGE_STATS_ENABLED=0 HOME="$HERE" "$PY" "$HERE/start.py" "$HERE/ray" 2>"$HERE/said"
