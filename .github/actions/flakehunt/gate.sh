#!/usr/bin/env bash
# The gate of the action. GATE_ARGS has one argument a line, taken as it stands.
# What it says goes to the step summary, too.
set -euo pipefail
flags=()
if [ -n "$DB" ]; then flags+=(--db "$DB"); fi
while IFS= read -r line || [ -n "$line" ]; do
	line=${line%$'\r'}
	if [ -n "$line" ]; then flags+=("$line"); fi
done <<<"$GATE_ARGS"
code=0
said=$("$FLAKEHUNT" gate ${flags[@]+"${flags[@]}"} "$OUT") || code=$?
printf '%s\n' "$said"
{
	printf '\n### Gate\n\n'
	# Indented, so that nothing which a test printed is read as Markdown.
	printf '%s\n' "$said" | sed 's/^/    /'
} >>"$GITHUB_STEP_SUMMARY"
echo "verdict=$code" >>"$GITHUB_OUTPUT"
exit "$code"
