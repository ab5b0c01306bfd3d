# Two commands for a new machine: `make demo` and `make test`. `make help` lists the rest.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup setup-base demo test manifest-programs check-manifests check-deploy release lint format bench chaos fuzz interleavings docs site lock clean

PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3,$(shell command -v $(p))))
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 15

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "weir: Python 3.11 or 3.12 is missing: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))' || \
		{ echo "weir: Python 3.11 or 3.12 is needed; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv || { echo "weir: venv is missing: apt-get install python3-venv"; exit 1; }

# A stamp holds until a lock file changes, so that a second set-up takes no time. Modules are compiled when they are first
# imported: most never are.
.venv/base.stamp: requirements/base.txt requirements/infer.txt requirements/build.txt pyproject.toml | .venv/bin/python
	@echo "Installing the packages that Weir runs on…"
	@$(BIN)/pip install --quiet --no-compile --require-hashes -r requirements/build.txt -r requirements/base.txt -r requirements/infer.txt
	@$(BIN)/pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: requirements/dev.txt | .venv/base.stamp
	@echo "Installing the development packages…"
	@$(BIN)/pip install --quiet --no-compile --require-hashes -r requirements/dev.txt
	@touch $@

setup-base: .venv/base.stamp ## install what Weir runs on, and fetch its models
	@$(BIN)/weir models fetch --quiet

setup: .venv/dev.stamp setup-base ## install everything, for development too

demo: setup-base ## run Weir on real traffic for a few minutes
	@$(BIN)/weir demo $(ARGS)

# Two workers more than cores: tests of brokers and stores wait for them most of the time. Each takes up to 3.5 GB.
WORKERS ?= 4
test: setup ## run every test (WORKERS=n at a time)
	@$(BIN)/pytest -n $(WORKERS) $(ARGS)

lint: .venv/dev.stamp ## check style, types and the floors
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	@$(BIN)/hadolint deploy/images/Dockerfile

format: .venv/dev.stamp ## mend what can be mended
	@$(BIN)/ruff check --fix-only .
	@$(BIN)/ruff format .

# What builds in minutes, for every change; the whole is for releases.
manifest-programs: .venv/dev.stamp
	@$(BIN)/python -m tests.deploy.tools helm kubeconform helm-unittest docker-compose

check-manifests: setup manifest-programs ## check chart, compose file, released chart and quick starts with real programs, built first (in minutes, once)
	@CHECK_DEPLOY=manifests $(BIN)/pytest -p no:randomly tests/deploy $(ARGS)

check-deploy: setup ## check these, the images, and the chart on a real API server (an hour, once)
	@$(BIN)/python -m tests.deploy.tools
	@CHECK_DEPLOY=1 $(BIN)/pytest -p no:randomly tests/deploy $(ARGS)

release: .venv/dev.stamp ## build wheel, sdist, chart and images' contexts into dist/, the same bytes from the same commit
	@rm -rf dist
	@$(BIN)/python -m tests.deploy.release dist
	@cat dist/SHA256SUMS

bench: setup ## measure, print a table, write build/bench.json
	@$(BIN)/python -m tests.bench build/bench.json

RUNS ?= 3
SEED ?= 1
chaos: setup ## kill, pause and refuse at random while traffic runs (RUNS=n SEED=s); 1 if anything is lost or double
	@$(BIN)/python -m tests.chaos --runs $(RUNS) --seed $(SEED) $(ARGS)

INPUTS ?= 25000
fuzz: setup ## feed codec, policies, the store's front and masking so many strange inputs each (INPUTS=n SEED=s)
	@$(BIN)/python -m tests.fuzz --inputs $(INPUTS) --seed $(SEED) $(ARGS)

NUMBER ?= 10000
interleavings: setup ## let settle meet so many random orders of events, beside a plain account of its rules (NUMBER=n SEED=s)
	@$(BIN)/python -m tests.interleavings --number $(NUMBER) --seed $(SEED)

bench-peers: setup ## measure other libraries beside ours (docs/performance.md), write build/peers.json
	@$(BIN)/python -m tests.bench.peers build/peers.json

docs: .venv/dev.stamp ## write the generated part of docs/
	@$(BIN)/python -m streams.documents docs
	@$(BIN)/python -m deploy.grafana
	@$(BIN)/python -m deploy.site.diagrams docs/diagrams

site: .venv/dev.stamp ## build the documentation as a site into build/site; warnings are errors
	@NO_MKDOCS_2_WARNING=1 PYTHONPATH=. $(BIN)/python -m mkdocs build --quiet --config-file deploy/site/mkdocs.yml
	@echo "build/site is there; to read it with its search: $(BIN)/python -m http.server -d build/site --bind 127.0.0.1 8000"

lock: .venv/bin/python ## compile the locked requirements again
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		requirements/build.in -o requirements/build.txt
	@for set in base "infer --extra infer -c requirements/base.txt" \
		"dev --extra infer --extra detoxify --extra plots --extra dev -c requirements/infer.txt"; do \
		set -- $$set; name=$$1; shift; \
		$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
			pyproject.toml "$$@" -o requirements/$$name.txt; \
	done

clean: ## remove everything that was built, the environment and the local stack's data
	@rm -rf .venv .weir build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
