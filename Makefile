# make run | make test on a machine with Python 3.11+ and make: each sets up what it needs first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup run test lint types unit bench bench-slack bench-discord bench-search bench-api torture soak fuzz lock clean

setup: .venv/.ready

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Parley needs Python 3.11 or newer; this is " + sys.version.split()[0] + ". Name another with: make PYTHON=python3.12")'
	@echo "Setting up .venv; this takes a minute, once." >&2
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e . >&2
	@touch $@

run: setup
	@$(BIN)/python -m bot

test: lint types unit

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

unit: setup
	$(BIN)/python -m pytest

# Parley on Slack beside a bare loop; takes a minute. Where its CPU goes: .venv/bin/python -m tests.benchmarks.slack --profile
bench-slack: setup
	@$(BIN)/python -m tests.benchmarks.slack

# The same on Discord, without rate limits and then with them; takes a minute and a half.
bench-discord: setup
	@$(BIN)/python -m tests.benchmarks.discord

# How well and how fast files are searched; takes a minute and a half.
bench-search: setup
	@$(BIN)/python -m tests.benchmarks.search

# Two hundred programs stream runs at once, beside a bare stream of the same bytes; takes a minute.
bench-api: setup
	@$(BIN)/python -W ignore -m tests.benchmarks.api

# The core alone, with a model that answers at once, beside a bare loop; takes three minutes.
bench: setup
	@$(BIN)/python -m tests.benchmarks.core

# The real process on Slack and on Discord, killed KILLS times at random on each while all around it fails, or with a
# SEED that was printed. A kill takes some three seconds.
KILLS ?= 200
torture: setup
	@$(BIN)/python -m tests.ordeals.torture --kills $(KILLS) $(if $(SEED),--seed $(SEED))

# A steady load with faults for MINUTES on each platform: does anything grow? Draws soak-slack.png and soak-discord.png.
MINUTES ?= 10
soak: setup
	@$(BIN)/python -m tests.ordeals.soak --minutes $(MINUTES)

# Thousands of hostile and broken payloads, model streams and arguments; takes four minutes. Again: SEED=…
fuzz: setup
	@$(BIN)/python -m tests.fuzz $(if $(SEED),--seed $(SEED))

# New versions: needs uv (pip install uv). Names, versions and hashes only.
lock:
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
	    --no-annotate --no-header --upgrade --output-file requirements.lock

clean:
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache
