# Two commands from a bare python3: `make map` maps the kin of Orion, `make test` runs the tests.
PYTHON ?= python3
VENV ?= .venv
OUTPUT ?= map
BIN := $(VENV)/bin
SOURCES := pyproject.toml Makefile
TYPESCRIPT := 5.9.3
ALADIN := src/skykin/viewing/aladin/SHA256

.PHONY: help map test torture lint docs aladin changelog release-check clean

help:
	@echo "make map    install what is needed, map the kin of Orion in the far infrared sky (into $(OUTPUT)/)"
	@echo "make test   install what is needed, run the tests"
	@echo "make torture  harm it in every way that is known; takes hours (docs/explain/reliability.md)"
	@echo "make lint   spelling, style, format, types (those of the page's JavaScript with npx), direction of imports"
	@echo "make docs   install what is needed, build the manual into docs/_build/; all its notebooks are run"
	@echo "make aladin fetch Aladin Lite, which draws the sky in the browser (needs npm)"
	@echo "make changelog      gather changes/ into CHANGELOG.md"
	@echo "make release-check  build the wheel, install it alone, make a first map from it (needs npm)"
	@echo "make clean  remove the virtual environment, $(OUTPUT)/ and the built manual"

map: $(VENV)/.has-data
	$(BIN)/skykin map --output $(OUTPUT) --overwrite

# Without npm the tests run all the same, and say which of them need Aladin Lite.
test: $(VENV)/.has-dev
	-@$(MAKE) --no-print-directory aladin
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow"

torture: $(VENV)/.has-dev
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python tools/torture.py all

lint: $(VENV)/.has-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	@if command -v npx > /dev/null; then npx --yes --package typescript@$(TYPESCRIPT) tsc --project tools/client_types.json && npx --yes --package typescript@$(TYPESCRIPT) tsc --project tools/page_types.json; \
		else echo "npx is not installed, so the types of the page's JavaScript are not checked"; fi

docs: $(VENV)/.has-docs
	SKYKIN_CACHE=$(CURDIR)/docs/_build/cache $(BIN)/python -m sphinx -b html -j 2 -W --keep-going -d docs/_build/doctrees docs docs/_build/html
	@echo "open docs/_build/html/index.html"

changelog:
	@$(PYTHON) tools/changelog.py

release-check: $(VENV)/.has-dev
	$(BIN)/python tools/changelog.py --check
	$(BIN)/python tools/release_check.py

aladin: $(ALADIN)

$(ALADIN): tools/fetch_aladin.py
	@$(PYTHON) tools/fetch_aladin.py
	@touch $@

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

$(VENV)/.has-docs: $(VENV)/.has-data $(SOURCES)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[wham,milkyway,dust,view,learn,docs]"
	@touch $@

clean:
	rm -rf $(VENV) $(OUTPUT) docs/_build
