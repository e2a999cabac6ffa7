# Two commands do all on a fresh Debian machine with Rust: `make run` and `make test`.

# mold links several times faster where it is installed. The CPU level is chosen on purpose:
# see docs/decisions/0001-cpu-flags.md.
ifeq ($(shell uname -m),x86_64)
FLAGS := -C target-cpu=x86-64-v3
ifneq ($(shell command -v mold 2>/dev/null),)
FLAGS += -C link-arg=-fuse-ld=mold
endif
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS := $(FLAGS)
endif

# nextest gives every test a process of its own; plain cargo test does where it is missing.
TESTS := $(shell cargo nextest --version >/dev/null 2>&1 && echo "nextest run --no-fail-fast" || echo "test --no-fail-fast")

.PHONY: run test setup build fmt lint bench

## Set up, build, load the demo shop, play a conversation, then serve. ONCE=1 ends after it.
run: build
	$(MERCER) demo $(if $(ONCE),--once)

MERCER = $(or $(CARGO_TARGET_DIR),target)/debug/mercer

build: setup
	cargo build --workspace --bins

## Everything that must hold: unit, contract, end-to-end and browser tests, with real servers.
## All targets are built first: the end-to-end tests drive the binary, and one build for all
## compiles every dependency once.
test: setup
	cargo build --workspace --all-targets
	cargo $(TESTS) --workspace --all-targets

## Install what is missing (Debian packages), once.
setup:
	@./setup.sh

fmt:
	cargo fmt --all

lint:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings

## Measure this machine; see docs/benchmarks.md.
bench: build
	$(MERCER) bench actors
	$(MERCER) bench ingress
