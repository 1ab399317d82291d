# One place for every command that a developer needs; `make help` lists them.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
JOBS   ?= 2
PYTEST_FLAGS ?= -q -n $(JOBS)
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help demo test check test-all test-targets bench docs golden format clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/zig.stamp ## build, verify and run a small model: what Edgewright does, in a minute
	$(BIN)/edgewright demo

test: check ## everything that CI runs: the checks, the unit tests, a few whole models
	$(BIN)/python -m pytest $(PYTEST_FLAGS) -m "not slow"

check: $(VENV)/dev.stamp ## format, lint, types, layers, generated pages
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python docs/generate.py --check
	$(BIN)/python -m pytest -q tests/test_layers.py

test-all: check ## also every model on every target (long; needs EDGEWRIGHT_MODELS)
	$(BIN)/python -m pytest $(PYTEST_FLAGS)

test-targets: $(VENV)/dev.stamp ## every operator on other CPUs, under qemu (an hour)
	@for target in linux-arm64 linux-armv7 linux-riscv64; do echo "== $$target"; \
	  $(BIN)/python -m pytest $(PYTEST_FLAGS) tests/ops --target $$target || exit 1; done

bench: $(VENV)/peers.stamp ## every model beside its peers, on one core each (12 minutes; BENCH=--quick)
	$(BIN)/python -m benchmarks.latency $(BENCH)

docs: $(VENV)/dev.stamp ## write the reference pages that come from the code
	$(BIN)/python docs/generate.py

golden: $(VENV)/dev.stamp ## rewrite the expected text in tests/golden/ and show what changed
	$(BIN)/python -m pytest -q -s --update-golden tests

format: $(VENV)/dev.stamp ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## remove what the above made, but not the cache of compiled files
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "error: $(PYTHON) is too old: make PYTHON=python3.11 ..." >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/zig.stamp: pyproject.toml | $(VENV)/bin/python
	$(PIP) install -q -e '.[zig]'
	@touch $@

$(VENV)/peers.stamp: $(VENV)/dev.stamp
	$(PIP) install -q -e '.[dev,peers]'
	$(PIP) install -q --no-deps pnnx  # its Python part wants torch, its program does not
	@touch $@

$(VENV)/dev.stamp: pyproject.toml | $(VENV)/bin/python
	$(PIP) install -q -e '.[dev]'
	@touch $@ $(VENV)/zig.stamp
