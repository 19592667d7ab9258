#!/usr/bin/env bash
# Prints what CHANGELOG.md says of a version; without a section for it, fails.
#
#   .ci/notes.sh v0.2.0
set -euo pipefail
cd "$(dirname "$0")/.."
notes=$(awk -v want="${1#v}" '/^## /{on = $2 == want; next} on' CHANGELOG.md)
[ -n "${notes//[[:space:]]/}" ] || {
	echo "CHANGELOG.md has no section '## ${1#v}'" >&2
	exit 1
}
printf '%s\n' "$notes"
