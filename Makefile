# Everything a newcomer needs: `make demo` and `make test`. Both set up their own environment in .venv: the demo what
# the program needs, the tests the rest on top of it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIPELINE := $(VENV)/.pipeline
DEV := $(VENV)/.dev
CORPUSMILL := $(BIN)/corpusmill
INSTALL := $(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt

.PHONY: demo quick test pure wheel docs test-transformers-4 lint faults fuzz bench lock audit clean

demo: $(PIPELINE)
	$(CORPUSMILL) run configs/demo.yaml --out runs/demo
	$(CORPUSMILL) verify runs/demo
	@echo; echo "One training row, decoded, and where each of its documents came from:"
	$(CORPUSMILL) trace runs/demo --row 0
	@echo "The run is in runs/demo; look around with: $(CORPUSMILL) show runs/demo"

# Unit tests and the examples in docstrings, after lint and types: no Beam pipeline, no other process.
quick: $(DEV) lint
	$(BIN)/python -m pytest -m "not integration and not slow"

test: $(DEV) lint
	$(BIN)/python -m pytest

# The exported tokenizer in transformers 4.57, which needs an environment of its own.
test-transformers-4: $(DEV)
	$(PYTHON) -m venv $(VENV)/transformers-4
	$(VENV)/transformers-4/bin/python -m pip install --quiet transformers==4.57.6
	TRANSFORMERS_4=$(VENV)/transformers-4/bin/python $(BIN)/python -m pytest tests/tokenizer_training/model/test_export_versions.py

lint: $(DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# --no-compile: Python compiles what it imports; the rest, 120 MB, stays out.
$(PIPELINE): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(INSTALL) --editable '.[pipeline]'
	touch $@

$(DEV): $(PIPELINE)
	$(INSTALL) --editable '.[pipeline,hub,gguf,notebooks,torch,dev]'
	touch $@

# The two lower floors in an environment without Beam, as for a trainer or for a step in another program.
pure:
	$(PYTHON) -m venv $(VENV)/pure
	$(VENV)/pure/bin/python -m pip install --quiet --no-compile --constraint constraints.txt --editable '.[filters,hub,gguf,dev]' duckdb sentencepiece
	$(VENV)/pure/bin/python -m pytest -m "not integration" filters tokenizer_training tests/filters tests/tokenizer_training

# The site in build/site; a warning is an error. The variable silences an advertisement of the theme.
docs: $(PIPELINE)
	$(INSTALL) --editable '.[pipeline,docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# Wheel and sdist in dist/, and what is in the wheel in a fresh environment elsewhere: first bare, then with the pipeline.
wheel: $(DEV)
	rm -rf dist
	$(BIN)/python -m build --quiet
	$(BIN)/python -m tests.fresh_install dist/*.whl --python $(PYTHON)

# The full fault matrix (20 CPU minutes), all scenarios, random kills (an hour and more), bit flips. It keeps its results
# in runs/faults and goes on where it was ended.
faults: $(DEV)
	$(BIN)/python -m tests.faults matrix
	$(BIN)/python -m tests.faults scenarios
	$(BIN)/python -m tests.faults kills
	$(BIN)/python -m tests.faults flips --number 200

# Coverage-guided fuzzing of every reader, MINUTES each.
MINUTES ?= 5
fuzz: $(DEV)
	$(INSTALL) --editable '.[pipeline,fuzz]'
	for reader in warc wet wikipedia jsonl parquet; do $(BIN)/python -m tests.fuzz $$reader $(MINUTES) || exit 1; done

# The FineWeb recipe on WARC, against the floor, and against datatrove where PEER is a Python that has it.
bench: $(DEV)
	$(BIN)/python -m tests.bench.pipeline $(WARC) --workers 1 2 $(if $(PEER),--peer $(PEER))

# requirements.lock: every dependency with its hashes. Install with: pip install --require-hashes -r requirements.lock
lock: $(DEV)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --extra pipeline --extra hub --extra gguf --extra notebooks --extra dev --python-version 3.11 \
	    --constraint constraints.txt --output-file requirements.lock pyproject.toml

# Known vulnerabilities of what is locked; asks the vulnerability service of PyPI. An index without that service knows
# of none, so what it cannot audit is a failure.
audit: $(DEV)
	$(BIN)/python -m pip install --quiet pip-audit
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

clean:
	rm -rf $(VENV) runs build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis
