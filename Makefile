PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
METAGAUGE_STATE_DIR ?= .var

.DEFAULT_GOAL := help
.PHONY: help run test lint clean

help: ## Show the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(BIN)/.run: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[run]'
	@touch $@

$(BIN)/.test: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[test]'
	@touch $@ $(BIN)/.run

run: $(BIN)/.run ## Start Redis, the API and a worker; Ctrl-C stops them, METAGAUGE_PORT and METAGAUGE_STATE_DIR move them
	@mkdir -p -m 700 $(METAGAUGE_STATE_DIR)
	@METAGAUGE_STATE_DIR="$(METAGAUGE_STATE_DIR)" $(BIN)/python -m app.preflight
	@exec env PATH="$(abspath $(BIN)):$$PATH" METAGAUGE_STATE_DIR="$(METAGAUGE_STATE_DIR)" supervisord -c supervisord.conf

test: $(BIN)/.test ## Install everything and run the whole suite, one process of one thread for each core
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses logical --maxprocesses 8 --dist loadfile

clean: ## Remove the virtual environment and the service's state
	rm -rf $(VENV) .var
