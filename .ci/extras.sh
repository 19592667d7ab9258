#!/usr/bin/env bash
# Writes what a release's archive holds beside the program: completion scripts and
# man pages, by the program itself.
#
#   .ci/extras.sh DIR
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p "$1/completion" "$1/man"
dir=$(readlink -f "$1")
go build -o "$dir/flakehunt" ./cmd/flakehunt
for shell in bash zsh fish powershell; do
	"$dir/flakehunt" completion "$shell" >"$dir/completion/flakehunt.$shell"
done
"$dir/flakehunt" man -q "$dir/man"
rm "$dir/flakehunt"
