# Two commands on a fresh machine: `make book` builds the site, `make test` runs every check.
VENV   := .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
SITE   := _build/html

.PHONY: setup book serve test bench lab mutate requirements train clean

setup: $(VENV)/.installed

$(VENV)/.installed: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "The book needs Python 3.11 or newer; choose one with: make PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "Python cannot make virtual environments; on Debian: apt install python3-venv"; exit 1; }
	@echo "Installing the packages of requirements.txt into $(VENV)."
	test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip<27"
	$(BIN)/python -m pip install --quiet -r requirements.txt
	touch $@

# After a failure every page is read again: Sphinx repeats no warning about a page it has read.
book: setup
	@echo "Building the book; the first time every chapter is executed."
	$(BIN)/jupyter-book build -W -n --keep-going --quiet . || { rm -rf _build/.doctrees; exit 1; }
	@echo "The book is in $(CURDIR)/$(SITE)/index.html; to serve it on this machine: make serve"

serve:
	@test -f $(SITE)/index.html || { echo "There is no site yet; build it with: make book"; exit 1; }
	$(BIN)/python -m http.server --bind 127.0.0.1 --directory $(SITE) 8000

# The browser tests need Chromium and Firefox; BROWSER=0 leaves them out. One process builds the
# site and tests it, another does the rest; whoever is free then visits the pages. One thread each.
test: export OMP_NUM_THREADS := 1
test: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/codespell
	$(BIN)/pytest -n 2

# The chapters as notebooks, in a folder of your own that no build overwrites.
lab: book
	mkdir -p notebooks
	cd $(SITE) && find chapters -name '*.ipynb' | while read -r name; do \
	  mkdir -p "$(CURDIR)/notebooks/$$(dirname "$$name")"; \
	  test -e "$(CURDIR)/notebooks/$$name" || cp "$$name" "$(CURDIR)/notebooks/$$name"; done
	$(BIN)/jupyter lab --notebook-dir notebooks

# Makes the files in data/ anew whose computation takes too long for a page: first the judge of
# digits, then everything else, two scripts at a time.
JUDGE := data/train_digit_features.py
train: export OMP_NUM_THREADS := 1
train: setup
	$(BIN)/python $(JUDGE)
	printf '%s\n' $(filter-out $(JUDGE),$(wildcard data/train_*.py)) | xargs -P 2 -n 1 $(BIN)/python

# Code against its peers; then build times, scores and sizes beside their budgets: half an hour.
bench: setup
	$(BIN)/python benchmarks/lasso.py
	$(BIN)/python benchmarks/kernels.py
	$(BIN)/python benchmarks/logistic.py
	$(BIN)/python benchmarks/networks.py
	$(BIN)/python benchmarks/optimizers.py
	$(BIN)/python benchmarks/measure_site.py

# Changes dlmath in one place at a time and lists the changes that no test notices:
# make mutate MODULE=dlmath.linear
mutate: setup
	$(BIN)/python -m bookkit.mutate $(MODULE)

# Rewrites every pin from pyproject.toml; tests/test_requirements.py finds drift.
requirements:
	{ echo "# Written by 'make requirements' from pyproject.toml."; echo "-e ."; \
	  $(BIN)/pip-compile --quiet --strip-extras --all-extras --no-header --no-annotate \
	    --no-emit-find-links --no-emit-index-url --no-emit-trusted-host --output-file - pyproject.toml \
	    | sed -e 's/+cpu$$//' -e '/^#/d' -e '/^$$/d'; } > requirements.new
	mv requirements.new requirements.txt

clean:
	rm -rf _build
