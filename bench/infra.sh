#!/usr/bin/env bash
# Injects infrastructure faults from outside while a flakehunt binary hunts a small,
# sound Go suite with its default flags, and prints for each provider and fault how it
# ended. A row is right if no test is called flaky or broken, what was done before the
# fault is kept, the exit code is 3 (or 0 where all trials were done all the same, on a
# Redis that came back), and result.json names the same code.
#
#   bench/infra.sh FLAKEHUNT ["server container url"] ["kill restart …"] [trials]
#
# It needs redis-server, redis-cli, Go and Python 3, for containers Docker. It works in
# a directory of its own, and touches only what it started and what its hunt did.
set -uo pipefail
fh=$(readlink -f "$1")
providers=${2:-server container url}
faults=${3:-kill restart pause3 pause15 oom readonly loading noauth maxclients output busy clientkill}
trials=${4:-20}
here=$(cd "$(dirname "$0")" && pwd)
dir=$(mktemp -d)
pids=()
trap 'for p in "${pids[@]}"; do kill -9 $p; done 2>/dev/null; rm -rf "$dir"' EXIT
cd "$dir" || exit 3
mkdir suite
cp "$here"/../fixtures/corpus/go/go.{mod,sum} suite
cat >suite/suite_test.go <<'S'
package suite

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

var ctx = context.Background()

func client(t *testing.T) *redis.Client {
	o, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err != nil {
		t.Fatal(err)
	}
	c := redis.NewClient(o)
	t.Cleanup(func() { c.Close() })
	return c
}

