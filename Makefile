# `make book` and `make test` need Python 3.11 or newer and nothing else; everything goes into .venv.

PYTHON ?= python3
BIN := .venv/bin
PAGES := _build/html

# For kernels: the same results to the last bit on every x86 processor, because matrix products may not choose their
# instructions by the processor's make. `scripts/execute.py` sets the same.
REPRODUCIBLE := MKL_CBWR=COMPATIBLE

.PHONY: book test execute exercises multiverse bench lock clean
.DEFAULT_GOAL := book

book: .venv/installed  ## build the book and print the path of its first page
	$(BIN)/jupyter-book build . -W -n --keep-going --quiet
	@echo "The book is built. Its first page: $(CURDIR)/$(PAGES)/index.html"

test: .venv/installed  ## the whole test suite, every chapter included
	$(BIN)/ruff check
	$(REPRODUCIBLE) $(BIN)/python -m pytest --nbval --nbval-current-env --nbval-sanitize-with tests/nbval_sanitize.cfg notebooks
	$(BIN)/python -m pytest tests moe_tutorial

execute: .venv/installed  ## execute chapters and write them back: all, or those in CHAPTERS
	$(BIN)/python scripts/execute.py $(CHAPTERS)

exercises: .venv/installed  ## write quizzes, exercises and solutions from the package into chapters and book
	$(BIN)/python scripts/exercises.py

multiverse: .venv/installed  ## Table 1 under every unstated choice; goes on where it was stopped; about 35 min from nothing
	$(REPRODUCIBLE) $(BIN)/python scripts/multiverse.py

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
	$(BIN)/pip install --quiet --no-deps -r requirements-colab.txt --target .venv/colab
	@touch $@
