# Each target is one line into the real tool. `make demo` and `make test` work on a machine with Python 3.11+
# and a Rust toolchain. VENV=/path uses a virtual environment that has the requirements already, and installs
# nothing into it but this package.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CARGO ?= cargo
# What is built here runs here: the core is compiled for this machine's instruction set. A wheel has all builds.
ifndef RUSTFLAGS
export RUSTFLAGS := $(addprefix -C target-cpu=,$(shell PYTHONPATH=python $(PYTHON) -m tacit.instruction_set))
endif
RUSTC ?= rustc

REQUIREMENTS := requirements/all.txt
INSTALLED := $(VENV)/.tacit-requirements
FUZZ_SECONDS ?= 600
EXTENSION := python/tacit/_native.abi3.so
SOURCES := Cargo.toml Cargo.lock $(shell find crates -name '*.rs' -o -name Cargo.toml)

.PHONY: demo demo-digits demo-lending examples test bench bench-large bench-growth bench-peers bench-workers lint fuzz kills
.PHONY: attacks spec-sweep wasm advisories advisories-offline build wheel simd clean

demo: build
	$(BIN)/python -m demos.breast_cancer

demo-digits: build
	$(BIN)/python -m demos.digits

demo-lending: build
	$(BIN)/python -m demos.lending

examples: build
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps -r requirements/bench.txt
	set -e; for name in breast_cancer german_credit lending_club backtest nasdaq; do $(BIN)/python -m examples.$$name; done

# Link-time optimisation of eighteen test binaries would take three times as long as everything else.
test: build lint
	CARGO_PROFILE_RELEASE_LTO=off $(CARGO) test --release --workspace --exclude tacit-python --features tacit-training/parallel
	$(BIN)/python -m pytest

bench: build
	$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps -r requirements/bench.txt
	$(BIN)/python -m benches.accuracy
	$(BIN)/python -m benches.proving --json docs/figures/proving.json
	$(BIN)/python -m benches.plots docs/figures/proving.json

# Large networks and tables: many minutes, up to 12 GB.
bench-large: build
	$(BIN)/python -m benches.proving --large --json docs/figures/large.json
	$(BIN)/python -m benches.plots docs/figures/large.json

# One SGD step by ezkl, from PyPI in an environment of its own, beside a step of ours: needs the network and 10 GB.
bench-peers: build
	$(BIN)/python -m benches.peers

# Width, depth, batch, steps and rows, each doubled four times.
bench-growth: build
	$(BIN)/python -m benches.growth --json docs/figures/growth.json
	$(BIN)/python -m benches.plots docs/figures/growth.json

# One run's chunks on one worker and on two, and, if Ray is there (requirements/ray.txt), on Ray.
bench-workers: build
	$(BIN)/python -m benches.workers --json docs/figures/workers.json

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

# What released weights tell of the data, with and without the release rules: the table of docs/releases.md.
attacks: build
	$(BIN)/python -m attacks

# Proofs of every kind, changed in many places: Rust and the verifier in spec/ both reject. Long.
spec-sweep: build
	PYTHONPATH=.:tests $(BIN)/python tests/test_spec_verifier.py
	PYTHONPATH=.:tests $(BIN)/python tests/test_spec_reports.py

# The verifier alone, for WebAssembly: with the target's own core (`rustup target add wasm32-unknown-unknown`), or with
# one built from source.
WASM := RUSTFLAGS= $(CARGO) build --locked --release --target wasm32-unknown-unknown -p tacit-training --no-default-features
wasm:
	if test -d "$$($(RUSTC) --print target-libdir --target wasm32-unknown-unknown)"; then $(WASM); \
	else export RUSTC_BOOTSTRAP=1; $(WASM) -Z build-std=core,alloc; fi

# Known vulnerabilities in dependencies. Needs the network, cargo-deny and pip-audit, none of which `make test` uses.
advisories:
	$(CARGO) deny check
	pip-audit --no-deps --disable-pip -r requirements/base.txt

# The same from clones of the two databases, without the network: `make advisories-offline RUSTSEC=/path PYPA=/path`.
advisories-offline: $(INSTALLED)
	$(BIN)/python -m tools.advisories $(RUSTSEC) $(PYPA)

build: $(EXTENSION)

# One wheel for every x86-64: the baseline, and the builds that python/tacit/instruction_set.py chooses from.
wheel: $(INSTALLED)
	$(BIN)/python -m tools.wheel

# Builds for the baseline, AVX2 and AVX-512 (those that run here) make the same bytes.
simd: $(INSTALLED)
	$(BIN)/python -m tools.identical

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
	rm -rf .venv dist demo-output example-output $(EXTENSION)
