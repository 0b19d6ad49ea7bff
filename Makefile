# Everything a contributor runs; `make` alone lists it. The only needs are make and a CPython
# 3.11 or newer; PYTHON=/path/to/python and PYTHON310=/path/to/python3.10 choose by hand.

SHELL := /bin/sh
.DEFAULT_GOAL := help

BIN := .venv/bin
LAVA_BIN := .venv-lava/bin
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

CORE := .venv/.core-installed
DEV := .venv/.dev-installed
LAVA := .venv-lava/.lava-installed
INPUTS := pyproject.toml constraints.txt
GET_310 := get one (uv python install 3.10, or pyenv install 3.10) or name one with PYTHON310=

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(DEV) ## make .venv with the package, torch and the development tools

.PHONY: demo
demo: $(CORE) ## compile and check a small network; installs no torch
	$(BIN)/snncc demo

.PHONY: test
test: $(DEV) ## run every test with branch coverage, the Lava ones where there is a CPython 3.10
	$(BIN)/python -m pytest --numprocesses=auto --dist=worksteal --cov --cov-report=term
	@$(MAKE) --no-print-directory lava

.PHONY: lint
lint: $(DEV) ## check style with ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

.PHONY: type
type: $(DEV) ## check types with mypy
	$(BIN)/mypy

.PHONY: golden
golden: $(DEV) ## rewrite the expected files in tests/golden
	$(BIN)/python -m pytest --update-golden

.PHONY: bench
bench: $(DEV) ## measure speed, what quantization costs, and SpikingJelly where installed
	$(BIN)/python -m bench
	$(BIN)/python -m bench.accuracy
	$(BIN)/python -m bench.peers

.PHONY: docs
docs: $(DEV) ## write the generated parts of the docs, run their code blocks
	$(BIN)/python docs/generate.py
	$(BIN)/python -m pytest tests/test_docs.py

.PHONY: ci
ci: ## run what the continuous integration runs
	.ci/run

# A missing CPython 3.10 is an error where the lane is demanded and a notice elsewhere.
.PHONY: lava
lava: $(DEV) ## run the tests that need lava-nc, on CPython 3.10 and from it
	@python='$(PYTHON310)'; \
	if [ -n "$$python" ] || python=$$(tools/find_python.sh 3.10 2>/dev/null); then \
	    $(MAKE) --no-print-directory $(LAVA) PYTHON310="$$python" && \
	    $(LAVA_BIN)/python -m pytest --require-lava tests/test_tiny.py tests/lava && \
	    SNNCC_LAVA_PYTHON=$(LAVA_BIN)/python $(BIN)/python -m pytest tests/test_on_lava.py; \
	elif [ "$$CI" = true ] || [ "$$SNNCC_REQUIRE_LAVA" = 1 ]; then \
	    echo "make lava: FAILED: lava-nc needs CPython 3.10 and none was found; $(GET_310)" >&2; exit 1; \
	else \
	    echo "make lava: SKIPPED: lava-nc needs CPython 3.10 and none was found; $(GET_310)" >&2; \
	fi

.PHONY: clean
clean: ## remove environments, caches and build output
	rm -rf .venv .venv-lava build dist *.egg-info htmlcov .coverage .coverage.*
	rm -rf .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The stamps below are renewed when the requirements change, so a second run installs nothing.

$(BIN)/python:
	@python='$(PYTHON)'; \
	[ -n "$$python" ] || python=$$(tools/find_python.sh 3.11 3.12 3.13) || exit 1; \
	echo "make: creating .venv with $$python"; \
	"$$python" -m venv .venv

$(CORE): $(INPUTS) | $(BIN)/python
	@echo "make: installing snncc into .venv"
	@$(BIN)/python $(PIP_INSTALL) --editable .
	@touch $@

$(DEV): $(INPUTS) | $(BIN)/python
	@echo "make: installing snncc, torch and the development tools into .venv (minutes, once)"
	@$(BIN)/python $(PIP_INSTALL) --editable '.[dev,nets,torch]'
	@touch $@ $(CORE)

$(LAVA): $(INPUTS)
	@echo "make: creating .venv-lava with $(PYTHON310)"
	@"$(PYTHON310)" -m venv --clear .venv-lava
	@$(LAVA_BIN)/python $(PIP_INSTALL) --editable '.[lava]' hypothesis pytest
	@touch $@
