#!/usr/bin/env bash
# Ends flakehunt by SIGKILL at random moments of run, run -- go test, run -- pytest,
# merge and import, and counts what was lost, doubled, left behind or told wrongly.
#
#   bench/kills.sh FLAKEHUNT [KILLS]          KILLS: over all kinds together (200)
#
# It works in a directory of its own and ends only what it started. The moments come
# from SEED (1), which is printed. Kinds whose program is missing are left out, and
# said.
set -uo pipefail
fh=$(readlink -f "$1")
kills=${2:-200}
RANDOM=${SEED:-1}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 3
export XDG_CONFIG_HOME=$dir/config XDG_CACHE_HOME=$dir/cache BENCH_KILLS=$dir TMPDIR=$dir/tmp
GOCACHE=$(go env GOCACHE 2>/dev/null) GOPATH=$(go env GOPATH 2>/dev/null)
export GOCACHE GOPATH GOFLAGS=-mod=mod
mkdir tmp
printf 'seed %s, %s\n' "${SEED:-1}" "$("$fh" version 2>/dev/null | head -1)"

cat >suite.sh <<'S'
sleep 60 & setsid sleep 60 &
sleep 0.02
echo "<testsuite name='s'><testcase classname='c' name='t'/></testsuite>" >r.xml
S
mkdir go
cat >go/go.mod <<'S'
module m
go 1.21
S
cat >go/m_test.go <<'S'
package m
import ("net"; "os"; "testing")
func TestPing(t *testing.T) {
	c, err := net.Dial("tcp", os.Getenv("REDIS_ADDR"))
	if err != nil { t.Fatal(err) }
	defer c.Close()
	c.Write([]byte("PING\r\n"))
	if _, err := c.Read(make([]byte, 16)); err != nil { t.Fatal(err) }
}
S
mkdir py
cat >py/test_m.py <<'S'
import os, socket
def test_ping():
    with socket.create_connection((os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"]))) as c:
        c.sendall(b"PING\r\n")
        assert c.recv(16)
S
python=
for p in /usr/bin/python3 python3; do "$p" -c 'import pytest' 2>/dev/null && python=$p && break; done
kinds="run merge import"
command -v go >/dev/null && kinds="$kinds gotest" || echo "left out: go test, there is no go"
[ -n "$python" ] && kinds="$kinds pytest" || echo "left out: pytest, it is not installed"

begin() { # KIND: becomes the program to be killed
	local common=(-q --redis embedded --strategy none --trials 400 --parallel 2 --out out.$1)
	case $1 in
	run) exec "$fh" run "${common[@]}" --junit r.xml -- sh suite.sh ;;
	gotest) cd go && exec "$fh" run "${common[@]}" --out ../out.gotest -- go test ./... ;;
	pytest) cd py && exec "$fh" run "${common[@]}" --out ../out.pytest -- "$python" -m pytest -q ;;
	merge) exec "$fh" merge -q part.1 part.2 --out out.merge ;;
	import) exec "$fh" import -q --db out.db --ci-run one reports ;;
	esac
}
quick() { "$fh" run -q --redis embedded --strategy none --seed 9 --trials 60 --parallel 2 "$@" --junit r.xml -- sh suite.sh >/dev/null 2>&1; }
quick --shard 1/2 --out part.1
quick --shard 2/2 --out part.2
mkdir reports
for i in $(seq 150); do
	{ echo "<testsuite name='s' timestamp='2026-01-01T00:00:00Z'>"
	for k in $(seq 40); do echo "<testcase classname='c$i' name='t$k'/>"; done
	echo "</testsuite>"; } >reports/$i.xml
