#!/usr/bin/env bash
# Installs the Debian packages that building and testing Mercer need, if any is missing.
set -euo pipefail

# Building: a C++ compiler, cmake and clang for llama.cpp, protoc and its well-known types for
# LanceDB, mold for linking.
packages=(build-essential cmake clang libclang-dev protobuf-compiler libprotobuf-dev mold pkg-config)
# Testing: a real PostgreSQL, NATS server, browser and mail server.
packages+=(postgresql nats-server chromium chromium-driver python3-aiosmtpd)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  if ! command -v apt-get >/dev/null; then
    echo "setup: please install what these Debian packages hold: ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  as_root=()
  [ "$(id -u)" -eq 0 ] || as_root=(sudo)
  "${as_root[@]}" apt-get update -q
  DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get install -y -q --no-install-recommends "${missing[@]}"
fi

if ! command -v cargo >/dev/null; then
  echo "setup: Rust is missing; install it from https://rustup.rs and run this again" >&2
  exit 1
fi
