.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?= python3.11
PYTHON := $(shell command -v $(PYTHON) || command -v python3)
BIN := .venv/bin
RUN_STAMP := .venv/run-$(shell cksum < requirements/base.txt | cut -d' ' -f1)
DEV_STAMP := .venv/dev-$(shell cksum < requirements/dev.txt | cut -d' ' -f1)
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps

.PHONY: help run test test-jitter test-fleet test-faults soak check format lock openapi access env-example licences sbom clean
.PHONY: sdk test-sdk web test-clients
.PHONY: bench-retrieval bench-streams bench-accounts bench-ingest bench-fairness
.PHONY: bench-api bench-events bench-search

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_STAMP) ## Run Colloquy on http://127.0.0.1:8000, with embedded parts for what has no URL
	@exec $(BIN)/colloquy serve

test: $(DEV_STAMP) ## Run every test; nothing else needs to be installed
	@$(BIN)/pytest -n $(or $(WORKERS),auto) || { test $$? -eq 1 && \
	  echo 'What failed beside other tests is run once more, alone; the run fails if it does so again:' && \
	  $(BIN)/pytest -v --last-failed --last-failed-no-failures none; }

test-jitter: $(DEV_STAMP) ## Run every test while sockets are heard late, at random (JITTER_SEED=...)
	$(BIN)/pytest -p tests.fixtures.jitter -n $(or $(WORKERS),auto)

test-fleet: $(DEV_STAMP) ## Test two APIs and two workers as one, on Debian's postgresql and redis-server
	$(BIN)/pytest --timeout 600 tests/fleet

test-faults: $(DEV_STAMP) ## Kill what ingestion stands on, at each of its steps, and test that nothing is lost
	$(BIN)/pytest -n $(or $(WORKERS),auto) --timeout 600 tests/faults

soak: $(DEV_STAMP) ## Run a fleet for ten minutes (SECONDS=...) while its processes are killed, and compare
	$(BIN)/python -m tests.fleet.soak

check: $(DEV_STAMP) ## Check format, lint, types, import contracts, generated files and dependencies
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/colloquy openapi | diff -u docs/openapi.json - || (echo 'run: make openapi'; exit 1)
	$(BIN)/colloquy access | diff -u docs/access.md - || (echo 'run: make access'; exit 1)
	$(BIN)/colloquy configuration | diff -u docs/configuration.md - || (echo 'run: make configuration'; exit 1)
	$(BIN)/colloquy env-example | diff -u .env.example - || (echo 'run: make env-example'; exit 1)
	$(BIN)/python -m deploy.supply_chain licences | diff -u docs/licences.md - || (echo 'run: make licences'; exit 1)
	$(BIN)/python -m pip check
	@sdk/typescript/check
	@web/check

format: $(DEV_STAMP) ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

openapi: $(DEV_STAMP) ## Write docs/openapi.json
	$(BIN)/colloquy openapi > docs/openapi.json

access: $(DEV_STAMP) ## Write docs/access.md: who may call what
	$(BIN)/colloquy access > docs/access.md

test-sdk: $(DEV_STAMP) ## Run the tests of the TypeScript SDK against a server of their own; needs Node 20
	@sdk/typescript/install
	cd sdk/typescript && npm test --silent

sdk: ## Write the generated part of the TypeScript SDK from docs/openapi.json
	@sdk/typescript/install
	cd sdk/typescript && node generate.mjs

.PHONY: test-web screenshots
test-web: $(DEV_STAMP) ## Drive the page in Chromium: the whole journey, hostile content, accessibility
	@web/test

screenshots: $(DEV_STAMP) ## Take docs/screenshots anew
	@SCREENSHOTS=1 web/test tests/access.test.mjs

web: ## Build the page for people into src/web/static
	@web/build

.PHONY: configuration
configuration: $(DEV_STAMP) ## Write docs/configuration.md
	$(BIN)/colloquy configuration > docs/configuration.md

env-example: $(DEV_STAMP) ## Write .env.example
	$(BIN)/colloquy env-example > .env.example

licences: $(DEV_STAMP) ## Write docs/licences.md; fails when a package is not permissive
	$(BIN)/python -m deploy.supply_chain licences > docs/licences.md

sbom: $(DEV_STAMP) ## Print what the server is made of, as CycloneDX
	@$(BIN)/python -m deploy.supply_chain sbom

lock: $(DEV_STAMP) ## Pin the requirements anew, with hashes
	@for name in base telemetry dev clients-openai2 clients-openai3 clients-llamaindex; do \
	  $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-header requirements/$$name.in -o requirements/$$name.txt; \
	done

bench-retrieval: $(DEV_STAMP) ## Measure how well search finds the passages that answer 1,190 questions
	$(BIN)/python -m benchmarks.retrieval

bench-search: $(DEV_STAMP) ## Measure searches beside the bare engine, up to 100,000 passages (some minutes)
	$(BIN)/python -m benchmarks.search

bench-streams: $(DEV_STAMP) ## Measure what streams cost: CPU, first token, memory, beside a bare relay
	$(BIN)/python -m benchmarks.streams
	$(BIN)/python -m benchmarks.streams 20 --tokens 5000 --rounds 2

bench-events: $(DEV_STAMP) ## Measure what sending an event costs, beside FastAPI's own way
	$(BIN)/python -m benchmarks.events

bench-accounts: $(DEV_STAMP) ## Measure a stream while 200 people log in, and what login times tell
	$(BIN)/python -m benchmarks.accounts

bench-ingest: $(DEV_STAMP) ## Measure how fast documents become searchable, and what others feel of it
	$(BIN)/python -m benchmarks.ingestion

.PHONY: fuzz
fuzz: $(DEV_STAMP) ## Send whatever the OpenAPI document allows, and what it does not, for SECONDS=480
	FUZZ_SECONDS=$(or $(SECONDS),480) FUZZ_PHASES=examples,coverage,fuzzing,stateful \
	  $(BIN)/pytest -s -n 0 tests/contracts/test_fuzz.py

bench-api: $(DEV_STAMP) ## Measure what everything around a query costs, beside FastAPI and asyncpg alone
	$(BIN)/python -m benchmarks.api

bench-fairness: $(DEV_STAMP) ## Measure how long one question waits behind another user's burst
	$(BIN)/python -m benchmarks.fairness

test-clients: $(DEV_STAMP) ## Drive the OpenAI and Ollama packages of others against a running Colloquy
	$(BIN)/python -m clients.run

clean: ## Remove the virtual environment and every cache; data stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info build

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Colloquy needs Python 3.11 or newer.")'
	$(PYTHON) -m venv .venv

$(RUN_STAMP): requirements/base.txt pyproject.toml | .venv/bin/python
	@echo 'Installing the dependencies into .venv ...'
	@$(PIP_INSTALL) --require-hashes -r requirements/base.txt
	@$(PIP_INSTALL) --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP) | .venv/bin/python
	@echo 'Installing what the tests and checks need into .venv ...'
	@$(PIP_INSTALL) --require-hashes -r requirements/dev.txt
	@touch $@