done
counted() { grep -o '"runs": [0-9]*' "$1/result.json" 2>/dev/null | head -1 | tr -dc 0-9; }
journal() { # whole lines of a journal
	local n
	n=$(grep -c '"outcomes"' "$1/trials.jsonl" 2>/dev/null)
	[ -z "$(tail -c 1 "$1/trials.jsonl" 2>/dev/null)" ] || n=$((n - 1))
	echo "${n:-0}"
}
left() { # processes that carry our mark, this script's own aside
	local n=0 e
	for e in /proc/[0-9]*; do
		[ "${e#/proc/}" = $$ ] && continue
		{ tr '\0' '\n' <"$e/environ"; } 2>/dev/null | grep -qx "BENCH_KILLS=$dir" || continue
		case $({ tr '\0' ' ' <"$e/cmdline"; } 2>/dev/null) in *kills.sh* | '') continue ;; esac
		n=$((n + 1))
	done
	echo $n
}
declare -A n lost doubled wrong refused
each=0
while [ "$each" -lt "$kills" ]; do
	for kind in $kinds; do
		[ "$each" -lt "$kills" ] || break
		each=$((each + 1)) n[$kind]=$((${n[$kind]:-0} + 1))
		case $kind in
		merge) rm -rf out.merge ;;
		import) [ $((RANDOM % 3)) = 0 ] && rm -f out.db* ;;
		esac
		begin $kind >/dev/null 2>&1 &
		p=$!
		case $kind in
		merge) sleep 0.0$((RANDOM % 90 + 10)) ;;
		import) sleep 0.$((RANDOM % 900 + 100)) ;;
		*) sleep $((RANDOM % 3)).$((RANDOM % 900 + 100)) ;;
		esac
		kill -9 $p 2>/dev/null
		wait $p 2>/dev/null
		case $kind in
		merge) # whatever was killed, the next merge tells the whole
			[ ! -e out.merge/result.json ] || [ "$(counted out.merge)" = 60 ] || wrong[$kind]=$((${wrong[$kind]:-0} + 1))
			"$fh" merge -q part.1 part.2 --out out.merge >/dev/null 2>&1
			t=$(counted out.merge)
			[ "${t:-0}" -ge 60 ] || lost[$kind]=$((${lost[$kind]:-0} + 1))
			[ "${t:-0}" -le 60 ] || doubled[$kind]=$((${doubled[$kind]:-0} + 1))
			;;
		import) # the next import makes it whole; each result counts once
			"$fh" import -q --db out.db --ci-run one reports >/dev/null 2>&1 || refused[$kind]=$((${refused[$kind]:-0} + 1))
			t=$("$fh" trend --db out.db --json 2>/dev/null | grep -o '"runs": *[0-9]*' | tr -dc '0-9\n' | awk '{s+=$1} END {print s}')
			whole=${whole:-$t}
			[ "${t:-0}" -ge "${whole:-1}" ] || lost[$kind]=$((${lost[$kind]:-0} + 1))
			[ "${t:-0}" -le "${whole:-0}" ] || doubled[$kind]=$((${doubled[$kind]:-0} + 1))
			;;
		*)
			case $("$fh" gate out.$kind 2>&1) in *PASS*) wrong[$kind]=$((${wrong[$kind]:-0} + 1)) ;; esac
			w=$(journal out.$kind)
			rm -rf told
			if [ -e out.$kind/run.json ]; then
				"$fh" report -q out.$kind --to told >/dev/null 2>&1 || refused[$kind]=$((${refused[$kind]:-0} + 1))
				t=$(counted told)
				[ "${t:-0}" -ge "$w" ] || lost[$kind]=$((${lost[$kind]:-0} + 1))
				[ "${t:-0}" -le "$w" ] || doubled[$kind]=$((${doubled[$kind]:-0} + 1))
			fi
			;;
		esac
	done
done
for kind in $kinds; do
	printf '%-8s %3d kills: lost %d, doubled %d, told wrongly %d, report refused %d\n' "$kind" "${n[$kind]:-0}" \
		"${lost[$kind]:-0}" "${doubled[$kind]:-0}" "${wrong[$kind]:-0}" "${refused[$kind]:-0}"
done
printf 'left after the last kill: %s processes; ' "$(left)"
"$fh" run -q --redis embedded --strategy none --trials 1 --out last --junit r.xml -- sh -c 'echo "<testsuite name=\"s\"><testcase classname=\"c\" name=\"t\"/></testsuite>" >r.xml' >/dev/null 2>&1
sleep 0.2
printf 'after the next run: %s processes, %s temporary files\n' "$(left)" "$(ls tmp | wc -l)"
