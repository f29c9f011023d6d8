# Two commands from a bare python3: `make map` maps the kin of Orion, `make test` runs the tests.
PYTHON ?= python3
VENV ?= .venv
OUTPUT ?= map
BIN := $(VENV)/bin
SOURCES := pyproject.toml Makefile

.PHONY: help map test torture lint clean

help:
	@echo "make map    install what is needed, map the kin of Orion in the far infrared sky (into $(OUTPUT)/)"
	@echo "make test   install what is needed, run the tests"
	@echo "make torture  harm it in every way that is known; takes hours (docs/explain/reliability.md)"
	@echo "make lint   style, format, types, direction of imports"
	@echo "make clean  remove the virtual environment and $(OUTPUT)/"

map: $(VENV)/.has-data
	$(BIN)/skykin map --output $(OUTPUT) --overwrite

test: $(VENV)/.has-dev
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

torture: $(VENV)/.has-dev
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python tools/torture.py all

lint: $(VENV)/.has-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Skykin needs Python 3.11 or newer; run: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.has-data: $(VENV)/bin/python $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[wham,milkyway]"
	@touch $@

$(VENV)/.has-dev: $(VENV)/.has-data $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[wham,milkyway,dev]"
	@touch $@

clean:
	rm -rf $(VENV) $(OUTPUT)
