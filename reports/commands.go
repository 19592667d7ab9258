package reports

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// Rerun is the command that does the same run again.
func Rerun(r *harness.Result) string { return strings.Join(rerun(r), " ") }

// rerun gives that command's words, each quoted for a shell; a flag and its
// value are one.
func rerun(r *harness.Result) []string {
	t := r.Target
	w := []string{"flakehunt", "run"}
	flag := func(name, value, unless string) {
		if value != unless && value != "" {
			w = append(w, shellWord("--"+name)+" "+shellWord(value))
		}
	}
	if r.Redis.Provider == "url" {
		address := r.Redis.Address
		if address != "" && !strings.Contains(address, "://") {
			address = "redis://" + address
		}
		flag("redis", address, "")
	} else {
		flag("redis", r.Redis.Provider, "")
	}
	flag("variant", t.Variant, "hardened")
	for _, d := range t.Defects {
		flag("defect", d, "")
	}
	flag("waits", t.Waits, "hardened")
	flag("strategy", r.Strategy, "directed")
	for _, k := range slices.Sorted(maps.Keys(r.Params)) {
		flag(oneLine(k, 60), r.Params[k], "")
	}
	if r.For > 0 {
		flag("for", r.For.String(), "")
	}
	if r.TrialsAsked > 0 {
		flag("trials", fmt.Sprint(r.TrialsAsked), "")
	}
	flag("parallel", fmt.Sprint(r.Parallel), "0")
	flag("run", t.Run, "")
	flag("shard", r.Shard, "")
	flag("seed", fmt.Sprint(r.Seed), "")
	return append(w, foreignWords(&t)...)
}

// RunCommand is the command that hunts in a target for the first time. redis is
// --redis; empty: left to flakehunt.
func RunCommand(t harness.Target, redis string) string {
	w := []string{"flakehunt", "run"}
	if redis != "" {
		w = append(w, "--redis "+shellWord(redis))
	}
	if t.Run != "" {
		w = append(w, "--run "+shellWord(t.Run))
	}
	return strings.Join(append(w, foreignWords(&t)...), " ")
}

// foreignWords are the flags that say how a suite is run, and the suite itself.
func foreignWords(t *harness.Target) (w []string) {
	flag := func(name string, values ...string) {
		for _, v := range values {
			if v != "" {
				w = append(w, "--"+name+" "+shellWord(v))
			}
		}
	}
	flag("junit", t.JUnit)
	flag("one-test", t.OneTest)
	flag("env", t.Env...)
	flag("takeover", t.Takeover...)
	flag("forward", t.Forward...)
	if t.Kind == harness.ShippedTarget {
		for _, s := range t.Suites {
			w = append(w, shellWord(s))
		}
	} else if len(t.Argv) > 0 {
		w = append(w, "--")
		for _, a := range t.Argv {
			w = append(w, shellWord(a))
		}
	}
	return w
}

// Repro is the command that replays a finding.
func Repro(id string) string { return "flakehunt repro " + shellWord(id) }

// bareWord is what a shell takes as it stands.
var bareWord = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// shellWord quotes s for a POSIX shell. What a terminal would obey has been
// replaced: a command that is meant to be pasted must look like what it does.
func shellWord(s string) string {
	s = oneLine(s, 2000)
	if bareWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
