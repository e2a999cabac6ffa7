#!/usr/bin/env bash
# Trains on a machine with a large NVIDIA GPU that has Python with PyTorch, no network, and takes small loads only.
#
#   accelerator.sh pack FOLDER BASE.gguf train.jsonl heldout.jsonl [START.pt]    here: FOLDER/1, FOLDER/2, … to carry there
#   OUT=results accelerator.sh train FOLDER [--minutes 8] [--cpu] [options of base.train]    there
#   OUT=results accelerator.sh results FOLDER FIRST LAST    there: more parts of the weights, where not all fitted
#   accelerator.sh join results/weights.pt weights.pt       here: checks the SHA-256
#
# weights.pt is for `base.export --run weights.pt` and `base.train --start weights.pt`. The run stays in FOLDER/run: the
# same command with more --minutes goes on, exactly where it was. --cpu is for trying the script without a GPU.
# PART_MB=39 and RESULT_PART_MB=15 are the sizes of parts; RESULTS_MB=60 is how much is taken back at once.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}

fail() {
  echo "accelerator: $*" >&2
  exit 1
}

# Cuts a file into FOLDER/NAME.part-001 and on, with its SHA-256 beside them.
split_file() { # FILE FOLDER NAME MB
  mkdir -p "$2"
  rm -f "$2/$3".part-* "$2/$3.sha256"
  split --bytes "$4MB" --numeric-suffixes=1 --suffix-length 3 "$1" "$2/$3.part-"
  sha256sum <"$1" | cut -d ' ' -f 1 >"$2/$3.sha256"
}

# Puts parts together again, in the order of their names, wherever in these folders they lie.
join_parts() { # NAME FILE FOLDER...
  local name=$1 file=$2
  shift 2
  local parts sum
  parts=$(find "$@" -name "$name.part-*" -printf '%f\t%p\n' | sort | cut -f 2)
  sum=$(find "$@" -name "$name.sha256" | head -n 1)
  [ -n "$parts" ] && [ -n "$sum" ] || fail "no parts of $name with their SHA-256 in $*"
  tr '\n' '\0' <<<"$parts" | xargs -0 cat >"$file.joining"
  [ "$(sha256sum <"$file.joining" | cut -d ' ' -f 1)" = "$(cat "$sum")" ] ||
    fail "the parts of $name do not add up: one is missing or broken ($(wc -l <<<"$parts") were found)"
  mv "$file.joining" "$file"
}

# One archive of all that is needed there, with the two small packages that PyTorch does not bring.
pack() { # FOLDER BASE CORPUS HELDOUT [START]
  [ $# -ge 4 ] || fail "pack needs a folder, the base, a corpus and held-out conversations"
  local folder=$1
  work=$(mktemp -d) # not local: the trap runs after the function
  trap 'rm -rf "$work"' EXIT
  mkdir "$work/pack"
  cp "$2" "$work/pack/base.gguf"
  cp "$3" "$work/pack/train.jsonl"
  cp "$4" "$work/pack/heldout.jsonl"
  [ -z "${5:-}" ] || cp "$5" "$work/pack/start.pt"
  for package in gguf tokenizers; do
    mkdir -p "$work/pack/packages/$package"
    cp -r "$("$python" -c "import $package; print($package.__path__[0])")" "$work/pack/packages/$package/"
  done
  tar --exclude __pycache__ -C "$work" -czf "$work/pack.tgz" pack
  rm -rf "$folder"
  split_file "$work/pack.tgz" "$work/parts" pack.tgz "${PART_MB:-39}"
  local at=0
  for part in "$work"/parts/pack.tgz.part-*; do
    at=$((at + 1))
    mkdir -p "$folder/$at"
    mv "$part" "$folder/$at/"
  done
  mv "$work/parts/pack.tgz.sha256" "$folder/1/"
  du -sh "$folder"/*
}

# Unpacks once, and again when other parts have come.
unpack() { # FOLDER
  local sum
  sum=$(cat "$1"/*/pack.tgz.sha256 2>/dev/null) || fail "no pack in $1; make one with: accelerator.sh pack $1 …"
  [ "$(cat "$1/pack/unpacked" 2>/dev/null)" != "$sum" ] || return 0
  join_parts pack.tgz "$1/pack.tgz" "$1"/[0-9]*
  rm -rf "$1/pack"
  tar -C "$1" -xzf "$1/pack.tgz"
  rm "$1/pack.tgz"
  echo "$sum" >"$1/pack/unpacked"
}

