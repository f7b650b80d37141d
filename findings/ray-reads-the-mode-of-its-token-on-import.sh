#!/usr/bin/env bash
# Guess: RAY_AUTH_MODE=token, set before `ray.init()` like other settings of Ray, starts Ray with a token, or Ray tells that it
# came too late.
# What happens: `import ray` has read it in the driver; the processes that `ray.init()` starts read it anew. They want a token
# that the driver never sends, so after some twenty seconds Ray ends with "Failed to start GCS. Last 0 lines of error files".
# Set before the import, or in the shell, it works; RAY_AUTH_TOKEN may come later.
# Seen with ray 2.60.0 on 2026-11-29.
# Why it matters: whoever hands work to Ray sets the mode where the cluster is started, and by then some plugin has long since
# imported ray; the message leads to logs that say nothing. Set it at the top of the program, or in its environment.
source "$(dirname "$0")/_env.sh"
packages 'ray==2.60.0'
cat >"$HERE/start.py" <<'PY'
import os
import sys

import_first, folder = sys.argv[1] == "after", sys.argv[2]
if import_first:
    import ray
os.environ["RAY_AUTH_MODE"] = "token"
import ray

os.environ["RAY_AUTH_TOKEN"] = "any token that is long enough for it to be taken"
try:
    ray.init(num_cpus=1, include_dashboard=False, object_store_memory=80_000_000, _temp_dir=folder, log_to_driver=False)
    print("works:", ray.get(ray.put("stored")))
    ray.shutdown()
except RuntimeError as problem:
    print("fails:", " ".join(str(problem).split())[:49])
PY
unset RAY_AUTH_MODE RAY_AUTH_TOKEN RAY_AUTH_TOKEN_PATH
started() { RAY_USAGE_STATS_ENABLED=0 HOME="$HERE" "$PY" "$HERE/start.py" "$1" "$HERE/$1" 2>"$HERE/said"; }
before=$(started before)
after=$(started after)
"$PY" -c 'import ray; print("ray", ray.__version__)'
echo "  set before the import: $before"
echo "  set after the import: $after"
[ "$before" = "works: stored" ] && [[ "$after" = "fails: Failed to start GCS. Last 0 lines of error files:" ]]
