# Two commands on a fresh machine: `make book` builds the site, `make test` runs every check.
VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
JB     := $(BIN)/jupyter-book

.PHONY: setup book serve test bench lab mutate requirements train clean

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip<27"
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

book: setup
	$(JB) build --quiet .
	@echo "The book is in _build/html/index.html; to serve it: make serve"

serve: setup
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory _build/html 8000

test: setup
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/codespell
	$(BIN)/pytest

lab: setup
	$(BIN)/jupyter lab

# Rewrites every pin from pyproject.toml; tests/test_requirements.py finds drift.
requirements:
	{ echo "# Written by 'make requirements' from pyproject.toml."; echo "-e ."; \
	  $(BIN)/pip-compile --quiet --strip-extras --all-extras --no-header --no-annotate \
	    --no-emit-find-links --no-emit-index-url --no-emit-trusted-host --output-file - pyproject.toml \
	    | sed 's/+cpu$$//'; } > requirements.new
	mv requirements.new requirements.txt

clean:
	rm -rf _build
