# The two commands a newcomer needs are `make up` and `make test`.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# The locks are complete and every package in them has a hash, so nothing is resolved; what is imported is compiled then.
PIP    := $(BIN)/python -m pip --disable-pip-version-check -q install --no-deps --no-compile

.PHONY: up test check clean bench faults cluster pictures lock env env-dev

up: env                     ## start everything with the demo fleet; Ctrl-C stops it. Options: make up ARGS="--http-port 8081"
	@exec $(BIN)/foremend up $(ARGS)

test: env-dev check         ## everything, in under 6 minutes on 2 cores
	@$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

check: env-dev              ## lint, types, import contracts, house tests
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pytest -q tests/house

bench: env                  ## what one machine takes in: foremend bench ingest
	@$(BIN)/foremend bench ingest $(ARGS)

faults: env-dev             ## the long form of the fault tests
	@FOREMEND_FAULTS=long $(BIN)/python -m pytest -q tests/faults $(ARGS)
	@$(BIN)/python -m pytest -q -m slow

cluster: env-dev            ## many machines on loopback: nodes, fronts and workers die under load; some four minutes
	@$(BIN)/python -m pytest -q -m cluster tests/cluster $(ARGS)

pictures: env-dev           ## take the screenshots of the README again, and draw the faults
	@$(BIN)/python docs/faults/draw.py && $(BIN)/python docs/faults/draw_water.py
	@FOREMEND_PICTURES=docs/pictures $(BIN)/python -m pytest -q tests/browser/test_journey.py -k from_the_question

clean:                      ## stop what still runs and forget the data and the environment
	@if [ -x $(BIN)/foremend ]; then $(BIN)/foremend clean; fi
	@rm -rf $(VENV)

lock: env-dev               ## renew both lock files (hashes, no index URLs)
	@$(BIN)/uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -o requirements.lock
	@$(BIN)/uv pip compile -q pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header -c requirements.lock -o requirements-dev.lock

env: $(VENV)/.runtime
env-dev: $(VENV)/.dev

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Foremend needs Python 3.11 or newer; name one with: make up PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "This Python has no venv module; on Debian or Ubuntu: apt-get install python3-venv (or name another one: make up PYTHON=...)" >&2; exit 1; }
	@echo "Making the environment in $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

# The build backend comes from the lock like everything else, so the project itself installs without a download.
$(VENV)/.runtime: $(VENV)/bin/python requirements.lock pyproject.toml
	@echo "Installing what Foremend runs on (once, about a minute) ..."
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@echo "Installing what the tests need ..."
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
