#!/usr/bin/env bash
# Installs what the suites in JavaScript need, as their lock files say.
set -euo pipefail
cd "$(dirname "$0")/.."

git ls-files -z '*package-lock.json' | while IFS= read -r -d '' lock; do
	(cd "$(dirname "$lock")" && npm ci --no-audit --no-fund --ignore-scripts >/dev/null)
	echo "$(dirname "$lock"): installed after $SECONDS s"
done