func TestCounter(t *testing.T) {
	c := client(t)
	for i := int64(1); i <= 8; i++ {
		if n, err := c.Incr(ctx, "visits").Result(); err != nil || n != i {
			t.Fatalf("visit %d: %d, %v", i, n, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestMessage(t *testing.T) {
	a, b := client(t), client(t)
	sub := b.Subscribe(ctx, "orders")
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		if err := a.Publish(ctx, "orders", "one").Err(); err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(ctx, 1500*time.Millisecond)
		_, err := sub.ReceiveMessage(short)
		cancel()
		if err != nil {
			t.Fatalf("no message: %v", err)
		}
		time.Sleep(40 * time.Millisecond)
	}
}

func TestPage(t *testing.T) {
	c := client(t)
	page := strings.Repeat("words ", 40_000)
	for range 3 {
		if err := c.Set(ctx, "page", page, 0).Err(); err != nil {
			t.Fatal(err)
		}
		if got, err := c.Get(ctx, "page").Result(); err != nil || got != page {
			t.Fatalf("the page has %d bytes: %v", len(got), err)
		}
		time.Sleep(40 * time.Millisecond)
	}
}
S
(cd suite && go vet ./...) || exit 3

serve() { # PORT [BIND]: a redis-server of ours; its pid is in $!
	redis-server --port "$1" --bind "${2:-127.0.0.1}" --protected-mode no --save '' --dir "$dir" >/dev/null 2>&1 &
	disown
}
free() { python3 -c 'import socket; s=socket.socket(); s.bind(("127.0.0.1",0)); print(s.getsockname()[1])'; }
answers() { until redis-cli -p "$1" ping >/dev/null 2>&1; do sleep 0.05; done; }

# A Redis that takes long to load as a replica: 20,000 keys, with a pause at each.
master=$(free)
serve "$master" 0.0.0.0
pids+=($!)
answers "$master"
redis-cli -p "$master" eval 'for i = 1, 20000 do redis.call("set", "k" .. i, i) end' 0 >/dev/null

# Of the hunt under way: its Redises, one a line, as PORT PID or as a container's ID.
instances() { # PROVIDER
	case $1 in
	url) echo "$urlport $urlpid" ;;
	server)
		for p in $(pgrep -P "$hunt" -x redis-server); do
			echo "$(tr '\0' '\n' <"/proc/$p/cmdline" | sed -n 's/.*127.0.0.1:\([0-9]*\).*/\1/p' | head -1) $p"
		done
		;;
	container)
		for c in $(docker ps -q --filter label=flakehunt.owner); do
			case "$(docker inspect -f '{{index .Config.Labels "flakehunt.owner"}}' "$c" 2>/dev/null)" in *"$hunt"*) echo "$c" ;; esac
		done
		;;
	esac
}
cli() { # INSTANCE… -- COMMAND…
	local at=$1
	shift
	while [ "$1" != -- ]; do shift; done
	shift
	case $at in
	*[a-f]* | ????????????) docker exec "$at" timeout 3 redis-cli --no-auth-warning -a x "$@" ;;
	*) timeout 3 redis-cli --no-auth-warning -a x -p "$at" "$@" ;;
	esac >/dev/null 2>&1
}
stop() { if [ $# = 2 ]; then kill -STOP "$2"; else docker pause "$1" >/dev/null; fi 2>/dev/null; }
cont() { if [ $# = 2 ]; then kill -CONT "$2"; else docker unpause "$1" >/dev/null; fi 2>/dev/null; }
lasting() { case $1 in restart | pause3 | pause15) return 1 ;; esac; }
inject() { # PROVIDER FAULT INSTANCE…
	local provider=$1 fault=$2 host=127.0.0.1
	shift 2
	[ $# = 2 ] || host=172.17.0.1
	case $fault in
	kill) if [ $# = 2 ]; then kill -9 "$2"; else docker kill "$1"; fi >/dev/null 2>&1 ;;
	restart)
		if [ $# = 2 ]; then
			kill -9 "$2"
			sleep 1
			serve "$1"
			pids+=($!)
			[ "$provider" = url ] && urlpid=$!
		else
			docker restart -t 0 "$1" >/dev/null 2>&1
		fi
		;;
	pause3) stop "$@"; sleep 3; cont "$@" ;;
	pause15) stop "$@"; sleep 15; cont "$@" ;;
	oom) cli "$@" -- config set maxmemory 1 ;;
	readonly) cli "$@" -- replicaof "$host" 1 ;;
	loading) cli "$@" -- config set key-load-delay 500 repl-diskless-load swapdb; cli "$@" -- config set loading-process-events-interval-bytes 1024; cli "$@" -- replicaof "$host" "$master" ;;
	noauth) cli "$@" -- config set requirepass x; cli "$@" -- client kill type normal skipme yes ;;
	maxclients) cli "$@" -- config set maxclients 1; cli "$@" -- client kill type normal skipme yes ;;
	output) cli "$@" -- config set client-output-buffer-limit 'normal 1 1 1 pubsub 1 1 1' ;;
	busy) cli "$@" -- eval 'while true do end' 0 & ;;
	clientkill) cli "$@" -- client kill type normal skipme yes; cli "$@" -- client kill type pubsub skipme yes ;;
	esac
}
read_result() { # OUT
	python3 - "$1" <<'P'
import json, sys
try:
    r = json.load(open(sys.argv[1] + "/result.json"))
except OSError:
    print("- - - - -"); sys.exit()
t = r.get("tests") or []
print(sum(x["status"] == "flaky" for x in t), sum(x["status"] == "broken" for x in t), max([x.get("runs", 0) for x in t] + [0]), r.get("exit", 0),
      sum(f["class"] not in ("infrastructure",) and f["standing"] != "latent" for f in r.get("findings") or []))
P
}
right=0 all=0
printf '%-10s %-11s %5s %7s %6s %7s %9s %10s %5s\n' provider fault exit result flaky broken findings kept/before time
for provider in $providers; do
	for fault in $faults; do
		out=$dir/out.$provider.$fault
		redis=$provider
		urlport=$(free) urlpid=
		if [ "$provider" = url ]; then
			serve "$urlport"
			urlpid=$!
			pids+=($urlpid)
			answers "$urlport"
			redis=redis://127.0.0.1:$urlport/0
		fi
		began=$SECONDS
		(cd suite && exec "$fh" run --redis "$redis" --seed 1 --trials "$trials" --out "$out" -- go test ./...) >"$out.log" 2>&1 &
		hunt=$!
		lines() { if [ -e "$out/trials.jsonl" ]; then wc -l <"$out/trials.jsonl"; else echo 0; fi; }
		while kill -0 $hunt 2>/dev/null && [ "$(lines)" -lt 6 ]; do sleep 0.1; done
		before=$(lines)
		while kill -0 $hunt 2>/dev/null; do
			while read -r instance; do
				[ -n "$instance" ] || continue
				# shellcheck disable=SC2086
				if lasting "$fault"; then inject "$provider" "$fault" $instance; else inject "$provider" "$fault" $instance & fi
			done < <(instances "$provider" 2>/dev/null)
			lasting "$fault" || break
			sleep 0.7
			[ $((SECONDS - began)) -lt 240 ] || { kill -INT $hunt; break; }
		done
		wait $hunt
		code=$?
		read -r flaky broken runs exit findings < <(read_result "$out")
		all=$((all + 1)) mark=WRONG
		kept=$(lines)
		done_all=$([ "$runs" = - ] || [ "$runs" -lt "$trials" ] || echo yes)
		if [ "$flaky$broken$findings" = 000 ] && [ "$code" = "$exit" ] && [ "$kept" -ge "$before" ] && { [ "$code" = 3 ] || { [ "$code" = 0 ] && [ -n "$done_all" ]; }; }; then
			right=$((right + 1)) mark=ok
		fi
		printf '%-10s %-11s %5s %7s %6s %7s %9s %5s/%-5s %4ss %s\n' "$provider" "$fault" "$code" "$exit" "$flaky" "$broken" "$findings" "$kept" "$before" $((SECONDS - began)) "$mark"
		[ "$mark" = ok ] || tail -3 "$out.log" | sed 's/^/      /'
		[ -z "${KEEP:-}" ] || { mkdir -p "$KEEP"; cp -r "$out" "$out.log" "$KEEP"; }
		if [ "$provider" = url ]; then kill -9 "$urlpid" 2>/dev/null; fi
	done
done
printf '\n%d of %d right\n' $right $all
[ $right = $all ]
