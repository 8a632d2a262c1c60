# What people and CI run. `make demo` and `make test` need Python 3.11 with venv, nothing else.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.run-ready
DEV_READY := $(VENV)/.dev-ready

.DEFAULT_GOAL := help
.PHONY: help setup demo test check format docs bench lock parts clean

help: ## what there is
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo "Python 3.11 or newer is needed as '$(PYTHON)'; name another: make PYTHON=python3 ..."; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python's venv module is missing; on Debian: apt install python3-venv"; exit 1; }

$(RUN_READY): $(VENV)/bin/pip requirements/run.txt pyproject.toml
	@echo "Setting up $(VENV) (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV_READY): $(RUN_READY) requirements/dev.txt
	@echo "Setting up what the tests need (once) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

setup: $(RUN_READY) ## the programs, in .venv/bin, from locked packages
	@echo "edge-agent, collector and firmware-bridge are in $(VENV)/bin"

demo: $(RUN_READY) ## the whole system with simulated devices; DEMO_SECONDS=30 ends by itself
	@$(BIN)/python -m demo

parts: ## Debian packages that the tests use (as root)
	@tests/install-parts

test: $(DEV_READY) ## every test; as root it installs the Debian packages it needs
	@tests/install-parts
	@$(BIN)/python -m pytest -n 3 --dist loadfile

check: $(DEV_READY) ## format, lint, types, import laws, Ansible
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@MYPYPATH=tests $(BIN)/mypy --explicit-package-bases tests demo benchmarks
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports
	@cd ansible && PATH="$(CURDIR)/$(BIN):$$PATH" ANSIBLE_HOME=../$(VENV)/ansible ansible-lint --offline --strict

format: $(DEV_READY) ## put the code into its form
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

docs: $(DEV_READY) ## write the pages that follow from the code
	@$(BIN)/python docs/generate.py

NAME ?= all
bench: $(DEV_READY) ## measure against others; NAME=agent for one
	@$(BIN)/python -m benchmarks $(NAME)

lock: ## resolve the dependencies anew (needs uv)
	@requirements/lock

clean: ## remove what was set up here
	rm -rf $(VENV) var .mypy_cache .ruff_cache .hypothesis .import_linter_cache
