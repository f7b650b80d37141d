# Sourced by the findings: an environment of its own in a temporary folder, gone at the end.
#   source "$(dirname "$0")/_env.sh"
#   packages 'name==version' ...      # installs them; PY is the Python that has them
set -euo pipefail
HERE=$(mktemp -d)
trap 'rm -rf "$HERE"' EXIT
packages() {
  "${PYTHON:-python3}" -m venv "$HERE/env"
  PY=$HERE/env/bin/python
  "$PY" -m pip install -qq --disable-pip-version-check "$@"
}
