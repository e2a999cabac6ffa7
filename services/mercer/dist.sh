#!/usr/bin/env bash
# Builds an archive of Mercer that runs on other machines of this architecture: the program, llama.cpp's libraries with
# kernels for every processor level, of which each machine takes its best at start, the models and the demo shop.
#
#   services/mercer/dist.sh                       target/dist/mercer-VERSION-ARCH.tar.gz
#   FEATURES=vulkan services/mercer/dist.sh       with a GPU backend as a library (vulkan, cuda)
#   PROFILE=dev services/mercer/dist.sh           slower, and sooner built
#
# The libraries of C and C++ are this machine's: build on the oldest system that it is to run on.
set -euo pipefail
cd "$(dirname "$0")/../.."

features=${FEATURES:-}
features=${features// /,}
profile=${PROFILE:-release}
target=${DIST_TARGET_DIR:-target/dist}
for feature in ${features//,/ }; do
  case $feature in
    cuda | vulkan) ;;
    *)
      echo "dist: FEATURES may name cuda and vulkan, not $feature" >&2
      exit 1
      ;;
  esac
done

mkdir -p "$target"
# The build of llama.cpp leaves links that point nowhere, and fails where it finds them the next time.
find "$target" -xtype l -name 'lib*.so' -delete
cargo=(cargo)
if command -v mold >/dev/null; then cargo=(mold -run cargo); fi
# The program alone: an archive holds nothing of what services/lab measures with.
with=mercer/dynamic-backends
for feature in ${features//,/ }; do with+=,mercer/$feature; done
CARGO_TARGET_DIR=$target "${cargo[@]}" build --locked --profile "$profile" -p mercer --bin mercer --features "$with" \
  --message-format json-render-diagnostics >"$target/dist.json"
# Where it has put llama.cpp's libraries, and the program.
llama=$(sed -n 's/.*"reason":"build-script-executed".*llama-cpp-sys-2.*"out_dir":"\([^"]*\)".*/\1/p' "$target/dist.json")
program=$(sed -n 's/.*"executable":"\([^"]*\/mercer\)".*/\1/p' "$target/dist.json")
version=$(cargo metadata --no-deps --format-version 1 | sed -n 's/.*"name":"mercer","version":"\([^"]*\)".*/\1/p')

name=mercer-$version-$(uname -m)${features:+-${features//,/-}}
[ "$profile" = release ] || name+=-$profile
folder=$target/$name
rm -rf "$folder"
mkdir -p "$folder/lib" "$folder/backends" "$folder/fixtures"
cp "$program" LICENSE "$folder/"
cp services/mercer/dist.md "$folder/README.md"
# CMake calls the folder lib64 on some systems.
for lib in "$llama"/lib "$llama"/lib64; do
  [ ! -d "$lib" ] || cp -L "$lib"/lib{ggml,ggml-base,llama}.so.0 "$folder/lib/"
done
cp "$llama"/backends/*.so "$folder/backends/"
cp -r docs "$folder/"
cp -r fixtures/{models,shop,dialogues} "$folder/fixtures/"
# Nothing of the build's environment: what is shipped must start from its folder alone.
(cd "$folder" && env -i HOME=/nonexistent ./mercer --version)
tar -C "$target" -czf "$target/$name.tar.gz" "$name"
echo "dist: $target/$name.tar.gz ($(du -h "$target/$name.tar.gz" | cut -f1)); unpack it anywhere, and run ./mercer demo in its folder"
