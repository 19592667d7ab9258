#!/usr/bin/env bash
# Installs this commit as people install a release, in a folder that has nothing but
# Go, and fails unless the program knows what it is:
#
#   - by go install of the tagged module, from a module proxy that is a directory;
#   - by install.sh, one line, from a release's archive that a server on this machine's
#     loopback gives out: as .goreleaser.yaml packs it, with completion and man pages.
#
#   .ci/install.sh VERSION          such as v0.2.0; the archive is packed here
#   .ci/install.sh VERSION DIST     archives and checksums.txt are GoReleaser's, in DIST
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
dist=$dir/dist
mkdir "$dist"
if [ -n "${2:-}" ]; then
	cp "$2"/*.tar.gz "$2/checksums.txt" "$dist"
else
	.ci/extras.sh "$dir/pack" >/dev/null
	CGO_ENABLED=0 GOFLAGS= go build -trimpath -buildvcs=false \
		-ldflags "-s -w -buildid= -X main.version=${version#v} -X main.commit=$commit -X main.date=$date" -o "$dir/pack/flakehunt" ./cmd/flakehunt
	cp LICENSE README.md CHANGELOG.md "$dir/pack"
	archive=flakehunt_${version#v}_$(go env GOOS)_$(go env GOARCH).tar.gz
	tar -czf "$dist/$archive" -C "$dir/pack" .
	(cd "$dist" && sha256sum "$archive" >checksums.txt)
fi

# The addresses that GitHub has: of the latest release, and of this one.
mkdir -p "$dir/site/latest" "$dir/site/download"
ln -s "$dist" "$dir/site/latest/download"
ln -s "$dist" "$dir/site/download/$version"
cp install.sh "$dir/site"
python3 -c 'import http.server, os, sys
os.chdir(sys.argv[2])
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), http.server.SimpleHTTPRequestHandler)
print(s.server_address[1], file=open(sys.argv[1], "w"), flush=True)
s.serve_forever()' "$dir/port" "$dir/site" >/dev/null 2>&1 </dev/null &
server=$!
trap 'kill "$server" 2>/dev/null || true; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
for _ in $(seq 100); do
	[ -s "$dir/port" ] && break
	sleep 0.1
done
url=http://127.0.0.1:$(cat "$dir/port")
clean() { env -i PATH=/usr/bin:/bin HOME="$dir/home" FLAKEHUNT_RELEASES="$url" "$@"; }
mkdir "$dir/clean"
cd "$dir/clean"
expect "install.sh: the latest" "^installed $dir/home/.local/bin/flakehunt: flakehunt ${version#v} \\(${commit:0:12}, $date, go" \
	"$(clean sh -c "curl -fsSL $url/install.sh | sh")"
expect "install.sh: $version" "^installed $dir/named/bin/flakehunt: flakehunt ${version#v} " \
	"$(clean FLAKEHUNT_VERSION="$version" PREFIX="$dir/named" sh -c "curl -fsSL $url/install.sh | sh")"
at=$dir/home/.local
expect "installed: --version" "^flakehunt ${version#v} \\(${commit:0:12}, $date, go" "$(clean "$at/bin/flakehunt" --version)"
expect "installed: man pages" '^[1-9][0-9]$' "$(find "$at/share/man" -name 'flakehunt*.1' -size +0 | wc -l)"
for file in bash-completion/completions/flakehunt zsh/site-functions/_flakehunt fish/vendor_completions.d/flakehunt.fish; do
	[ -s "$at/share/$file" ] || { echo "no completion: $file" >&2; exit 1; }
done
expect "installed: completion" '--variant' "$(bash -c ". $at/share/bash-completion/completions/flakehunt" && clean "$at/bin/flakehunt" __complete run --varian 2>/dev/null | head -1)"
expect "installed: a hunt" 'No flake found' "$(clean "$at/bin/flakehunt" run smoke -q --redis embedded --strategy none --trials 1 --run smoke/kv/ --out out 2>&1)"
# A damaged archive is refused, and what is installed stays.
printf x >>"$(find "$dist" -name "*_$(go env GOOS)_$(go env GOARCH).tar.gz")"
expect "install.sh: a damaged archive" 'is damaged' "$(clean sh -c "curl -fsSL $url/install.sh | sh" 2>&1 || true)"
clean "$at/bin/flakehunt" --version >/dev/null
