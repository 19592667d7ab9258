#!/usr/bin/env bash
# How fast are trials of an external suite, against a plain shell loop over the
# same compiled test binary? The suite is fixtures/external/go-orders, which
# mostly waits. Each rate is a slope (more trials less few), so that compiling
# and starting do not count.
#
#   bench/runners.sh [FEW] [MORE]        default 3 and 15 trials
#
# Wanted: one worker at least 0.9 of the loop, eight workers at least 5 times.
set -euo pipefail
few=${1:-3} more=${2:-15}
root=$(cd "$(dirname "$0")/.." && pwd)
tmp=$(mktemp -d)
port=$((20000 + RANDOM % 20000))
redis-server --port "$port" --save '' --dir "$tmp" >/dev/null &
redis=$!
trap 'kill $redis 2>/dev/null; rm -rf "$tmp"' EXIT
(cd "$root" && go build -o "$tmp/flakehunt" ./cmd/flakehunt)
cd "$root/fixtures/external/go-orders"
go test -c -o "$tmp/orders.test" .

now() { date +%s%N; }
seconds() { # COMMAND…: how long it takes
  local t0; t0=$(now)
  "$@" >"$tmp/log" 2>&1 || true
  echo $(($(now) - t0))
}
loop() { for _ in $(seq "$1"); do REDIS_URL=redis://127.0.0.1:$port "$tmp/orders.test" -test.v; done; }
hunt() { "$tmp/flakehunt" run --strategy none --redis server --parallel "$2" --trials "$1" --out "$tmp/out" -- go test ./...; }
command_() { "$tmp/flakehunt" run --strategy none --redis server --parallel "$2" --trials "$1" --out "$tmp/out" -- "$tmp/orders.test" -test.v; }
rate() { # NAME FUNCTION TRIALS-FACTOR ARGS…: trials a second
  local name=$1 f=$2 k=$3; shift 3
  local a b
  a=$(seconds "$f" $((few * k)) "$@"); b=$(seconds "$f" $((more * k)) "$@")
  awk -v n=$(((more - few) * k)) -v t=$((b - a)) -v name="$name" -v base="${base:-0}" \
    'BEGIN { r = n / (t / 1e9); printf "%-28s %6.2f trials/s", name, r; if (base > 0) printf "  %5.2f × the loop", r / base; print "" ; print r > "'"$tmp"'/rate" }'
}
rate "shell loop" loop 1
base=$(cat "$tmp/rate")
rate "go test, 1 worker" hunt 1 1
rate "command, 1 worker" command_ 1 1
rate "go test, 8 workers" hunt 8 8
rate "command, 8 workers" command_ 8 8
