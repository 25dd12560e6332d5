# Two commands do everything: `make demo` and `make test`. Both need only Python (3.11 or newer) and make.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench soak docs clean

help:
	@echo "make demo    install (light) into .venv, then forecast real data: a table and a picture"
	@echo "make test    install what the tests need, then run all that CI runs"
	@echo "make check   the same without installing"
	@echo "make docs    write the pages that are made from the code"
	@echo "make bench   measure speed and accuracy, write docs/benchmarks/"

setup: .venv/.complete

.venv/.light: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "foretell needs Python 3.11 or newer; say which: make PYTHON=python3.12 ...")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "installing foretell into .venv"
	@$(PIP) --editable .
	@touch $@

.venv/.complete: .venv/.light tests/clients/package-lock.json
	@echo "installing what the tests need"
	@$(PIP) --editable '.[test]'
	@tools/npm_clients tests/clients
	@tools/chromium
	@touch $@

demo: .venv/.light
	@$(BIN)/python examples/demo.py

test: setup check

check:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest

bench: setup
	@$(PIP) --editable '.[test,bench]'
	$(BIN)/python -m benchmarks

soak: setup
	$(BIN)/python -m benchmarks.anode_malformed
	$(BIN)/python -m benchmarks.anode_load
	$(BIN)/python -m benchmarks.soak
	FUZZ=1000 $(BIN)/python -m pytest tests/http_api/test_schemathesis.py
	FUZZ=5000 $(BIN)/python -m pytest tests/fuzz
	SOAK=1 $(BIN)/python -m pytest tests/batch/test_killed.py

docs: setup
	$(BIN)/python -m tools.licences
	$(BIN)/python -m tools.lock
	$(BIN)/python -m tools.models_page
	$(BIN)/python -m tools.sql_reference
	$(BIN)/python -m tools.readme_demo

clean:
	rm -rf .venv build dist out tests/clients/node_modules
