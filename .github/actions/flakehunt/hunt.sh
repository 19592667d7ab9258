#!/usr/bin/env bash
# The hunt of the action. Inputs come as variables: a branch name or a title must
# never become a command. ARGS has one argument a line, taken as it stands.
set -euo pipefail
flags=(--seed "$SEED" --out "$OUT")
if [ -n "$SHARD" ]; then flags+=(--shard "$SHARD"); fi
# Shards are recorded once, after they have been merged.
if [ -n "$DB" ] && [ -z "$SHARD" ]; then flags+=(--db "$DB"); fi
args=()
while IFS= read -r line || [ -n "$line" ]; do
	line=${line%$'\r'}
	if [ -n "$line" ]; then args+=("$line"); fi
done <<<"$ARGS"
code=0
"$FLAKEHUNT" run "${flags[@]}" ${args[@]+"${args[@]}"} || code=$?
count() { # status
	local n=0
	if [ -f "$OUT/result.json" ]; then n=$(grep -c "\"status\": \"$1\"" "$OUT/result.json" || true); fi
	printf '%s' "${n:-0}"
}
findings=0
if [ -d "$OUT/findings" ]; then findings=$(find "$OUT/findings" -maxdepth 1 -name 'F-*.json' | wc -l | tr -d ' '); fi
{
	echo "exit=$code"
	echo "flaky=$(count flaky)"
	echo "broken=$(count broken)"
	echo "findings=$findings"
	echo "report=$OUT/report.html"
} >>"$GITHUB_OUTPUT"
if [ -f "$OUT/summary.md" ] && [ -z "$SHARD" ]; then cat "$OUT/summary.md" >>"$GITHUB_STEP_SUMMARY"; fi
# A flake is for the gate, or for the job that merges, to judge.
if [ "$code" = 1 ] && { [ "$GATE" = true ] || [ -n "$SHARD" ]; }; then code=0; fi
exit "$code"
