#!/usr/bin/env bash
# Builds Mercer for CUDA in a target folder of its own and measures a random-weight model of an 8B shape on the GPU:
# tokens a second, time to first token, memory. `tests/gpu.sh --check` only says what is missing.
#
#   MODEL=qwen2.5-1.5b tests/gpu.sh      another shape (`mercer-lab models random --help` lists them)
#   WORKLOADS=W2,W3 tests/gpu.sh         other workloads (docs/benchmarks.md)
#   SLOTS=16 tests/gpu.sh                conversations computed at once
#
# Settings of mercer.toml and MERCER_ variables apply, for instance MERCER_HARDWARE__KV_KEYS=q8_0.
set -euo pipefail
cd "$(dirname "$0")/.."

model=${MODEL:-llama3-8b}
workloads=${WORKLOADS:-W1,W2,W4}
slots=${SLOTS:-8}
target=${GPU_TARGET_DIR:-target/gpu}

# What must be there, all of it told at once.
missing=()
gpus=$(nvidia-smi --query-gpu=index,name,memory.total,memory.free,driver_version --format=csv,noheader 2>/dev/null || true)
[ -n "$gpus" ] || missing+=("an NVIDIA GPU with its driver: nvidia-smi finds none")
nvcc=$(command -v nvcc || ls "${CUDA_PATH:-/usr/local/cuda}/bin/nvcc" 2>/dev/null || true)
[ -n "$nvcc" ] || missing+=("the CUDA toolkit: no nvcc in PATH, CUDA_PATH or /usr/local/cuda (Debian: nvidia-cuda-toolkit)")
for program in cargo cmake clang protoc; do
  command -v "$program" >/dev/null || missing+=("$program (make setup installs it; Rust comes from https://rustup.rs)")
done
if [ ${#missing[@]} -gt 0 ]; then
  echo "gpu-check: cannot run on this machine. Missing:" >&2
  printf '  - %s\n' "${missing[@]}" >&2
  exit 1
fi
echo "gpu-check: $gpus"
"$nvcc" --version | tail -n 1
[ "${1:-}" != --check ] || exit 0

export PATH="$(dirname "$nvcc"):$PATH"
# Kernels for the GPUs of this machine alone: those for every GPU that ggml knows take much longer to build.
export CMAKE_CUDA_ARCHITECTURES=${CMAKE_CUDA_ARCHITECTURES:-native}
CARGO_TARGET_DIR=$target cargo build --release -p mercer -p mercer-lab --bin mercer --bin mercer-lab --features mercer/cuda,mercer-lab/cuda
mercer=$target/release/mercer lab=$target/release/mercer-lab
file=$target/$model.q8_0.gguf
[ -f "$file" ] || "$lab" models random --like "$model" --type q8_0 --out "$file"

export MERCER_HARDWARE__GPU_LAYERS=${MERCER_HARDWARE__GPU_LAYERS:-999}
export MERCER_MODELS__BATCH_TOKENS=${MERCER_MODELS__BATCH_TOKENS:-2048}
export MERCER_MODELS__SLOTS=$slots
# Devices, and whether the model fits; other findings of this machine are not this script's.
MERCER_MODELS__CHAT=$file "$mercer" doctor | grep -E '(machine|kernels|device|memory) ' || true

used() { nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits | awk '{ sum += $1 } END { print sum }'; }
before=$(used)
peaks=$(mktemp)
(while :; do used; sleep 0.5; done) >"$peaks" &
sampler=$!
trap 'kill "$sampler" 2>/dev/null || true; rm -f "$peaks"' EXIT
"$lab" bench inference --model "$file" --slots "$slots" --workload "$workloads"
kill "$sampler" 2>/dev/null || true
echo "GPU memory: $before MiB before, $(sort -n "$peaks" | tail -n 1) MiB at the most (all GPUs, all programs)"

# The same file in llama.cpp's own benchmark, where one is at hand: prompts of 512 tokens, 128 tokens of output.
if bench=$(command -v llama-batched-bench); then
  "$bench" -m "$file" -ngl "$MERCER_HARDWARE__GPU_LAYERS" -b 2048 -ub 2048 -c $((slots * 1024)) -npp 512 -ntg 128 -npl "1,$slots"
else
  echo "gpu-check: no llama-batched-bench in PATH to compare with (llama.cpp's tools/batched-bench)"
fi
