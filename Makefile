# What a person does with this repository. `make` alone lists it.
# Everything is installed into .venv and nothing outside; versions come from requirements.lock.

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
AGENTS := tests/e2e/agents

.PHONY: help run install dev agents lint compiled test coverage promises bench screenshots wheel lock clean

help:
	@echo "make run          start Sereno (installs it into .venv at first)"
	@echo "make test         ruff, mypy, import rules and all tests"
	@echo "make lint         ruff, mypy and import rules only"
	@echo "make coverage     all tests, and what they did not reach"
	@echo "make promises     run the tests of each promise and threat; docs/promises.md is the result"
	@echo "make bench        benchmarks; make bench ARGS='start --runs 3' for a part"
	@echo "make fuzz         what strangers may send, made up by a fuzzer, a minute for each target"
	@echo "make screenshots  draw screenshots/ anew"
	@echo "make wheel        build dist/*.whl and dist/*.tar.gz"
	@echo "make lock         resolve requirements.lock anew"
	@echo "make clean        remove caches and builds; .venv stays"

run: install
	@$(BIN)/sereno $(ARGS)

install: .venv/.installed
dev: .venv/.dev

.venv/bin/python:
	@python=$$(sh .ci/find-python) && echo "Making .venv with $$python" && "$$python" -m venv .venv

.venv/.installed: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing Sereno into .venv"
	@$(PIP) install -c requirements.lock -e .
	@touch $@

# The lock file names every package, so pip need not look for any; two of them, with a half each,
# take half as long.
.venv/.dev: requirements.lock pyproject.toml | .venv/bin/python
	@echo "Installing Sereno and what its tests need into .venv"
	@awk '!/^#/ && NR % 2' requirements.lock >.venv/half.txt
	@awk '!/^#/ && NR % 2 == 0' requirements.lock >.venv/other-half.txt
	@$(PIP) install --no-deps -r .venv/half.txt & half=$$!; \
		$(PIP) install --no-deps -r .venv/other-half.txt && wait $$half
	@$(PIP) install --no-deps -e .
	@touch .venv/.installed $@

# Real agent programs for the end-to-end tests. Without them the tests say that they were left out.
agents: $(AGENTS)/node_modules/.installed

$(AGENTS)/node_modules/.installed: $(AGENTS)/package-lock.json
	@if ! command -v npm >/dev/null; then \
		echo "npm is not installed: tests marked 'node' will be left out"; \
	elif npm ci --prefix $(AGENTS) --no-audit --no-fund --loglevel=error; then \
		touch $@; \
	elif [ "$$SERENO_TEST_REQUIRE_ALL" = 1 ]; then \
		exit 1; \
	else \
		echo "npm ci failed: tests marked 'node' will be left out"; \
		rm -rf $(AGENTS)/node_modules; \
	fi

lint: dev
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

# Each process of pytest would compile every test file for itself: here they are compiled once.
compiled: dev
	@said=$$($(BIN)/pytest -qq --collect-only --snapshot-warn-unused 2>&1) || { echo "$$said"; exit 1; }

# `grep` finds what is alone, so that not everything is collected for the sake of five tests.
test: dev agents lint $(if $(ARGS),,compiled)
	@if [ -n "$(ARGS)" ]; then $(BIN)/pytest -q $(ARGS); else \
		$(BIN)/pytest -q -n $${WORKERS:-$$(($$(getconf _NPROCESSORS_ONLN) * 5 / 2))} --dist worksteal \
			-m "not alone" && \
		$(BIN)/pytest -q -m alone $$(grep -rl --include='test_*.py' --exclude-dir=node_modules \
			'mark\.alone' tests); fi

coverage: dev
	@$(BIN)/coverage run -m pytest -q $(ARGS)
	@$(BIN)/coverage report --skip-covered

promises: dev agents
	@$(BIN)/python -m tests.promises.table $(ARGS)

bench: dev
	@$(BIN)/python -m bench $(ARGS)

# atheris is only for this, and has ready builds for few machines: so it is not in the lock file.
fuzz: dev
	@$(PIP) install atheris==3.0.0
	@for target in head hello frames; do \
		echo "fuzzing $$target"; \
		$(BIN)/python -m bench.fuzz $$target -max_total_time=60 $(ARGS) || exit 1; done

screenshots: dev
	@$(BIN)/python -m screenshots $(ARGS)

wheel: dev
	@SERENO_WHEEL_BYTECODE=0 $(BIN)/python -m hatchling build -d dist

lock: .venv/bin/python
	@$(PIP) install uv==0.13.8
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --group dev --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml -o requirements.new
	@{ echo "# Every package of a working copy, with its exact version. Made by \`make lock\` from" \
		"pyproject.toml."; cat requirements.new; } > requirements.lock
	@rm requirements.new

clean:
	rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
