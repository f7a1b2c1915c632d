# The only entry points: make install | demo | test | lint | bench | containers. Each sets up what it needs and is quick afterwards.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INDEX ?= .demo/index
PORT ?= 8000

.PHONY: install demo test lint bench containers help
.DELETE_ON_ERROR:

help:
	@echo "make install   everything to index, search and serve, in $(VENV)"
	@echo "make demo      a page that searches a demo gallery (fetches 160 MB); PHOTOS=/my/pictures for your own"
	@echo "make test      the quick tests, which also use torch and Chromium; ARGS='-m slow' runs the slow ones"
	@echo "make lint      ruff, mypy and the walls between rooms"
	@echo "make bench     the figures of docs/speed.md, in about ten minutes"
	@echo "make containers  builds the images, runs them, and says how large they are (Docker, or buildah as root)"

install: $(VENV)/.installed

demo: $(VENV)/.installed
	@BIN=$(BIN) PHOTOS="$(PHOTOS)" INDEX="$(INDEX)" PORT="$(PORT)" bash scripts/demo.sh

# A process for each core, so one thread for each; of several -m the last counts.
test: $(VENV)/.dev
	@bash scripts/ensure_chromium.sh
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --dist worksteal -m "not slow" $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

bench: $(VENV)/.dev
	$(BIN)/python -m bench $(ARGS)

containers: $(VENV)/.dev
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash docker/check.sh

$(BIN)/python:
	@$(PYTHON) -c 'import ensurepip, sys; assert sys.version_info >= (3, 11)' 2>/dev/null || \
		{ echo "sketchseek needs Python 3.11 or newer with venv: sudo apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[cpu]'
	@touch $@

# torch is for the reference engine, training and figures; nothing that serves on a CPU imports it.
$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[cpu,train,dev]'
	@touch $(VENV)/.installed $@
