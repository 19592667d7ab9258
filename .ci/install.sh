#!/usr/bin/env bash
# Installs this commit as people install a release, in a folder that has nothing but
# Go, and fails unless the program knows what it is:
#
#   - by go install of the tagged module, from a module proxy that is a directory;
#   - from a release's archive, as .goreleaser.yaml packs it, with completion and man pages.
#
#   .ci/install.sh VERSION        such as v0.2.0
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
module=$(go list -m)
commit=$(git rev-parse HEAD)
date=$(TZ=UTC git log -1 --format=%cd --date=format-local:%Y-%m-%dT%H:%M:%SZ)
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
expect() { # WHAT PATTERN TEXT
	[[ $3 =~ $2 ]] || {
		printf '%s: %s\nwant %s\n' "$1" "$3" "$2" >&2
		exit 1
	}
	printf '%s: %s\n' "$1" "$3"
}

# A proxy's files: what `go mod download` asks for. Modules within are not of it.
at=$dir/proxy/$module/@v
mkdir -p "$at" "$dir/home" "$dir/empty"
without=()
while IFS= read -r mod; do without+=(":(exclude)$(dirname "$mod")"); done < <(git ls-files '*/go.mod')
git archive --format=zip --prefix="$module@$version/" -o "$at/$version.zip" HEAD -- . "${without[@]}"
git show HEAD:go.mod >"$at/$version.mod"
printf '{"Version":"%s","Time":"%s"}\n' "$version" "$date" >"$at/$version.info"
echo "$version" >"$at/list"
(
	cd "$dir/empty"
	# Dependencies come from what is downloaded already, then from the usual proxy.
	export GOPROXY="file://$dir/proxy,file://$(go env GOMODCACHE)/cache/download,$(go env GOPROXY)"
	GOMODCACHE=$dir/mod GONOSUMDB=$module GOFLAGS=-modcacherw GOBIN=$dir/bin go install "$module/cmd/flakehunt@$version"
)
expect "go install $module/cmd/flakehunt@$version" "^flakehunt ${version#v} \(go" "$("$dir/bin/flakehunt" --version)"

# An archive with what .goreleaser.yaml puts into it.
.ci/extras.sh "$dir/pack" >/dev/null
CGO_ENABLED=0 GOFLAGS= go build -trimpath -buildvcs=false \
	-ldflags "-s -w -buildid= -X main.version=${version#v} -X main.commit=$commit -X main.date=$date" -o "$dir/pack/flakehunt" ./cmd/flakehunt
cp LICENSE README.md CHANGELOG.md "$dir/pack"
tar -czf "$dir/flakehunt.tar.gz" -C "$dir/pack" .
mkdir "$dir/clean"
cd "$dir/clean"
tar -xzf "$dir/flakehunt.tar.gz"
expect "archive: --version" "^flakehunt ${version#v} \(${commit:0:12}, $date, go" "$(env -i ./flakehunt --version)"
expect "archive: man pages" '^[1-9][0-9]$' "$(find man -name 'flakehunt*.1' -size +0 | wc -l)"
for shell in bash zsh fish powershell; do [ -s "completion/flakehunt.$shell" ] || { echo "no completion for $shell" >&2; exit 1; }; done
expect "archive: completion" '--variant' "$(bash -c '. completion/flakehunt.bash && grep -c __start_flakehunt completion/flakehunt.bash >/dev/null && env -i ./flakehunt __complete run --varian 2>/dev/null | head -1')"
expect "archive: a hunt" 'No flake found' "$(env -i PATH=/usr/bin:/bin HOME="$dir/home" ./flakehunt run smoke -q --redis embedded --strategy none --trials 1 --run smoke/kv/ --out out 2>&1)"
