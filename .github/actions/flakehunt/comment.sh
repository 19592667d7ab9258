#!/usr/bin/env bash
# The comment of the action on its pull request: one, which each run writes anew. A
# token that may not comment, as a fork's, is a warning and no failure.
set -euo pipefail
if [ -z "$PR" ]; then
	echo "no comment: this run is of no pull request"
	exit 0
fi
if [ ! -f "$OUT/result.json" ]; then
	echo "no comment: there is no result in $OUT"
	exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$FLAKEHUNT" report -q "$OUT" --format comment --to "$dir"
mark="<!-- flakehunt: $GITHUB_WORKFLOW/$GITHUB_JOB -->"
printf '%s\n%s\n' "$mark" "$(cat "$dir/comment.md")" >"$dir/body.md"
post() {
	local ids id
	ids=$(MARK=$mark gh api --paginate "repos/$GITHUB_REPOSITORY/issues/$PR/comments" \
		--jq '.[] | select(.body | startswith(env.MARK)) | .id') || return
	id=${ids%%$'\n'*}
	if [ -n "$id" ]; then
		gh api -X PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$id" -F "body=@$dir/body.md" >/dev/null
	else
		gh api -X POST "repos/$GITHUB_REPOSITORY/issues/$PR/comments" -F "body=@$dir/body.md" >/dev/null
	fi
}
post || echo "::warning::flakehunt could not comment on #$PR: the job needs the permission pull-requests: write"
