# Mercer in a container: built with Rust on Debian bookworm, run on Debian bookworm slim.
# The CPU level (x86-64-v3) comes from .cargo/config.toml; see docs/decisions/0001-cpu-flags.md.
#
# For GPUs: FEATURES=cuda, and images that have CUDA (docker-compose.yml, service worker-gpu).
ARG BUILD_IMAGE=rust:1.95-bookworm
ARG RUN_IMAGE=debian:bookworm-slim

FROM ${BUILD_IMAGE} AS build
ARG FEATURES=
# The packages that setup.sh installs for building, less mold; those for testing are not needed here.
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    build-essential ca-certificates cmake clang curl libclang-dev protobuf-compiler libprotobuf-dev pkg-config \
 && rm -rf /var/lib/apt/lists/*
# As in the image of Rust; others get the same toolchain. CUDA's stubs stand for the driver, which comes with the host.
ENV CARGO_HOME=/usr/local/cargo RUSTUP_HOME=/usr/local/rustup \
    PATH=/usr/local/cargo/bin:$PATH LIBRARY_PATH=/usr/local/cuda/lib64/stubs
RUN command -v cargo >/dev/null \
 || curl -fsS https://sh.rustup.rs | sh -s -- -y --no-modify-path --profile minimal --default-toolchain 1.95
WORKDIR /src
COPY . .
# The caches make the next build quick; the binary is copied out because they are not in the image.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    export CARGO_TARGET_DIR=/src/target/${FEATURES:-cpu} \
 && cargo build --locked --release -p mercer --bin mercer --features "$FEATURES" \
 && cp "$CARGO_TARGET_DIR/release/mercer" /usr/local/bin/mercer

FROM ${RUN_IMAGE}
RUN apt-get update \
 && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
    ca-certificates curl libstdc++6 \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin mercer \
 && install -d -o mercer -g mercer /var/lib/mercer
WORKDIR /srv/mercer
COPY --from=build /usr/local/bin/mercer /usr/local/bin/mercer
# The default settings name the models relative to the working folder.
COPY fixtures/models fixtures/models
COPY LICENSE .
USER mercer
ENV MERCER_DATA=/var/lib/mercer \
    MERCER_HTTP__LISTEN=0.0.0.0:8080 \
    MERCER_LOG__FORMAT=json
VOLUME /var/lib/mercer
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=60s --retries=3 \
    CMD ["curl", "-fsS", "-o", "/dev/null", "http://127.0.0.1:8080/health/ready"]
# SIGTERM ends Mercer in order: running commits finish and the leases are given back.
ENTRYPOINT ["mercer"]
CMD ["serve"]
