# Two commands do all on a fresh Debian machine with Rust: `make run` and `make test`.

# Compiler flags stand in .cargo/config.toml alone, so plain cargo shares what make has built.
# mold links several times faster where it is installed. It runs in front of the linker rather
# than through a flag, because another flag would mean another build of everything.
CARGO = $$(command -v mold >/dev/null && echo mold -run) cargo

# nextest gives every test a process of its own; plain cargo test does where it is missing.
TESTS := $(shell cargo nextest --version >/dev/null 2>&1 && echo "nextest run --no-fail-fast" || echo "test --no-fail-fast")

.PHONY: run test setup build dist fmt lint check-api gpu-check bench

## Set up, build, load the demo shop, play a conversation, then serve. ONCE=1 ends after it.
run: build
	$(MERCER) demo $(if $(ONCE),--once)

MERCER = $(or $(CARGO_TARGET_DIR),target)/debug/mercer

build: setup
	$(CARGO) build --workspace --bins

## An archive for other machines of this architecture, with kernels for every processor level, chosen
## at start. FEATURES=vulkan or cuda adds a GPU backend.
dist: setup
	FEATURES='$(FEATURES)' services/mercer/dist.sh

## Everything that must hold: unit, contract, end-to-end and browser tests, with real servers.
## All targets are built first: the end-to-end tests drive the binary, and one build for all
## compiles every dependency once.
test: setup
	$(CARGO) build --workspace --all-targets
	cargo $(TESTS) --workspace --all-targets

## Install what is missing (Debian packages), once.
setup:
	@./setup.sh

fmt:
	cargo fmt --all

lint:
	cargo fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings

## Try to break the running server's API with Schemathesis (needs Python).
check-api: build
	tests/api.sh $(MERCER)

## Build for CUDA and measure a model of an 8B shape on this machine's GPU; says what is missing.
gpu-check:
	tests/gpu.sh

## Measure this machine; see docs/benchmarks.md.
bench: build
	$(MERCER)-lab bench actors
	$(MERCER)-lab bench ingress
