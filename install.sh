#!/bin/sh
# Installs a released flakehunt for Linux or macOS: the program, its man pages and its
# completion for bash, zsh and fish. It checks the archive's SHA-256.
#
#   curl -fsSL https://raw.githubusercontent.com/flakehunt/flakehunt/main/install.sh | sh
#
# FLAKEHUNT_VERSION  which release, such as 0.2.0 (default: the latest)
# PREFIX             where to; the program goes to bin below it (default: ~/.local)
# FLAKEHUNT_RELEASES where releases are (default: this project's on GitHub)
set -eu
releases=${FLAKEHUNT_RELEASES:-https://github.com/flakehunt/flakehunt/releases}
prefix=${PREFIX:-$HOME/.local}

die() {
	echo "install.sh: $*" >&2
	exit 1
}
fetch() { # URL FILE
	if command -v curl >/dev/null; then
		curl -fsSL -o "$2" "$1"
	elif command -v wget >/dev/null; then
		wget -qO "$2" "$1"
	else
		die "needs curl or wget"
	fi || die "can't fetch $1"
}
sum() { # FILE
	if command -v sha256sum >/dev/null; then
		sha256sum "$1"
	else
		shasum -a 256 "$1"
	fi | cut -d' ' -f1
}

case $(uname -s) in
Linux) os=linux ;;
Darwin) os=darwin ;;
*) die "no release for $(uname -s) that this script can install: see $releases" ;;
esac
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) die "no release for $(uname -m): go install github.com/flakehunt/flakehunt/cmd/flakehunt@latest" ;;
esac
if [ -n "${FLAKEHUNT_VERSION:-}" ]; then
	from=$releases/download/v${FLAKEHUNT_VERSION#v}
else
	from=$releases/latest/download
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fetch "$from/checksums.txt" "$dir/checksums.txt"
archive=$(awk -v end="_${os}_$arch.tar.gz" 'substr($2, length($2) - length(end) + 1) == end { print $2; exit }' "$dir/checksums.txt")
[ -n "$archive" ] || die "the release at $from has no archive for $os on $arch"
fetch "$from/$archive" "$dir/archive"
want=$(awk -v name="$archive" '$2 == name { print $1; exit }' "$dir/checksums.txt")
[ "$(sum "$dir/archive")" = "$want" ] || die "$from/$archive is damaged: its SHA-256 is not that of checksums.txt"

mkdir "$dir/new"
tar -xzf "$dir/archive" -C "$dir/new"
bash=$prefix/share/bash-completion/completions zsh=$prefix/share/zsh/site-functions fish=$prefix/share/fish/vendor_completions.d
mkdir -p "$prefix/bin" "$prefix/share/man/man1" "$bash" "$zsh" "$fish"
cp "$dir"/new/man/*.1 "$prefix/share/man/man1"
cp "$dir/new/completion/flakehunt.bash" "$bash/flakehunt"
cp "$dir/new/completion/flakehunt.zsh" "$zsh/_flakehunt"
cp "$dir/new/completion/flakehunt.fish" "$fish/flakehunt.fish"
# A program that runs can be replaced, not written to.
cp "$dir/new/flakehunt" "$prefix/bin/.flakehunt.new"
chmod 755 "$prefix/bin/.flakehunt.new"
mv -f "$prefix/bin/.flakehunt.new" "$prefix/bin/flakehunt"
echo "installed $prefix/bin/flakehunt: $("$prefix/bin/flakehunt" --version)"
case :$PATH: in
*:"$prefix/bin":*) ;;
*) echo "$prefix/bin is not on PATH" ;;
esac
