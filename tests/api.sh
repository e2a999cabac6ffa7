#!/usr/bin/env bash
# Checks the running server's API against its own description with Schemathesis (Python, installed
# into a folder of its own): every answer fits the description, none is a 5xx, no input breaks it.
# Usage: tests/api.sh MERCER [schemathesis options]
set -euo pipefail
cd "$(dirname "$0")/.."
mercer=$(realpath "$1")
shift
tools="${XDG_CACHE_HOME:-$HOME/.cache}/mercer/schemathesis"
if [ ! -x "$tools/bin/schemathesis" ]; then
  python3 -m venv "$tools"
  "$tools/bin/pip" install -q "schemathesis>=4,<5"
fi

work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; wait 2>/dev/null || true; rm -rf "$work"' EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export MERCER_DATA="$work/data" MERCER_HTTP__LISTEN="127.0.0.1:$port" MERCER_LOG__FILTER=warn
export MERCER_WEBCHAT__SHOPS='["hollinbeck"]'
"$mercer" import fixtures/shop
key=$("$mercer" admin key create schemathesis --role owner)
"$mercer" serve &
server=$!
ready() { curl -sf "http://127.0.0.1:$port/health/ready" >/dev/null; }
for _ in $(seq 150); do
  ready && break
  kill -0 "$server" || exit 1
  sleep 0.2
done
ready || { echo "mercer serve is not ready after 30 s" >&2; exit 1; }
"$tools/bin/schemathesis" --config-file tests/schemathesis.toml run "http://127.0.0.1:$port/openapi.json" \
  --header "Authorization: Bearer $key" --checks all "$@"
