#!/usr/bin/env bash
# Compiles and vets everything, tests included, for the systems of a release that
# this machine is not.
#
#   .ci/cross.sh [GOOS/GOARCH…]
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- darwin/arm64 windows/amd64 linux/arm64
for pair in "$@"; do
	echo "== $pair"
	CGO_ENABLED=0 GOOS=${pair%/*} GOARCH=${pair#*/} go build ./...
	CGO_ENABLED=0 GOOS=${pair%/*} GOARCH=${pair#*/} go vet ./...
done
