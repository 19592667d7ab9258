#!/usr/bin/env bash
# Attacks a flakehunt binary as issue by issue they were found, and prints what
# came of each, so that two builds can be put side by side.
#
#   bench/attacks.sh FLAKEHUNT [KILLS]        KILLS: how many runs are killed (40)
#
# It works in a directory of its own, uses the embedded Redis, and ends only what
# it started. The moments of the kills come from SEED (1), which is printed.
set -uo pipefail
fh=$(readlink -f "$1")
kills=${2:-40}
RANDOM=${SEED:-1}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 3
export XDG_CONFIG_HOME=$dir/config
say() { printf '%-58s %s\n' "$1" "$2"; }
printf 'seed %s, %s\n' "${SEED:-1}" "$("$fh" version 2>/dev/null | head -1)"

cat >suite.sh <<'S'
echo "<testsuite name='s'><testcase classname='c' name='t'/></testsuite>" >r.xml
S
# Started with &, it is the program itself that a kill ends.
start() {
	local out=$1 n=$2 script=$3
	shift 3
	exec "$fh" run -q --redis embedded --trials "$n" --parallel 1 --strategy none --out "$out" --junit r.xml "$@" -- sh "$script"
}
run() { # OUT TRIALS SCRIPT [FLAG…]
	local out=$1 n=$2 script=$3
	shift 3
	"$fh" run -q --redis embedded --trials "$n" --parallel 1 --strategy none --out "$out" --junit r.xml "$@" -- sh "$script"
}

# 1. An ID that names a file elsewhere.
mkdir -p evil deep
echo '{"schema":1,"tool":"x","seed":"7","strategy":"directed","tests":[],"findings":[{"version":1,"id":"../../climbed","tests":["t"],"fingerprint":"f","class":"unattributed"}]}' >evil/result.json
: >evil/trials.jsonl
"$fh" merge evil --out deep/out >/dev/null 2>&1
n=$(find . -name 'climbed*' -not -path './deep/out/*' | wc -l)
say "1  merge of a crafted ID: files outside --out" "$n"

# 1. A finding's file that names a command.
echo '{"version":1,"id":"F-0badc0de","class":"unattributed","standing":"natural","tests":["c/t"],"seed":"1","target":{"kind":"command","argv":["sh","-c","touch owned"],"junit":"r.xml"},"schedule":{"version":1,"strategy":"none"}}' >alien.json
"$fh" repro -q --redis embedded -n 1 alien.json >/dev/null 2>&1 </dev/null
say "1  repro of a foreign finding: command run unasked" "$([ -e owned ] && echo yes || echo no)"

# 4. Two at once.
echo '. ./suite.sh; sleep 0.1' >slow.sh
start busy 12 slow.sh >/dev/null 2>&1 &
first=$!
sleep 0.8
run busy 2 suite.sh >/dev/null 2>&1
second=$?
wait "$first"
say "4  a second run in one directory: exit code" "$second"
say "4  lines of the first run's journal (12 trials)" "$(wc -l <busy/trials.jsonl)"

# 4. Damage.
cp -r busy spoilt
rm -f spoilt/result.json
{ head -2 busy/trials.jsonl; echo '{"tri'; tail -n +2 busy/trials.jsonl; } >spoilt/trials.jsonl
"$fh" report spoilt --to again >/dev/null 2>&1
say "4  report of a journal with a damaged, a doubled line: exit" "$?"
say "4  trials that it counts (12)" "$(grep -o '"runs": [0-9]*' again/result.json 2>/dev/null | head -1 | tr -dc 0-9)"

# 5. Kills: does what stands there afterwards tell of the killed run?
cat >counted.sh <<'S'
. ./suite.sh; sleep 0.02
S
lost=0 doubled=0 wrong=0 refused=0
for i in $(seq "$kills"); do
	run life 2 suite.sh >/dev/null 2>&1 # a pass, for what follows to be mistaken for
	if [ $((i % 3)) = 0 ]; then resume=--resume; else resume=; fi
	if [ -n "$resume" ]; then
		start life 400 counted.sh >/dev/null 2>&1 & p=$!
		sleep 0.$((RANDOM % 60 + 35)); kill -9 $p; wait $p 2>/dev/null
	fi
	# shellcheck disable=SC2086
	start life 400 counted.sh $resume >/dev/null 2>&1 & p=$!
	sleep "$((RANDOM % 2)).$((RANDOM % 80 + 15))"
	kill -9 $p 2>/dev/null
	wait $p 2>/dev/null
	whole=$(grep -c '"outcomes"' life/trials.jsonl 2>/dev/null)
	if [ -n "$(tail -c 1 life/trials.jsonl 2>/dev/null)" ]; then whole=$((whole - 1)); fi
	verdict=$("$fh" gate life 2>&1)
	case $verdict in *PASS*) wrong=$((wrong + 1)) ;; esac
	"$fh" report life --to told >/dev/null 2>&1 || refused=$((refused + 1))
	told=$(grep -o '"runs": [0-9]*' told/result.json 2>/dev/null | head -1 | tr -dc 0-9)
	[ "${told:-0}" -ge "${whole:-0}" ] || lost=$((lost + 1))
	[ "${told:-0}" -le "${whole:-0}" ] || doubled=$((doubled + 1))
	rm -rf told
done
say "5  SIGKILLs after which gate says PASS" "$wrong/$kills"
say "5  … after which report can't be had" "$refused/$kills"
say "5  … after which report counts too few, too many trials" "$lost/$kills, $doubled/$kills"

# 5. The directory goes.
echo '. ./suite.sh; rm -rf gone' >removes.sh
run gone 5 removes.sh >/dev/null 2>&1
say "5  --out removed meanwhile: exit code (3)" "$?"

# 6. Bounds.
{
	printf '{"version":1,"id":"F-01","tests":["t"],"target":{"kind":"shipped"},"schedule":{"version":1,"strategy":"replay","decisions":['
	yes '{"at":"kv>GET \"k\" #1","action":"delay","delay":"1ms"},' | head -n 300000
	printf '{"at":"kv>GET \"k\" #1","action":"delay","delay":"1ms"}]}}'
} >many.json
command -v /usr/bin/time >/dev/null &&
	say "6  repro of 300,001 decisions: exit, peak memory in kB" "$(/usr/bin/time -f %M "$fh" repro -q --redis embedded -n 1 many.json 2>&1 >/dev/null | tail -1)"
sed 's/300001//; s/"decisions":\[.*/"decisions":[{"at":"kv>GET \\"k\\" #1","action":"delay","delay":"-1s"}]}}/' many.json >negative.json
"$fh" repro -q --redis embedded -n 1 negative.json >/dev/null 2>&1
say "6  repro of a negative delay: exit code (2)" "$?"
say "   files that others can read, of all that was written" "$(find busy life again -type f -perm /044 2>/dev/null | wc -l)"