# Says all that is missing; takes the packages that were carried along where the machine has none.
check_machine() { # FOLDER DEVICE
  "$python" -c 'import torch' 2>/dev/null || fail "$python has no PyTorch; name another interpreter with PYTHON=…"
  for package in gguf tokenizers; do
    "$python" -c "import $package" 2>/dev/null || export PYTHONPATH="$1/pack/packages/$package:${PYTHONPATH:-}"
    "$python" -c "import $package" || fail "the package $package that was carried along does not load with $("$python" --version)"
  done
  "$python" -c 'import jinja2, numpy, torch; print("accelerator: torch", torch.__version__, torch.cuda.get_device_name() if torch.cuda.is_available() else "without a GPU")'
  [ "$2" = cpu ] || "$python" -c 'import sys, torch; sys.exit(not torch.cuda.is_available())' ||
    fail "PyTorch sees no NVIDIA GPU here; --cpu tries the script without one"
}

train() { # FOLDER [OPTIONS]
  local folder minutes=8 device=cuda options=()
  folder=$(cd "$1" && pwd) || fail "there is no folder $1"
  shift
  while [ $# -gt 0 ]; do
    case $1 in
      --minutes) minutes=$2 && shift 2 ;;
      --cpu) device=cpu && shift ;;
      *) options+=("$1") && shift ;;
    esac
  done
  out=$(mkdir -p "${OUT:?OUT names the folder for results}" && cd "$OUT" && pwd)
  unpack "$folder"
  check_machine "$folder" "$device"
  [ ! -f "$folder/pack/start.pt" ] || options+=(--start "$folder/pack/start.pt")
  cd "$here"
  set +e
  "$python" -u -m base.train --base "$folder/pack/base.gguf" --corpus "$folder/pack/train.jsonl" --heldout "$folder/pack/heldout.jsonl" \
    --out "$folder/run" --device "$device" --minutes "$minutes" --score-minutes 2 --save-minutes 1 "${options[@]}" 2>&1 | tee "$out/train.log"
  local status=${PIPESTATUS[0]}
  set -e
  [ -f "$folder/run/checkpoint.pt" ] || fail "training ended with status $status before its first checkpoint"
  cp "$folder/run/progress.jsonl" "$out/"
  "$python" -m base.export --base "$folder/pack/base.gguf" --run "$folder/run" --weights --out "$folder/run/weights.pt"
  split_file "$folder/run/weights.pt" "$folder/run/parts" weights.pt "${RESULT_PART_MB:-15}"
  results "$folder" 1 $((${RESULTS_MB:-60} / ${RESULT_PART_MB:-15}))
  return "$status"
}

results() { # FOLDER FIRST LAST
  local parts
  parts=$(find "$1/run/parts" -name 'weights.pt.part-*' | wc -l)
  mkdir -p "${OUT:?OUT names the folder for results}"
  cp "$1/run/parts/weights.pt.sha256" "$OUT/"
  for at in $(seq "$2" "$(($3 < parts ? $3 : parts))"); do
    cp "$1/run/parts/weights.pt.part-$(printf %03d "$at")" "$OUT/"
  done
  [ "$3" -ge "$parts" ] || echo "accelerator: parts $(($3 + 1)) to $parts are left: accelerator.sh results $1 $(($3 + 1)) $parts"
}

command=${1:-}
[ $# -eq 0 ] || shift
case $command in
  pack) pack "$@" ;;
  train) [ $# -ge 1 ] || fail "train needs the folder of the pack"; train "$@" ;;
  results) [ $# -eq 3 ] || fail "results needs a folder, the first and the last part"; results "$@" ;;
  split) [ $# -eq 2 ] || fail "split needs a file and a folder"; split_file "$1" "$2" "$(basename "$1")" "${PART_MB:-39}" ;;
  join) [ $# -eq 2 ] || fail "join needs FOLDER/NAME of the parts and a file"; join_parts "$(basename "$1")" "$2" "$(dirname "$1")" ;;
  *) sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" && exit 2 ;;
esac
