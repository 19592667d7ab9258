#!/usr/bin/env bash
# Hunts in the two foreign suites under fixtures/external, as their READMEs say,
# and fails unless the planted flakes are found, named, and seen again.
#
#   .ci/examples.sh FLAKEHUNT OUT
set -euo pipefail
root=$(readlink -f "$(dirname "$0")/..")
flakehunt=$(readlink -f "$1")
mkdir -p "$2"
out=$(readlink -f "$2")

# hunt NAME CLASSES ARGUMENT…: runs flakehunt in fixtures/external/NAME.
hunt() {
	local name=$1 classes=$2 code=0
	shift 2
	cd "$root/fixtures/external/$name"
	"$flakehunt" run --redis server --trials 3 --seed 1 --out "$out/$name" "$@" >"$out/$name.log" 2>&1 || code=$?
	[ "$code" -eq 1 ] || {
		cat "$out/$name.log" >&2
		echo "$name: exit code $code, want 1: a flake was planted" >&2
		exit 1
	}
	for class in $classes; do
		finding=$(grep -l "\"class\": \"$class\"" "$out/$name"/findings/*.json | head -1) || {
			cat "$out/$name.log" >&2
			echo "$name: no finding of class $class" >&2
			exit 1
		}
		code=0
		"$flakehunt" repro "$finding" -n 10 --redis server --parallel 2 >"$out/repro.log" 2>&1 || code=$?
		[ "$code" -eq 1 ] || {
			cat "$out/repro.log" >&2
			echo "$name: $class was not reproduced" >&2
			exit 1
		}
		echo "$name: $class: $(grep -o 'reproduced [0-9]*/[0-9]*' "$out/repro.log")"
	done
	cd - >/dev/null
}

hunt go-orders "race/subscribe-publish ttl/expired-late" -- go test ./...
if command -v npx >/dev/null; then
	hunt ts-messaging "race/subscribe-publish ttl/expired-late" --run 'delivers a message|forgets after' -- npx vitest run
fi
