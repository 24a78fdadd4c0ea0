# Each target is one line into the real tool. `make demo` and `make test` work on a machine with Python 3.11+
# and a Rust toolchain. VENV=/path uses a virtual environment that has the requirements already, and installs
# nothing into it but this package.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CARGO ?= cargo

REQUIREMENTS := requirements/all.txt
INSTALLED := $(VENV)/.tacit-requirements
FUZZ_SECONDS ?= 600
EXTENSION := python/tacit/_native.abi3.so
SOURCES := Cargo.toml Cargo.lock $(shell find crates -name '*.rs' -o -name Cargo.toml)

.PHONY: demo demo-digits demo-lending test bench lint fuzz kills spec-sweep build wheel clean

demo: build
	$(BIN)/python -m demos.breast_cancer

demo-digits: build
	$(BIN)/python -m demos.digits

demo-lending: build
	$(BIN)/python -m demos.lending

test: build lint
	$(CARGO) test --release --workspace --exclude tacit-python --features tacit-training/parallel
	$(BIN)/python -m pytest

bench: build
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps -r requirements/bench.txt
	set -e; for script in benches/*.py; do $(BIN)/python $$script; done

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/python -m mypy
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --features tacit-training/parallel -- -D warnings

# Half of the time changed proofs in the Rust verifier on all cores, half of it changed files of every kind in Python.
fuzz: build
	$(CARGO) run --release -p tacit-fuzz -- $$(( $(FUZZ_SECONDS) / 2 ))
	$(BIN)/python -m fuzz $$(( $(FUZZ_SECONDS) / 2 ))

kills: build
	$(BIN)/python -m fuzz.kills

# Proofs of every kind, changed in many places: Rust and the verifier in spec/ both reject. Long.
spec-sweep: build
	PYTHONPATH=.:tests $(BIN)/python tests/test_spec_verifier.py

build: $(EXTENSION)

wheel: $(INSTALLED)
	$(BIN)/maturin build --release --out dist

$(EXTENSION): $(INSTALLED) $(SOURCES)
	VIRTUAL_ENV=$(abspath $(VENV)) PIP_QUIET=1 $(BIN)/maturin develop --release --quiet
	touch $@

ifeq ($(VENV),.venv)
$(INSTALLED): $(REQUIREMENTS)
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed" if sys.version_info < (3, 11) else 0)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check --quiet -r $(REQUIREMENTS)
	touch $@
else
$(INSTALLED):
	test -x $(BIN)/python
	touch $@
endif

clean:
	rm -rf .venv dist demo-output $(EXTENSION)
