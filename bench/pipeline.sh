#!/usr/bin/env bash
# The whole life of a pipeline: 30 commits, a flake planted at the 12th and mended at
# the 20th, each commit hunted by four shards that are merged, gated and recorded, in
# the variables of GitHub's, GitLab's and Jenkins' runs. Prints each verdict that is
# not the right one, and how many were.
#
#   bench/pipeline.sh FLAKEHUNT [SYSTEM…]      SYSTEM: github gitlab jenkins (all)
#
# The right ones: PASS up to the 11th; FAIL with a new flake at the 12th, the 13th
# knows it; an owner quarantines it at the 14th; from the 20th on it passes, ten clean
# runs later the entry is called recovered; the trend names both changes. The suite
# takes no chances: the flake fails in every third trial.
set -uo pipefail
fh=$(readlink -f "$1")
shift
[ $# -gt 0 ] || set -- github gitlab jenkins
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
export XDG_CONFIG_HOME=$root/config XDG_CACHE_HOME=$root/cache GIT_CONFIG_GLOBAL=/dev/null
unset GITHUB_ACTIONS GITLAB_CI JENKINS_URL BUILD_TAG CI_NODE_INDEX CI_NODE_TOTAL
bad=0 all=0
expect() { # WHAT PATTERN TEXT
	all=$((all + 1))
	case $3 in
	*"$2"*) ;;
	*) bad=$((bad + 1)); printf 'WRONG %s: want %s in:\n%s\n' "$1" "$2" "$3" ;;
	esac
}
refuse() { # WHAT TEXT SAID
	all=$((all + 1))
	case $3 in *"$2"*) bad=$((bad + 1)); printf 'WRONG %s: unwanted %s in:\n%s\n' "$1" "$2" "$3" ;; esac
}
variables() { # SYSTEM COMMIT SHA SHARD: sets what the system sets
	case $1 in
	github) export GITHUB_ACTIONS=true GITHUB_SHA=$3 GITHUB_REF_NAME=main GITHUB_RUN_ID=$((9000 + $2)) GITHUB_RUN_ATTEMPT=1 GITHUB_REPOSITORY=o/r ;;
	gitlab) export GITLAB_CI=true CI_COMMIT_SHA=$3 CI_COMMIT_BRANCH=main CI_PIPELINE_ID=$((9000 + $2)) CI_NODE_INDEX=$4 CI_NODE_TOTAL=4 ;;
	jenkins) export JENKINS_URL=http://j/ BUILD_TAG=jenkins-m-$2 GIT_COMMIT=$3 GIT_BRANCH=origin/main BUILD_URL=http://j/job/m/$2/ ;;
	esac
}
life() { # SYSTEM
	local system=$1 i k sha shard verdict code dir=$root/$1
	mkdir "$dir"
	cd "$dir" || exit 3
	git init -q -b main .
	cat >suite.sh <<'S'
[ ! -e planted ] || [ $((FLAKEHUNT_TRIAL % 3)) != 0 ] || lost='<failure message="order 7 was lost">orders.sh:9</failure>'
echo "<testsuite name='s'><testcase classname='s' name='orders'>$lost</testcase><testcase classname='s' name='stock'/></testsuite>" >"$FLAKEHUNT_DIR/r.xml"
S
	for i in $(seq 30); do
		[ "$i" != 12 ] || touch planted
		[ "$i" != 20 ] || rm planted
		[ "$i" != 14 ] || printf 'quarantine:\n  - test: s.orders\n    owner: shop\n    reason: waits for the new broker\n    expires: 2999-12-31\n' >quarantine.yaml
		echo "$i" >change
		git add -A . ':!out*' ':!h.db*' && git -c user.name=x -c user.email=x@x commit -qm "$i"
		sha=$(git rev-parse HEAD)
		rm -rf out.*
		for k in 1 2 3 4; do
			shard="--shard $k/4"
			[ "$system" != gitlab ] || shard= # its variables say it
			# shellcheck disable=SC2086
			(variables "$system" "$i" "$sha" "$k"; "$fh" run -q --redis embedded --strategy none --trials 24 --parallel 2 $shard --out out.$k --junit '{dir}/r.xml' -- sh suite.sh) >shard.$k.txt 2>&1
			refuse "$system $i: shard $k is silent" "::error" "$(cat shard.$k.txt)"
		done
		variables "$system" "$i" "$sha" 1
		unset CI_NODE_INDEX CI_NODE_TOTAL
		"$fh" merge -q out.1 out.2 out.3 out.4 --out out.all >merge.txt 2>&1
		code=$?
		case $i in 12 | 13 | 14 | 15 | 16 | 17 | 18 | 19) expect "$system $i: merge ends with" 1 "$code" ;; *) expect "$system $i: merge ends with" 0 "$code" ;; esac
		expect "$system $i: merged" '"trials_done": 24' "$(cat out.all/result.json)"
		[ -e quarantine.yaml ] && quarantine=--quarantine=quarantine.yaml || quarantine=
		# shellcheck disable=SC2086
		verdict=$("$fh" gate out.all --db h.db $quarantine 2>&1)
		case $i in
		12) expect "$system $i: gate" "FAIL (exit 1)" "$verdict"; expect "$system $i: gate" "new flake: s.orders: failed 8 of 24" "$verdict" ;;
		13) expect "$system $i: gate" "known flake, failed 8 of 24" "$verdict" ;;
		14 | 15 | 16 | 17 | 18 | 19) expect "$system $i: gate" "PASS (exit 0)" "$verdict"; expect "$system $i: gate" "excused until 2999-12-31: s.orders" "$verdict" ;;
		*) expect "$system $i: gate" "PASS (exit 0)" "$verdict" ;;
		esac
		case $i in
		29 | 30) expect "$system $i: gate" "recovered: quarantine.yaml:2: s.orders passed in all of its last $((i - 19)) runs" "$verdict" ;;
		*) refuse "$system $i: gate" "recovered:" "$verdict" ;;
		esac
		# The history is kept whatever the gate said.
		"$fh" merge -q out.1 out.2 out.3 out.4 --out out.all --db h.db >/dev/null 2>&1
	done
	"$fh" trend --db h.db --html trend.html >trend.txt 2>&1
	expect "$system: trend" "30 runs" "$(cat trend.txt)"
	"$fh" trend --db h.db --json >trend.json 2>/dev/null
	expect "$system: the change for the worse" "$(git log --format=%h --abbrev=7 --grep '^12$')" "$(cat trend.txt trend.json)"
	expect "$system: the change for the better" "$(git log --format=%h --abbrev=7 --grep '^20$')" "$(cat trend.txt trend.json)"
	(cat trend.txt)
}
for system in "$@"; do
	(life "$system"; echo "$bad $all" >"$root/$system.count") || exit 3
	read -r b n <"$root/$system.count"
	printf '%s: %d of %d verdicts and words right\n' "$system" $((n - b)) "$n"
	bad=$((bad + b))
done
[ "$bad" = 0 ]
