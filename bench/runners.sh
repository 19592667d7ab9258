#!/usr/bin/env bash
# How fast are trials of an external suite, against a plain shell loop over the
# same compiled test binary? The suite is fixtures/external/go-orders, which
# mostly waits. The loop's rate is a slope (more trials less few). A hunt's is
# that of its numbered trials, from when the first began to when the last did, by
# its journal: compiling, and proving what failed, do not count.
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
slope() { # the loop's trials a second
  local a b
  a=$(seconds loop "$few"); b=$(seconds loop "$more")
  awk -v n=$((more - few)) -v t=$((b - a)) 'BEGIN { print n / (t / 1e9) }'
}
rate() { # NAME FUNCTION WORKERS: a hunt's
  local n=$((more * $3))
  rm -rf "$tmp/out"
  seconds "$2" "$n" "$3" >/dev/null
  sed -n 's/^{"trial":[0-9]*,"suite":"[^"]*","arm":"survey",[^{[]*"start":"\([^"]*\)".*/\1/p' "$tmp/out/trials.jsonl" |
    while read -r start; do date -d "$start" +%s%N; done | sort -n |
    awk -v name="$1" -v workers="$3" -v base="$base" -v asked="$n" '
      NR == 1 { first = $1 } { last = $1 }
      END {
        if (NR != asked) { printf "%s: %d of %d trials are in the journal\n", name, NR, asked; exit 1 }
        r = (NR - workers) / ((last - first) / 1e9)
        printf "%-28s %6.2f trials/s  %5.2f × the loop\n", name, r, r / base
      }'
}
base=$(slope)
printf '%-28s %6.2f trials/s\n' "shell loop" "$base"
rate "go test, 1 worker" hunt 1
rate "command, 1 worker" command_ 1
rate "go test, 8 workers" hunt 8
rate "command, 8 workers" command_ 8
