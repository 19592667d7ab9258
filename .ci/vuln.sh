#!/usr/bin/env bash
# Looks for known weaknesses in what flakehunt is built from. Where the database
# can't be reached it says so, checks nothing, and ends with 0.
#
#   .ci/vuln.sh        GOVULNDB names another database
set -euo pipefail
cd "$(dirname "$0")/.."
db=${GOVULNDB:-https://vuln.go.dev}
case $db in
file://*) [ -r "${db#file://}/index/modules.json" ] || no=yes ;;
*) curl -fsS --max-time 20 -o /dev/null "$db/index/modules.json" || no=yes ;;
esac
if [ -n "${no:-}" ]; then
	echo "NOT CHECKED for known weaknesses: the database $db can't be reached from here"
	[ -z "${GITHUB_ACTIONS:-}" ] || echo "::warning::not checked for known weaknesses: $db can't be reached"
	exit 0
fi
mkdir -p .ci/out
go build -C tools -o ../.ci/out/govulncheck golang.org/x/vuln/cmd/govulncheck
.ci/out/govulncheck -db "$db" ./...
