# Everything a person or CI does with this tree. `make help` lists it.
PYTHON ?= python3
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
# How many tests run at a time (with 2, a third of two cores idles), each worker on its own database.
JOBS   ?= 3

.DEFAULT_GOAL := help
.PHONY: help demo up migrate model test unit faults check format bench env lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

# Installed again only when the lock changes.
$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "tillstream needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1 | tail -n 1). Choose one with PYTHON=..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || { \
	  echo "$(PYTHON) cannot make a virtual environment (on Debian and Ubuntu: apt install python3-venv)" >&2; exit 1; }
	@echo "installing the locked dependencies into $(VENV)"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

demo: $(STAMP) ## the whole system with a simulated store: ONCE=1 DATASET=dir ORDERS=n SEED=n
	@exec $(PY) -m services demo $(if $(ONCE),--once) $(if $(DATASET),--dataset "$(DATASET)") \
	  $(if $(ORDERS),--orders $(ORDERS)) $(if $(SEED),--seed $(SEED))

up: $(STAMP) ## the four services on this machine, without the simulator
	@exec $(PY) -m services up

migrate: $(STAMP) ## bring the database of DATABASE_URL up to date
	@$(PY) -m services migrate

model: migrate ## write docs/data-model.md from the database of DATABASE_URL
	@$(PY) -m services.syncer.datamodel "$(DATABASE_URL)" > docs/data-model.md

check: $(STAMP) ## lint, types, import contracts, style budgets, unit tests
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy --strict services shared
	$(VENV)/bin/lint-imports
	$(PY) -m tests.style
	$(PY) -m pytest tests/unit

unit: $(STAMP) ## unit tests alone
	$(PY) -m pytest tests/unit

test: $(STAMP) ## all tests, on the Postgres and RabbitMQ that can be found: JOBS=n ARGS=...
	$(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

faults: $(STAMP) ## every fault on both buses, an hour; the table goes into docs/reliability.md: ARGS=
	$(PY) -m tests.faults --long --report docs/reliability.md $(ARGS)

format: $(STAMP) ## let ruff rewrite what it can
	$(VENV)/bin/ruff check --fix-only --quiet .
	$(VENV)/bin/ruff format --quiet .

bench: $(STAMP) ## the benchmarks, one after the other
	@for each in bench/*.py; do case $$each in */__init__.py) ;; \
	  *) $(PY) -m bench.$$(basename $$each .py) || exit 1 ;; esac; done

env: ## write .env for docker compose, with fresh secrets: DEMO=1
	@test ! -e .env || { echo ".env exists and is kept; its secrets are in use" >&2; exit 1; }
	@umask 077 && DEMO="$(DEMO)" deploy/env > .env && echo "wrote .env"

COMPILE = $(VENV)/bin/uv pip compile -q --universal --generate-hashes --no-header \
	--no-emit-index-url --no-annotate --python-version 3.11 pyproject.toml

lock: $(STAMP) ## pin the dependencies of pyproject.toml: for people, for the images
	@$(PY) -m pip install --quiet --disable-pip-version-check 'uv>=0.9,<1'
	$(COMPILE) --extra demo --extra test -o requirements.lock
	$(COMPILE) -c requirements.lock -o deploy/requirements.lock
	$(COMPILE) -c requirements.lock --extra demo -o deploy/requirements-demo.lock

clean: ## remove caches; data in .tillstream and the environment stay
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist
	find services shared tests bench -name __pycache__ -type d -prune -exec rm -rf {} +
