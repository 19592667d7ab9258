package shard

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/summary"
)

func TestShardsShareOutAllTrials(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		total, n := rapid.IntRange(0, 200).Draw(t, "total"), rapid.IntRange(1, 20).Draw(t, "n")
		did := map[int]int{}
		for i := 1; i <= n; i++ {
			nth := 0
			for index := 1; index <= total; index++ {
				s := Shard{I: i, N: n}
				if !s.Has(index) {
					continue
				}
				did[index]++
				if nth++; s.Nth(index) != nth {
					t.Fatalf("trial %d is the %d. of %s, not the %d.", index, nth, s, s.Nth(index))
				}
			}
		}
		for index := 1; index <= total; index++ {
			if did[index] != 1 {
				t.Fatalf("trial %d is done %d times", index, did[index])
			}
		}
	})
	require.True(t, Shard{}.Has(7), "the zero value is all of them")
	require.Equal(t, 7, Shard{}.Nth(7))
}

func TestFromEnv(t *testing.T) {
	for _, c := range []struct {
		name string
		env  map[string]string
		want string
		err  string
	}{
		{"nothing", nil, "", ""},
		{"explicit", map[string]string{"FLAKEHUNT_SHARD_INDEX": "2", "FLAKEHUNT_SHARD_TOTAL": "8"}, "2/8", ""},
		{"GitLab", map[string]string{"GITLAB_CI": "true", "CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "4"}, "1/4", ""},
		{"not GitLab", map[string]string{"CI_NODE_INDEX": "0", "CI_NODE_TOTAL": "4"}, "", ""},
		{"CircleCI", map[string]string{"CIRCLECI": "true", "CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "4"}, "1/4", ""},
		{"Buildkite", map[string]string{"BUILDKITE": "true", "BUILDKITE_PARALLEL_JOB": "3", "BUILDKITE_PARALLEL_JOB_COUNT": "4"}, "4/4", ""},
		{"Kubernetes", map[string]string{"JOB_COMPLETION_INDEX": "7", "FLAKEHUNT_SHARD_TOTAL": "8"}, "8/8", ""},
		{"one machine", map[string]string{"CIRCLECI": "true", "CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "1"}, "", ""},
		{"Kubernetes without a total", map[string]string{"JOB_COMPLETION_INDEX": "7"}, "", "FLAKEHUNT_SHARD_TOTAL"},
		{"outside", map[string]string{"FLAKEHUNT_SHARD_INDEX": "9", "FLAKEHUNT_SHARD_TOTAL": "8"}, "", "outside"},
		{"no number", map[string]string{"FLAKEHUNT_SHARD_INDEX": "x", "FLAKEHUNT_SHARD_TOTAL": "8"}, "", "want a number"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, err := FromEnv(func(k string) string { return c.env[k] })
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, s.String())
		})
	}
}

func TestShardsOfOneRunShareASeed(t *testing.T) {
	assert.Equal(t, Seed("github", "7"), Seed("github", "7"))
	assert.NotEqual(t, Seed("github", "7"), Seed("github", "8"))
	assert.NotEqual(t, Seed("ab", "c"), Seed("a", "bc"))
	assert.Zero(t, Seed("", ""))
}

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// machine is what one machine records of its part of 40 trials.
func machine(i, n int) Part {
	var trials []harness.Trial
	for index := 1; index <= 40; index++ {
		if !(Shard{I: i, N: n}).Has(index) {
			continue
		}
		rng := rand.New(rand.NewPCG(1, uint64(index))) // as in a run: from seed and index alone
		t := harness.Trial{Index: index, Suite: "smoke", Arm: harness.Survey, Seed: rng.Uint64(), Start: epoch.Add(time.Duration(index) * time.Second)}
		for _, name := range []string{"z", "a", "m"} {
			o := harness.Outcome{Test: harness.TestID{Name: name, Suite: "smoke"}, Trial: index, Verdict: harness.Passed, Duration: harness.Duration(rng.IntN(1000))}
			if name == "a" && rng.IntN(5) == 0 {
				o.Verdict, o.Failure = harness.Failed, &harness.Failure{Kind: harness.AssertionFailure, Message: "lost"}
			}
			t.Outcomes = append(t.Outcomes, o)
		}
		trials = append(trials, t)
	}
	r := &harness.Result{Version: 1, Seed: 1, Strategy: "directed", Target: harness.Target{Kind: harness.ShippedTarget, Suites: []string{"smoke"}},
		Started: epoch.Add(time.Duration(i) * time.Millisecond), Finished: epoch.Add(time.Minute), TrialsAsked: 40, TrialsDone: len(trials), Workers: 1,
		Tests: summary.Tests(trials), Exit: 1}
	if n > 1 {
		r.Shard = fmt.Sprintf("%d/%d", i, n)
	}
	return Part{Name: fmt.Sprintf("out-%d", i), Result: r, Trials: trials}
}

func eight() []Part {
	var parts []Part
	for i := 1; i <= 8; i++ {
		parts = append(parts, machine(i, 8))
	}
	return parts
}

func TestEightShardsAreOneMachine(t *testing.T) {
	whole := machine(1, 1)
	r, trials, err := Merge(eight())
	require.NoError(t, err)
	assert.Empty(t, cmp.Diff(whole.Trials, trials), "trial by trial")
	assert.Empty(t, cmp.Diff(whole.Result.Tests, r.Tests))
	assert.Equal(t, 40, r.TrialsDone)
	assert.Equal(t, 40, r.TrialsAsked)
	assert.Equal(t, 8, r.Workers)
	assert.Equal(t, 1, r.Exit)
	assert.Empty(t, r.Shard)
	assert.Empty(t, r.Warnings)
}

func TestMergeIsIdempotentAndOrderFree(t *testing.T) {
	want, trials, err := Merge(eight())
	require.NoError(t, err)
	for seed := range uint64(5) {
		parts := eight()
		parts = append(parts, machine(3, 8), Part{Name: "merged", Result: want, Trials: trials})
		rand.New(rand.NewPCG(seed, 2)).Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
		got, again, err := Merge(parts)
		require.NoError(t, err)
		assert.Empty(t, cmp.Diff(want, got))
		assert.Empty(t, cmp.Diff(trials, again))
	}
	some, someTrials, err := Merge(eight()[:3])
	require.NoError(t, err)
	assert.Equal(t, "1/8,2/8,3/8", some.Shard)
	assert.Equal(t, []string{"shards 4/8, 5/8, 6/8, 7/8, 8/8 are missing: their trials do not count"}, some.Warnings)
	rest, _, err := Merge(append(eight()[2:], Part{Name: "some", Result: some, Trials: someTrials}))
	require.NoError(t, err)
	assert.Equal(t, 40, rest.TrialsDone)
	assert.Equal(t, 40, rest.TrialsAsked)
	assert.Empty(t, rest.Shard)
	assert.Empty(t, rest.Warnings, "none is missing any more")
}

func TestMergeRefusesWhatDoesNotBelongTogether(t *testing.T) {
	for what, change := range map[string]func(*Part){
		"seed":      func(p *Part) { p.Result.Seed = 2 },
		"strategy":  func(p *Part) { p.Result.Strategy = "none" },
		"a setting": func(p *Part) { p.Result.Params = map[string]string{"latency": "1ms"} },
		"schema":    func(p *Part) { p.Result.Version = 2 },
		"target":    func(p *Part) { p.Result.Target.Variant = "as-described" },
		"run in both": func(p *Part) {
			again := machine(1, 8)
			for i := range again.Trials {
				again.Trials[i].Start = again.Trials[i].Start.Add(time.Hour)
			}
			*p = again
			p.Name = "out-2"
		},
	} {
		parts := eight()[:2]
		change(&parts[1])
		_, _, err := Merge(parts)
		require.ErrorContains(t, err, what)
		assert.ErrorContains(t, err, "out-1")
		assert.ErrorContains(t, err, "out-2")
	}
	_, _, err := Merge(nil)
	assert.ErrorContains(t, err, "nothing to join")
}

func TestFindingsAndMarginsOfShardsBecomeOne(t *testing.T) {
	parts := eight()[:2]
	weak := harness.Finding{ID: "F-1", Fingerprint: "f", Standing: harness.Simulated, Tests: []string{"z"}}
	predicted := harness.Finding{ID: "F-1", Fingerprint: "f", Standing: harness.Latent, Tests: []string{"a"}}
	other := harness.Finding{ID: "F-0", Fingerprint: "e", Standing: harness.Latent, Tests: []string{"z"}}
	strong := harness.Finding{ID: "F-1", Fingerprint: "f", Standing: harness.Provoked, Provoked: harness.Count{K: 10, N: 10}, Tests: []string{"m"}}
	parts[0].Result.Findings, parts[1].Result.Findings = []harness.Finding{other, weak}, []harness.Finding{strong}
	parts = append(parts, eight()[2])
	parts[2].Result.Findings = []harness.Finding{predicted}
	m := harness.Margin{Test: "z", Edge: "SET", Size: harness.Duration(7 * time.Millisecond)}
	n := m
	n.Size = harness.Duration(5 * time.Millisecond)
	parts[0].Result.Margins, parts[1].Result.Margins = []harness.Margin{m}, []harness.Margin{n}
	r, _, err := Merge(parts)
	require.NoError(t, err)
	require.Len(t, r.Findings, 2)
	assert.Equal(t, []string{"m", "z"}, r.Findings[0].Tests, "in a it was only predicted")
	assert.Equal(t, harness.Latent, r.Findings[1].Standing, "last")
	assert.Equal(t, harness.Provoked, r.Findings[0].Standing)
	assert.Equal(t, []harness.Margin{n}, r.Margins)
	for _, test := range r.Tests {
		if test.Name == "z" {
			assert.Equal(t, harness.Flaky, test.Status)
			assert.Equal(t, []string{"F-1"}, test.Findings)
		}
	}
	assert.Equal(t, []string{"z"}, weak.Tests, "parts are not changed")
}
