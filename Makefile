# The verbs of this project. Nothing but Python 3.11+ and make has to be there before.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; \
  done)
BIN := .venv/bin
PLUGINS := $(patsubst %/pyproject.toml,%,$(sort $(wildcard plugins/*/pyproject.toml)))
PACKAGES := connectors_core $(notdir $(wildcard plugins/*/pyconnect_*))
MEASURED := $(addprefix tests/,unit/runtime unit/herder unit/stores unit/avro contract/test_store_contract.py)
PLAYGROUND := pyconnect-data/playground

.PHONY: help install run test check coverage chaos bench docs clean
.DEFAULT_GOAL := help

help: ## Show this list.
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST) | expand -t 16

install: .venv/installed ## Install the core, the plugins and the test tools into .venv, editable.

.venv/installed: pyproject.toml $(addsuffix /pyproject.toml,$(PLUGINS))
	@test -n "$(PYTHON)" || { echo "pyconnect needs Python 3.11 or newer. Install it, or name it: make install PYTHON=/path/to/python3" >&2; exit 3; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]' $(addprefix --editable ./,$(PLUGINS))
	$(BIN)/python -m compileall -q connectors_core plugins
	@touch $@

run: install ## Run the examples for 20 s against their own fake upstreams, and show the records.
	@code=0; $(BIN)/pyconnect run connectors.d/*.yaml --playground --for 20s > .venv/summary || code=$$?; \
	for topic in $$($(BIN)/pyconnect topics --json --data-dir $(PLAYGROUND) | \
	    $(BIN)/python -c 'import json, sys; print(*(topic["name"] for topic in json.load(sys.stdin) if topic["records"]))'); do \
	  echo; echo "$$topic"; $(BIN)/pyconnect tail "$$topic" --count 3 --data-dir $(PLAYGROUND); \
	done; \
	echo; cat .venv/summary; exit $$code

check: install ## Format, lint, layers, types and the fast tests; up to 2 minutes.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-logo
	$(BIN)/mypy $(addprefix --package ,$(PACKAGES))
	$(BIN)/pytest -q -m "not chaos and not slow" --hypothesis-profile=quick

test: install ## All tests but the long ones; up to 25 minutes.
	$(BIN)/pytest -q -m "not chaos"
	$(MAKE) coverage

coverage: install ## Lines and branches that the engine's own tests reach; fails under 95 % of the runtime; 2 minutes.
	$(BIN)/coverage run -m pytest -q $(MEASURED) --ignore tests/unit/runtime/test_life_machine.py
	$(BIN)/coverage report
	$(BIN)/python -m tests.uncovered

chaos: install ## The long ones: kills, dead brokers, cut networks, the tutorial; up to 45 minutes.
	$(BIN)/pytest -q -m chaos

bench: install ## Measure what benchmarks/README.md claims.
	$(BIN)/python -m benchmarks

docs: install ## Write the generated reference and run every example of the docs.
	$(BIN)/python docs/generate.py
	$(BIN)/pytest -q tests/docs

clean: ## Remove what was installed, built and cached; data in pyconnect-data stays.
	rm -rf .venv .coverage build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
