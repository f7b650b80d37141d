#!/usr/bin/env bash
# Guess: where no address is given and RAY_ADDRESS is not set, ray.init(num_cpus=2) starts a Ray of this machine; or it goes to
# one that is running here, as the documentation says.
# What happens: it goes to the address that the last `ray start --head` left below the temporary folder, without looking whether
# anybody is there. Where that Ray was killed (a job that ran into its time, a container that was stopped) and not ended by
# `ray stop`, num_cpus is refused with words about "an existing cluster". ray.init("local", num_cpus=2) starts one.
# Seen with ray 2.60.0 on 2026-11-29.
# Why it matters: a program with a Ray of its own works for months, and fails on the one machine where somebody's job was killed.
source "$(dirname "$0")/_env.sh"
packages 'ray==2.60.0'
export RAY_TMPDIR=$HERE/ray RAY_USAGE_STATS_ENABLED=0
mkdir -p "$RAY_TMPDIR/ray"
echo -n "127.0.0.1:1" >"$RAY_TMPDIR/ray/ray_current_cluster"  # as a killed head leaves it
cat >"$HERE/show.py" <<'PYTHON'
import os
import sys

import ray

print("ray", ray.__version__)
os.environ.pop("RAY_ADDRESS", None)
try:
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    said = "started one"
except ValueError as error:
    said = str(error)
print("without an address:", said)
ray.shutdown()
ray.init("local", num_cpus=2, include_dashboard=False, log_to_driver=False)
print('with "local":', int(ray.cluster_resources()["CPU"]), "cores")
sys.exit(0 if "existing cluster" in said else 1)
PYTHON
HOME="$HERE" "$PY" "$HERE/show.py"
