#!/usr/bin/env bash
# Builds the release's binary twice from this commit, in two directories, each with a
# cache of its own, and fails unless both are the same bytes.
#
#   .ci/reproducible.sh [VERSION]
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-0.0.0}
commit=$(git rev-parse HEAD)
date=$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
build() { # NAME
	git archive --prefix="$1/" HEAD | tar -x -C "$dir"
	(cd "$dir/$1" && GOCACHE=$dir/cache-$1 CGO_ENABLED=0 GOFLAGS= go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.version=$version -X main.commit=$commit -X main.date=$date" -o flakehunt ./cmd/flakehunt)
	sha256sum "$dir/$1/flakehunt" | cut -d' ' -f1
}
one=$(build one)
two=$(build a/longer/way)
printf '%s\n%s\n' "$one" "$two"
[ "$one" = "$two" ] || { echo "two builds of one commit differ" >&2; exit 1; }
