# `make book` and `make test` need Python 3.11 or newer and nothing else; everything goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
PAGES := _build/html

# nbval proves the chapters: it executes them and compares what comes out with what is stored. Two workers, a file each; each
# file is one worker's, and the longest begin (conftest.py).
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg
WORKERS := -n 2 --dist loadfile --no-loadscope-reorder

PORT ?= 8000
RESOLUTION ?= lowest-direct
BOUNDS_TOOLS := $(shell grep -E "^(hypothesis|mpmath|nbclient|nbformat|nbval|praat-parselmouth|pytest)==" constraints.txt)
BOUNDS_TESTS := $(addprefix tests/test_,$(addsuffix .py,balance costs engine exercises language lines losses model multiverse plots \
    plots_input plots_style processes replication shapes sound sparse text toys training vowel_data vowel_task))

# For `make check`: what is quick and needs no browser.
QUICK := $(addprefix tests/test_,$(addsuffix .py,api balance chapters command costs crosswalk exercises house information language lines losses model \
    multiverse plots plots_input plots_style project replication shapes sound sparse text toys training vowel_data vowel_task))
SEEDS ?= 1 2
SHAKEN ?= notebooks book

# Node is needed for the checks of the JavaScript only.
SCRIPTS = @if command -v npm >/dev/null && $(MAKE) --no-print-directory node_modules/.installed; \
    then $(MAKE) --no-print-directory scripts; \
    else echo "The JavaScript was not checked: npm is not here, or could not install what checks it."; fi

.PHONY: help book pdf serve lab scripts check test shake colab bounds references elsewhere links execute exercises recordings anew mutants bench lock clean
.DEFAULT_GOAL := help

help:  ## print what there is to make
	@sed -En 's/^([a-z]+):[^#]*## (.*)$$/make \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name what; do \
	    printf '  %-16s %s\n' "$$name" "$$what"; done

book: .venv/installed  ## build the book and print the path of its first page
	$(BIN)/python scripts/build.py

pdf: book  ## print the book into _build/book.pdf; needs Chromium
	$(BIN)/python scripts/pdf.py

serve: book  ## serve the built book, by default on port 8000
	@echo "The book is at http://127.0.0.1:$(PORT)/ until you press Ctrl-C."
	@$(BIN)/python -m http.server $(PORT) --bind 127.0.0.1 --directory $(PAGES) 2>/dev/null

lab: .venv/installed  ## open the notebooks in JupyterLab, which is installed at the first time
	$(BIN)/pip install --quiet jupyterlab==4.6.6 -c constraints.txt
	@echo "JupyterLab says its address below, and opens it in your browser."
	$(BIN)/jupyter lab --notebook-dir=notebooks

scripts: node_modules/.installed  ## lint and type-check the JavaScript; needs Node, which nothing else does
	npx eslint .
	npx tsc

node_modules/.installed: package.json package-lock.json
	npm ci --silent --no-audit --no-fund
	@touch $@

check: .venv/installed  ## in about a minute: style, spelling, types, and the tests that matter while writing
	$(BIN)/ruff check
	$(BIN)/codespell
	$(BIN)/mypy
	$(SCRIPTS)
	$(BIN)/python -m pytest $(WORKERS) $(QUICK) moe_tutorial

test: .venv/installed  ## the whole test suite, every chapter executed
	$(BIN)/ruff check
	$(BIN)/codespell
	$(BIN)/mypy
	$(SCRIPTS)
	$(BIN)/python -m pytest $(NBVAL) $(WORKERS) notebooks book tests moe_tutorial

shake: .venv/installed  ## execute the chapters as on another processor, for each of SEEDS, and say which cells moved
	$(BIN)/python scripts/shaken.py $(SEEDS) --paths $(SHAKEN)

colab: .venv/installed  ## every notebook alone, with the older packages of Colab, the course from an archive
	rm -rf .venv-colab
	$(PYTHON) -m venv .venv-colab
	grep -E "^(matplotlib|numpy|pillow|scipy|torch|tqdm|jupyter_client|traitlets)==" constraints.txt > .venv-colab/pins.txt
	.venv-colab/bin/pip install --quiet setuptools -r requirements-colab.txt -r .venv-colab/pins.txt
	$(BIN)/python scripts/colab.py .venv-colab/bin/python
	rm -rf .venv-colab

bounds:  ## the package's tests with the lowest versions that it allows, or the newest: RESOLUTION=highest
	rm -rf .venv-bounds
	$(PYTHON) -m venv .venv-bounds
	.venv-bounds/bin/pip install --quiet uv==0.13.9
	.venv-bounds/bin/uv pip install --quiet --python .venv-bounds/bin/python --resolution $(RESOLUTION) -e . $(BOUNDS_TOOLS)
	.venv-bounds/bin/python -m pytest -W default $(BOUNDS_TESTS) moe_tutorial
	rm -rf .venv-bounds

references:  ## the formulas of sparse layers against those of `transformers`, which is installed for it
	rm -rf .venv-references
	$(PYTHON) -m venv .venv-references
	.venv-references/bin/pip install --quiet -e . transformers==5.24.0 $(BOUNDS_TOOLS) -c constraints.txt
	.venv-references/bin/python -m pytest -W default tests/test_transformers.py
	rm -rf .venv-references

elsewhere:  ## the package's tests and two chapters from a path with blanks and Hangul, LANG=C and no HOME
	$(PYTHON) scripts/elsewhere.py

links: .venv/installed  ## whether the links to other sites lead somewhere; needs the network
	$(BIN)/jupyter-book build . --builder linkcheck

execute: .venv/installed  ## execute chapters and write them back: all, or those in CHAPTERS
	$(BIN)/python scripts/execute.py $(CHAPTERS)

exercises: .venv/installed  ## write quizzes, exercises and solutions from the package into chapters and book
	$(BIN)/python scripts/exercises.py

recordings: .venv/installed  ## the stored results that are missing or of other code; an hour and three quarters from nothing
	$(BIN)/python -m moe_tutorial record $(NAMES)

anew: .venv/installed  ## all recordings from nothing, beside those that are stored, compared
	$(BIN)/python scripts/anew.py _build/recordings $(NAMES)

mutants: .venv/installed  ## change every reference answer, and see that `check` notices; about a minute
	$(BIN)/python scripts/mutants.py $(NAMES)

bench: .venv/installed  ## speed, as ratios within one run, and the weight of the pages
	$(BIN)/python scripts/bench.py

lock:  ## write constraints.txt from requirements*.txt, in a new environment
	rm -rf .venv-lock
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet -r requirements.txt -r requirements-test.txt
	head -n 1 constraints.txt > constraints.new
	.venv-lock/bin/pip freeze | sed 's/+cpu$$//' >> constraints.new
	mv constraints.new constraints.txt
	rm -rf .venv-lock

clean:  ## remove the environment and what was built
	rm -rf .venv _build

# The older packages of Colab lie beside the others, for the tests that put them first.
.venv/installed: requirements.txt requirements-test.txt requirements-colab.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else \
	    "Python 3.11 or newer is needed, found " + sys.version.split()[0] + ". Name another one: make PYTHON=python3.12")'
	rm -rf .venv
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -r requirements.txt -r requirements-test.txt -c constraints.txt
	$(BIN)/pip install --quiet --no-deps -e .
	$(BIN)/pip install --quiet --no-deps ipywidgets==7.7.1 ipython_genutils==0.2.0 --target .venv/colab
	@touch $@
