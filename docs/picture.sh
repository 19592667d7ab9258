#!/usr/bin/env bash
# Makes docs/finding.png: hunts in one shipped scenario with one fault switched on,
# and takes a picture of the finding. It needs a redis-server and Chromium.
set -euo pipefail
cd "$(dirname "$0")/.."
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
go build -o "$dir/flakehunt" ./cmd/flakehunt
code=0
"$dir/flakehunt" run smoke -q --redis server --defect listener-not-ready --waits fixed --run 'smoke/listener/' \
	--trials 8 --parallel 1 --seed 1 --out "$dir/out" >"$dir/log" 2>&1 || code=$?
[ "$code" -eq 1 ] || { cat "$dir/log" >&2; echo "exit code $code, want 1: the fault is found" >&2; exit 1; }
go run ./docs/picture "$dir/out/report.html" docs/finding.png
echo "docs/finding.png: $(stat -c %s docs/finding.png) bytes"
