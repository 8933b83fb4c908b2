# Every target sets up .venv by itself; nothing is needed but make, Python 3.11 or newer, and a package index for pip.
PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.stamp
DOCS_STAMP := .venv/.stamp-docs
RL_STAMP := .venv/.stamp-rl
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
RESULTS ?= results
LOG ?= KTH-SP2
MODEL ?= blend
FUZZ_CASES ?= 100000

.PHONY: help setup setup-rl demo test lint bench docs fuzz simulate simulate-KTH simulate-LLNL plot features train \
	train-runtime train-energy rl-train rl-train-fast clean

help: ## list the targets
	@grep -E '^[a-zA-Z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | sort | expand -t 18

setup: $(STAMP) ## make .venv with all that wattq and its tests need

$(STAMP): pyproject.toml requirements/core.lock requirements/dev.lock requirements/batsim.lock requirements/tune.lock \
		requirements/telemetry.lock requirements/api.lock
	@command -v $(PYTHON) >/dev/null 2>&1 || { echo "'$(PYTHON)' is not there: install Python 3.11 or newer, or name it: make setup PYTHON=/path/to/python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "'$(PYTHON)' is $$($(PYTHON) -V 2>&1), wattq needs Python 3.11 or newer: name one, as in make setup PYTHON=python3.11" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { echo "'$(PYTHON)' cannot make virtual environments: on Debian, apt install python3-venv" >&2; exit 2; }
	@echo "setting up .venv (a few minutes the first time)"
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) install --no-deps -r requirements/core.lock -r requirements/dev.lock -r requirements/batsim.lock \
		-r requirements/tune.lock -r requirements/telemetry.lock -r requirements/api.lock
	@$(PIP) install --no-deps -e .
	@echo "compiling the simulator (about a minute)"
	@$(BIN)/python -m wattq.schedulers.compile
	@touch $@

# Environments are described from their code, which needs gymnasium.
$(DOCS_STAMP): $(RL_STAMP) requirements/docs.lock
	@$(PIP) install --no-deps -r requirements/docs.lock
	@touch $@

demo: $(STAMP) ## compare policies on a real trace; table and results/demo/report.html
	$(BIN)/wattq demo

test: $(STAMP) ## all tests but the slow ones and those that need a live service
	@$(BIN)/python -m wattq.schedulers.compile --all
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not slow and not service"

lint: $(STAMP) ## ruff, ruff format, mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(STAMP) ## ours, the reference and the ratio for each speed budget
	$(BIN)/python -m wattq.experiments.bench

$(RL_STAMP): $(STAMP) requirements/rl.lock requirements/campaign.lock
	@echo "adding what learning and campaigns need (some minutes)"
	@$(PIP) install -c requirements/core.lock -r requirements/rl.lock -r requirements/campaign.lock
	@touch $@

setup-rl: $(RL_STAMP) ## add torch, Stable-Baselines3 and dask to .venv, which `make test` then tests, too

docs: $(DOCS_STAMP) ## build the documentation into docs/_build
	$(BIN)/python -m sphinx -W --keep-going -b html docs docs/_build/html

fuzz: $(STAMP) ## mutated inputs, many more of them than in the tests
	WATTQ_FUZZ=$(FUZZ_CASES) $(BIN)/python -m pytest -m fuzz

simulate: simulate-KTH simulate-LLNL ## both simulations below

simulate-KTH: $(STAMP) ## EASY on the KTH-SP2 log, with energy
	$(BIN)/wattq run -p kth-sp2 -w KTH-SP2 --policy easy -E -o $(RESULTS)/kth-sp2-easy

simulate-LLNL: $(STAMP) ## EASY on the LLNL-Atlas log, with energy
	$(BIN)/wattq run -p llnl-atlas -w LLNL-Atlas --processors-per-host 8 --policy easy -E -o $(RESULTS)/llnl-atlas-easy

features: $(STAMP) ## features of every job of a log (LOG=KTH-SP2)
	$(BIN)/wattq surrogate features $(LOG) -o $(RESULTS)/features/$(LOG).npz

train-runtime: $(STAMP) ## a model of run times from a log (LOG=KTH-SP2 MODEL=blend), and how good it is
	$(BIN)/wattq surrogate train $(LOG) --model $(MODEL) -o $(RESULTS)/models/runtime-$(LOG).wattq

train-energy: $(STAMP) ## a model of energy from the joules of `make simulate-KTH`, which runs first where it has not
	@test -f $(RESULTS)/kth-sp2-easy/summary.json || $(MAKE) --no-print-directory simulate-KTH
	$(BIN)/wattq surrogate train-energy $(RESULTS)/kth-sp2-easy -o $(RESULTS)/models/energy-KTH-SP2.wattq

train: train-runtime train-energy ## both models

rl-train: $(RL_STAMP) ## a policy that learns on KTH-SP2 (half an hour), in results/rl
	$(BIN)/wattq rl train --config experiments/rl/backfill-kth.yaml -o $(RESULTS)/rl/backfill-kth

rl-train-fast: $(RL_STAMP) ## the same for 30,000 steps, to see whether everything works
	$(BIN)/wattq rl train --config experiments/rl/backfill-kth.yaml --steps 30000 -o $(RESULTS)/rl/backfill-kth-fast

plot: $(STAMP) ## a report on every run below results/
	$(BIN)/wattq report $(RESULTS)

clean: ## remove what the targets made, .venv included
	rm -rf .venv build dist results docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
