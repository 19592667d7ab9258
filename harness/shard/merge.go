package shard

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/harness/verdict"
)

// Part is what one machine recorded.
type Part struct {
	Name   string // its directory, for messages
	Result *harness.Result
	Trials []harness.Trial
}

// Merge joins the parts of one run. The order of parts does not matter, a part
// given twice counts once, and a merged run may be merged again. It refuses
// parts that do not belong together: of another seed, strategy, target or
// schema, or two that ran the same trial. The parts are not changed.
//
// Tests are summed up from the trials. Findings with one fingerprint become
// one, the better proven; margins the smallest.
func Merge(parts []Part) (*harness.Result, []harness.Trial, error) {
	if len(parts) == 0 {
		return nil, nil, errors.New("merge: nothing to join: name the output directories of the shards")
	}
	parts = slices.Clone(parts)
	slices.SortStableFunc(parts, func(a, b Part) int {
		return cmp.Or(a.Result.Started.Compare(b.Result.Started), cmp.Compare(a.Result.Shard, b.Result.Shard))
	})
	for _, p := range parts[1:] {
		if err := together(parts[0], p); err != nil {
			return nil, nil, err
		}
	}
	trials, err := joinTrials(parts)
	if err != nil {
		return nil, nil, err
	}
	first := parts[0].Result
	r := &harness.Result{
		Version: first.Version, Tool: first.Tool, Started: first.Started, Finished: first.Finished, Seed: first.Seed,
		Strategy: first.Strategy, Params: first.Params, Target: first.Target, Redis: first.Redis, Machine: first.Machine,
		Meta: first.Meta,
	}
	for _, p := range parts {
		if p.Result.Finished.After(r.Finished) {
			r.Finished = p.Result.Finished
		}
		r.Interrupted = r.Interrupted || p.Result.Interrupted
		r.PointsShared = max(r.PointsShared, p.Result.PointsShared)
		r.Infra = union(r.Infra, p.Result.Infra)
		for _, w := range p.Result.Warnings {
			if w != absence(p.Result.Shard) { // may be true no longer
				r.Warnings = union(r.Warnings, []string{w})
			}
		}
		r.Expectations = union(r.Expectations, p.Result.Expectations)
		if p.Result.Redis.Version != r.Redis.Version || p.Result.Redis.Provider != r.Redis.Provider {
			r.Warnings = union(r.Warnings, []string{fmt.Sprintf("shards used different Redis: %s %s and %s %s",
				r.Redis.Provider, r.Redis.Version, p.Result.Redis.Provider, p.Result.Redis.Version)})
		}
	}
	r.TrialsAsked, r.Workers = extent(parts)
	r.Coverage = joinCoverage(parts)
	r.Findings = joinFindings(parts, trials)
	for _, p := range parts {
		r.Margins = append(r.Margins, p.Result.Margins...)
	}
	r.Margins = summary.LeastMargins(r.Margins)
	r.TrialsDone = summary.Finished(slices.Values(trials), summary.Suites(trials))
	r.Tests = joinTests(parts, trials, r)
	for i := range r.Findings {
		summary.CountRuns(&r.Findings[i], r.Tests, r.Strategy)
	}
	r.Shard = joinShards(parts)
	if w := absence(r.Shard); w != "" {
		r.Warnings = append(r.Warnings, w)
	}
	r.Exit = verdict.Exit(r, nil)
	return r, trials, nil
}

// extent gives how many trials were asked for, which every shard is told whole,
// and adds the workers up. A part whose shards are all in others adds none.
func extent(parts []Part) (trials, workers int) {
	parts = slices.Clone(parts)
	shards := func(p Part) int {
		if p.Result.Shard == "" {
			return math.MaxInt // all of them
		}
		return 1 + strings.Count(p.Result.Shard, ",")
	}
	slices.SortStableFunc(parts, func(a, b Part) int { return cmp.Compare(shards(b), shards(a)) }) // merged ones first
	covered := map[string]bool{}
	for _, p := range parts {
		trials = max(trials, p.Result.TrialsAsked)
		if covered[""] {
			continue // a whole run has them all
		}
		fresh := false
		for name := range strings.SplitSeq(p.Result.Shard, ",") {
			fresh = fresh || !covered[name]
			covered[name] = true
		}
		if fresh {
			workers += p.Result.Workers
		}
	}
	return trials, workers
}

// together says why two parts are not of one run.
func together(a, b Part) error {
	refuse := func(what string, x, y any) error {
		return fmt.Errorf("merge: %s and %s do not belong together: %s differs (%v, %v): shards of one run share seed, strategy and target",
			a.Name, b.Name, what, x, y)
	}
	switch {
	case a.Result.Version != b.Result.Version:
		return refuse("schema", a.Result.Version, b.Result.Version)
	case a.Result.Seed != b.Result.Seed:
		return refuse("seed", a.Result.Seed, b.Result.Seed)
	case a.Result.Strategy != b.Result.Strategy:
		return refuse("strategy", a.Result.Strategy, b.Result.Strategy)
	case len(a.Result.Params)+len(b.Result.Params) > 0 && !reflect.DeepEqual(a.Result.Params, b.Result.Params):
		return refuse("a setting of the strategy", a.Result.Params, b.Result.Params)
	case !sameTarget(a.Result.Target, b.Result.Target):
		return refuse("target", targetName(a.Result.Target), targetName(b.Result.Target))
	}
	return nil
}

// sameTarget compares what is written of targets: an empty list is none.
func sameTarget(a, b harness.Target) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}

func targetName(t harness.Target) string {
	return fmt.Sprintf("%s %v%v %s %v %s", t.Kind, t.Suites, t.Argv, t.Variant, t.Defects, t.Run)
}

// joinTrials gives every trial once, in order.
func joinTrials(parts []Part) ([]harness.Trial, error) {
	type place struct {
		suite string
		index int
	}
	type identity struct {
		place
		arm   harness.Arm
		seed  uint64
		start int64
	}
	seen := map[identity]bool{}
	by := map[place]string{} // which part ran a counted trial
	var all []harness.Trial
	for _, p := range parts {
		for _, t := range p.Trials {
			at := place{t.Suite, t.Index}
			id := identity{at, t.Arm, t.Seed, t.Start.UnixNano()}
			if seen[id] {
				continue
			}
			seen[id] = true
			if summary.Counted(t.Arm) && harness.Numbered(t.Suite) {
				if other, ran := by[at]; ran {
					return nil, fmt.Errorf("merge: %s and %s do not belong together: trial %d of %s was run in both: leave one of them out", other, p.Name, t.Index, t.Suite)
				}
				by[at] = p.Name
			}
			all = append(all, t)
		}
	}
	slices.SortStableFunc(all, func(a, b harness.Trial) int {
		return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.Suite, b.Suite), cmp.Compare(a.Arm, b.Arm),
			cmp.Compare(a.Seed, b.Seed), a.Start.Compare(b.Start))
	})
	return all, nil
}

// union adds what is not there yet.
func union[T any](all, more []T) []T {
	for _, m := range more {
		if !slices.ContainsFunc(all, func(x T) bool { return reflect.DeepEqual(x, m) }) {
			all = append(all, m)
		}
	}
	return all
}
