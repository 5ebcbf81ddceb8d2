# One vocabulary for people and CI. `make help` lists it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.requirements
LOCAL = $(BIN)/python -m customer_behavior.local

export PYTHONPATH := include:plugins
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help venv run test test-fast up down status psql check-source bench bench-models bench-effects fuzz lint clean lock

help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## Build .venv from the hash-locked requirements

# Built anew whenever the lock changes; the stamp is written last, so a build cut short is done again.
$(STAMP): requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if (3, 11) <= sys.version_info[:2] < (3, 14) else 1)' || { \
	  echo "This needs Python 3.11, 3.12 or 3.13; $(PYTHON) is $$($(PYTHON) --version 2>&1)." \
	       "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@echo "Building $(VENV) from requirements/dev.txt (about three minutes, 2.4 GB)"
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing: on Debian and Ubuntu it is the package python3-venv." >&2; exit 1; }
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	@touch $@

run: $(STAMP) ## The whole chain on real purchases: load, train, backfill 7 days through Airflow, publish, report
	@$(BIN)/python -m customer_behavior.demo

# Three processes on two cores: one runs what starts a whole stack, and waits for Airflow most of its time.
# Threads that spin while they wait for each other would starve the other processes.
QUIET_THREADS = OMP_WAIT_POLICY=PASSIVE OPENBLAS_NUM_THREADS=1
PYTEST = $(QUIET_THREADS) $(BIN)/python -m pytest
PARALLEL = --dist loadfile --no-loadscope-reorder --durations 20

test: $(STAMP) ## All tests, on a real PostgreSQL and a real Airflow: [ARGS="tests/ingest -x"] for some
	@$(PYTEST) $(if $(ARGS),$(ARGS),--numprocesses 3 $(PARALLEL))

test-fast: $(STAMP) ## Tests that start no Airflow process and take no more than seconds each
	@$(PYTEST) --numprocesses 2 $(PARALLEL) -m "not slow" --ignore tests/stack --ignore tests/local --ignore tests/dags $(ARGS)

up: $(STAMP) ## Start PostgreSQL, Airflow and MLflow and leave them running, with their UIs
	@$(LOCAL) up

down: ## Stop all that runs
	@test ! -x $(BIN)/python || $(LOCAL) down

status: $(STAMP) ## Say what runs, and where
	@$(LOCAL) status

psql: $(STAMP) ## Open the warehouse; reads SQL from standard input too
	@$(LOCAL) psql $(ARGS)

check-source: $(STAMP) ## Say what would happen to a file, load nothing: SOURCE=name FILE=path [DATE=YYYY-MM-DD]; drafts a new source, ACCEPT=1 writes it
	@$(BIN)/python -m customer_behavior check-source --source "$(SOURCE)" --file "$(FILE)" $(if $(DATE),--date $(DATE)) $(if $(ACCEPT),--accept)

bench: $(STAMP) ## Benchmarks beside their limits; writes .run/bench.json
	@PYTHONPATH=include:plugins:tests $(BIN)/python -m bench $(ARGS)

bench-models: $(STAMP) ## Models on past mornings of three data sets; writes .run/bench-models.json (needs a network once)
	@PYTHONPATH=include:plugins:tests $(BIN)/python -m bench.models $(ARGS)

bench-effects: $(STAMP) ## Price thresholds and peak hours in simulated shops; writes .run/bench-effects.json
	@PYTHONPATH=include:plugins:tests $(BIN)/python -m bench.effects

# Atheris has wheels for Linux alone, so it is in no lock: a folder of its own holds it (needs a network once).
fuzz: $(STAMP) ## Fuzz: [TARGET=landings CASES=10000 SEED=1], tables alike, readers and mapping of bytes for [SECONDS=60] each
	@for target in $(or $(TARGET),delimited gzipped jsonl parquet mapping tables landings); do case $$target in \
	  tables|landings) PYTHONPATH=include:tests $(BIN)/python -m fuzz $$target CASES=$(CASES) SEED=$(SEED) || exit 1 ;; \
	  *) test -d .run/fuzz/atheris || $(BIN)/python -m pip install --quiet --no-deps --target .run/fuzz 'atheris>=3,<4' || exit 1; \
	     PYTHONPATH=include:tests:.run/fuzz $(BIN)/python -m fuzz $$target -max_total_time=$(or $(SECONDS),60) || exit 1 ;; \
	esac; done

lint: $(STAMP) ## Style, types, SQL
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/numpydoc lint $$(git ls-files 'include/customer_behavior/*.py' 'plugins/*.py')
	@$(BIN)/sqlfluff lint --disable-progress-bar include/sql

clean: down ## Stop all and remove .venv, .run and the database, wherever it is
	@test ! -x $(BIN)/python || $(LOCAL) clean
	@# Without .venv: for root, the database is where its record says.
	@outside=$$(sed -n 's|.*"directory": "\(/var/lib/customer-behavior/[0-9a-f]*\)".*|\1|p' .run/postgres/server.json 2>/dev/null); \
	  test -z "$$outside" || rm -rf "$$outside"
	@rm -rf $(VENV) .run

# The compiled files name no index: whoever installs from them uses the index they trust.
lock: ## Compile requirements/*.in anew (needs a network; takes the newest versions allowed)
	@rm -rf .run/lock && mkdir -p .run && $(PYTHON) -m venv .run/lock
	@.run/lock/bin/python -m pip install --quiet uv
	@for name in base dev prod; do \
	  .run/lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-emit-index-url --no-emit-find-links --output-file requirements/$$name.txt requirements/$$name.in || exit 1; \
	done
	@rm -rf .run/lock
