#!/usr/bin/env bash
# Makes sure that the image which the container tests ask for exists, and says
# how it was had. A machine that reaches a registry pulls it; one that cannot
# gets an image of the same name, built from scratch out of this machine's own
# redis-server and redis-cli with the shared libraries that they need.
#
# Only checks use this. It must never be called by flakehunt itself: users get
# the image that they name, or an error.
set -euo pipefail

image=${1:-redis:7-alpine}

if docker image inspect "$image" >/dev/null 2>&1; then
	echo "image $image: present"
	exit 0
fi
if timeout 120 docker pull --quiet "$image" </dev/null >/dev/null 2>&1; then
	echo "image $image: pulled"
	exit 0
fi

server=$(readlink -f "$(command -v redis-server)") || {
	echo "image $image: cannot be pulled, and there is no redis-server to build it from; apt-get install redis-server" >&2
	exit 1
}
cli=$(readlink -f "$(command -v redis-cli)") || {
	echo "image $image: cannot be pulled, and there is no redis-cli to build it from; apt-get install redis-tools" >&2
	exit 1
}

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/files/usr/local/bin" "$root/files/bin" "$root/files/data" "$root/files/tmp" "$root/files/etc"
chmod 1777 "$root/files/tmp" "$root/files/data"

# Debian's redis-server, redis-check-rdb and so on are one file that goes by
# its name, so each gets the name it is to answer to.
cp "$server" "$root/files/usr/local/bin/redis-server"
cp "$cli" "$root/files/usr/local/bin/redis-cli"
# A shell, since `CMD-SHELL` health checks and `docker exec` want one.
shell=$(readlink -f "$(command -v dash || command -v sh)")
cp "$shell" "$root/files/bin/sh"
ln -s /usr/local/bin/redis-cli "$root/files/bin/redis-cli"

for program in "$server" "$cli" "$shell"; do
	{ ldd "$program" || true; } | grep -oE '/[^ )]+' | sort -u | while read -r library; do
		mkdir -p "$root/files$(dirname "$library")"
		cp -L "$library" "$root/files$library"
	done
done

# As in the usual image: options alone are options of redis-server, and the
# port is open to other machines, since a container is a machine of its own.
cat >"$root/files/usr/local/bin/entrypoint" <<'ENTRYPOINT'
#!/bin/sh
case "$1" in
-* | *.conf) set -- redis-server "$@" ;;
esac
if [ "$1" = redis-server ]; then
	set -- "$@" --protected-mode no
fi
exec "$@"
ENTRYPOINT
chmod +x "$root/files/usr/local/bin/entrypoint"

cat >"$root/Dockerfile" <<'DOCKERFILE'
FROM scratch
COPY files/ /
ENV PATH=/usr/local/bin:/bin
WORKDIR /data
EXPOSE 6379
ENTRYPOINT ["entrypoint"]
CMD ["redis-server"]
DOCKERFILE

log=$(docker build --quiet --tag "$image" "$root" </dev/null 2>&1) || {
	echo "image $image: cannot be built: $log" >&2
	exit 1
}
echo "image $image: built from $(redis-server --version | cut -d' ' -f1-3)"
