package shard

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// joinFindings gives one finding a fingerprint, merged as one run would have: of
// those that no schedule proves, the earliest failure is the one that is told.
func joinFindings(parts []Part, trials []harness.Trial) []harness.Finding {
	at := firstFailures(trials)
	best := map[string]harness.Finding{}
	for _, p := range parts {
		for _, f := range p.Result.Findings {
			if stale := summary.Doubt(&f); stale != "" { // by fewer runs than there are now
				f.Warnings = slices.DeleteFunc(slices.Clone(f.Warnings), func(w string) bool { return w == stale })
			}
			if old, known := best[f.Fingerprint]; known {
				f = join(old, f, at)
			} else {
				f.Tests = slices.Clone(f.Tests)
			}
			best[f.Fingerprint] = f
		}
	}
	out := make([]harness.Finding, 0, len(best))
	for _, f := range best {
		if len(f.Tests) > 1 {
			slices.Sort(f.Tests[1:]) // the first is the one to replay
		}
		out = append(out, f)
	}
	slices.SortFunc(out, verdict.Order)
	return out
}

// firstFailures says by seed where a trial stands among those in which failures
// are attributed: those past the proxy come last.
func firstFailures(trials []harness.Trial) map[uint64]int {
	at := map[uint64]int{}
	for i, t := range trials {
		if t.Arm == harness.Direct {
			i += len(trials)
		}
		if old, known := at[t.Seed]; !known || i < old {
			at[t.Seed] = i
		}
	}
	return at
}

// join merges two findings of one fingerprint.
func join(a, b harness.Finding, at map[uint64]int) harness.Finding {
	x, knownA := at[a.Schedule.Seed]
	y, knownB := at[b.Schedule.Seed]
	if len(a.Schedule.Decisions)+len(b.Schedule.Decisions) > 0 || a.Standing != b.Standing || !knownA || !knownB || x == y {
		return verdict.Merge(a, b)
	}
	if y < x {
		a, b = b, a
	}
	return verdict.Join(a, b)
}

// joinCoverage takes the most that any part saw, and the least that any missed:
// pairs are not named in a result, so they cannot be added without counting some
// twice, and each part tries the same.
func joinCoverage(parts []Part) *harness.Coverage {
	var c *harness.Coverage
	for _, p := range parts {
		o := p.Result.Coverage
		switch {
		case o == nil:
		case c == nil:
			all := *o
			c = &all
		default:
			c.Seen, c.Both, c.Blocked = max(c.Seen, o.Seen), max(c.Both, o.Both), max(c.Blocked, o.Blocked)
			c.Missed = min(c.Missed, o.Missed)
		}
	}
	return c
}

// joinTests sums the trials up and adds what only the parts know: causes,
// margins, warnings, and tests that never ran. Tests come in the order of the
// earliest part.
func joinTests(parts []Part, trials []harness.Trial, r *harness.Result) []harness.TestResult {
	byName := map[string]*harness.TestResult{}
	var order []string
	joined := summary.Tests(trials)
	for i := range joined {
		byName[joined[i].Name] = &joined[i]
	}
	decided := false
	for _, p := range parts {
		computed := map[string][]string{} // the warnings that fewer trials gave
		for _, t := range summary.Tests(p.Trials) {
			computed[t.Name] = t.Warnings
		}
		for _, t := range p.Result.Tests {
			o := byName[t.Name]
			if o == nil {
				o = &harness.TestResult{TestID: t.TestID, Status: t.Status, RateHi: 1}
				byName[t.Name] = o
			}
			if !slices.Contains(order, t.Name) {
				order = append(order, t.Name)
			}
			own := slices.DeleteFunc(slices.Clone(t.Warnings), func(w string) bool { return slices.Contains(computed[t.Name], w) })
			o.Warnings = union(o.Warnings, own)
			decided = decided || t.Decided != ""
			learnFrom(o, t)
		}
	}
	for _, t := range joined { // tests that no part's result lists
		if !slices.Contains(order, t.Name) {
			order = append(order, t.Name)
		}
	}
	out := make([]harness.TestResult, 0, len(order))
	for _, name := range order {
		t := byName[name]
		if decided {
			t.Decided = decide(t.Strip)
		}
		var own []harness.Finding
		for _, f := range r.Findings {
			if slices.Contains(f.Tests, name) && f.Standing != harness.Latent {
				own = append(own, f)
				t.Findings = append(t.Findings, f.ID)
			}
		}
		t.Status = verdict.WithFindings(t.Status, own)
		out = append(out, *t)
	}
	return out
}

// learnFrom takes over what a part says of a test beyond its trials.
func learnFrom(o *harness.TestResult, t harness.TestResult) {
	if o.Cause == "" || o.Cause == harness.Unattributed {
		o.Cause = cmp.Or(t.Cause, o.Cause)
	}
	if t.Margin != nil && (o.Margin == nil || t.Margin.Size < o.Margin.Size) {
		m := *t.Margin
		o.Margin = &m
	}
	for _, g := range t.Groups {
		for j := range o.Groups {
			if mine := &o.Groups[j]; mine.Fingerprint == g.Fingerprint {
				mine.Finding, mine.Cause = cmp.Or(mine.Finding, g.Finding), cmp.Or(mine.Cause, g.Cause)
			}
		}
	}
}

// decide repeats the sequential test on all trials in order.
func decide(strip string) string {
	var s stats.Sequential
	d := s.Decision()
	for _, c := range strip {
		if c == '.' || c == 'F' {
			d = s.Observe(c == 'F')
		}
	}
	return d.String()
}

// presence reads the Shard of a result, "2/8" or "1/8,2/8": which of how many.
// An empty one is a whole run and gives 0.
func presence(shard string) (have map[int]bool, total int) {
	have = map[int]bool{}
	for name := range strings.SplitSeq(shard, ",") {
		var i, n int
		if k, err := fmt.Sscanf(name, "%d/%d", &i, &n); k == 2 && err == nil {
			total = max(total, n)
			have[i] = true
		}
	}
	return have, total
}

// absence is the warning that a merged result bears whose Shard is given; none
// for a whole run.
func absence(shard string) string {
	have, total := presence(shard)
	var absent []string
	for i := 1; i <= total; i++ {
		if !have[i] {
			absent = append(absent, fmt.Sprintf("%d/%d", i, total))
		}
	}
	if len(absent) == 0 {
		return ""
	}
	return fmt.Sprintf("shards %s are missing: their trials do not count", strings.Join(absent, ", "))
}

// joinShards gives the merged result's Shard: empty if it is whole.
func joinShards(parts []Part) string {
	all, total := map[int]bool{}, 0
	for _, p := range parts {
		have, n := presence(p.Result.Shard)
		if n == 0 {
			return ""
		}
		total = max(total, n)
		maps.Copy(all, have)
	}
	if len(all) >= total {
		return ""
	}
	var present []string
	for _, i := range slices.Sorted(maps.Keys(all)) {
		present = append(present, fmt.Sprintf("%d/%d", i, total))
	}
	return strings.Join(present, ",")
}
