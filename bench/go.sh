#!/usr/bin/env bash
# Runs the Go benchmarks of the parts whose speed matters, COUNT times (6), so that
# benchstat can compare the figures with those in bench/last.txt.
#
#   bench/go.sh [OUT]        OUT: bench/new.txt
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-bench/new.txt}
go test -run '^$' -bench . -benchmem -benchtime "${BENCHTIME:-0.3s}" -count "${COUNT:-6}" \
	./harness/resp ./harness/explore ./harness/history ./harness/stats ./harness/trend ./harness/contrast | tee "$out"
