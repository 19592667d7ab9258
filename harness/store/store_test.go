package store

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trend"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)

// result is a run of n trials of two tests, of which "b" fails k times.
func result(i, n, k int) *harness.Result {
	strip := strings.Repeat("F", k) + strings.Repeat(".", n-k)
	b := harness.TestResult{TestID: harness.TestID{Name: "b", Suite: "smoke", File: "b_test.go", Line: 7}, Status: harness.Stable,
		Runs: n, Failures: k, Strip: strip, P50: 5, P99: 9}
	if k > 0 {
		b.Status = harness.Flaky
		b.Groups = []harness.FailureGroup{{Failure: harness.Failure{Kind: harness.AssertionFailure, Message: "lost", Fingerprint: "f00d"}, Count: k}}
		b.Margin = &harness.Margin{Test: "b", Edge: "SET k", At: harness.Point{Role: "kv", Verb: "SET", Key: "k", N: 1}, Size: harness.Duration(time.Duration(i+1) * time.Millisecond)}
	}
	return &harness.Result{
		Version: harness.ResultVersion, Tool: "flakehunt test", Started: epoch.Add(time.Duration(i) * time.Hour), Seed: 1<<63 + uint64(i),
		Strategy: "directed", TrialsDone: n,
		Tests: []harness.TestResult{
			{TestID: harness.TestID{Name: "a", Suite: "smoke"}, Status: harness.Stable, Runs: n, Strip: strings.Repeat(".", n)}, b,
		},
		Findings: []harness.Finding{{Version: 1, ID: "F-00000001", Fingerprint: "cafe", Class: harness.RaceLostUpdate, Standing: harness.Provoked, Title: fmt.Sprint("found in run ", i), Tests: []string{"b", "gone"}}},
	}
}

func temp(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "a?b#c%20 d.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestRecordedIsReadBack(t *testing.T) {
	s := temp(t)
	meta := trend.Meta{Commit: "abc123", Branch: "main", CI: "github", CIRun: "7.2", URL: "https://ci/7", PullRequest: "12", Dirty: true}
	for i, k := range []int{0, 3, 0} {
		_, err := s.Record(t.Context(), result(i, 20, k), meta)
		require.NoError(t, err)
	}
	newest, others, err := s.Conditions(t.Context(), Query{})
	require.NoError(t, err)
	assert.Equal(t, "", newest)
	assert.Zero(t, others)
	h, err := s.History(t.Context(), Query{})
	require.NoError(t, err)
	require.Len(t, h.Runs, 3)
	assert.Equal(t, meta, h.Runs[1].Meta)
	assert.Equal(t, epoch.Add(time.Hour), h.Runs[1].Started)
	assert.Equal(t, uint64(1<<63+1), h.Runs[1].Seed)
	assert.Equal(t, FromRun, h.Runs[1].Source)
	assert.Equal(t, 20, h.Runs[1].Trials)
	assert.Equal(t, []trend.Found{{ID: "F-00000001", Class: harness.RaceLostUpdate, Standing: harness.Provoked, Title: "found in run 1"}}, h.Runs[1].Found)
	cause := []trend.Found{{ID: "F-00000001", Class: harness.RaceLostUpdate, Standing: harness.Provoked, Title: "found in run 2"}} // the newest
	want := []trend.Test{
		{TestID: harness.TestID{Name: "a", Suite: "smoke"}, Cells: []trend.Cell{{Run: 0, Runs: 20}, {Run: 1, Runs: 20}, {Run: 2, Runs: 20}}},
		{TestID: harness.TestID{Name: "b", Suite: "smoke", File: "b_test.go", Line: 7}, Causes: cause, Cells: []trend.Cell{
			{Run: 0, Runs: 20, P50: 5}, {Run: 1, Runs: 20, P50: 5, Failures: 3, HasMargin: true, Margin: harness.Duration(2 * time.Millisecond)}, {Run: 2, Runs: 20, P50: 5}}},
	}
	assert.Empty(t, cmp.Diff(want, h.Tests))

	known, err := s.Known(t.Context(), Query{})
	require.NoError(t, err)
	assert.Equal(t, map[string]map[string]trend.Seen{"b": {"f00d": {First: epoch.Add(time.Hour), Last: epoch.Add(time.Hour), Count: 3, Message: "lost"}}}, known)

	findings, err := s.Findings(t.Context(), Query{})
	require.NoError(t, err)
	assert.Equal(t, "found in run 2", findings["cafe"].Title, "the newest")
}

func TestRecordingAgainCountsOnce(t *testing.T) {
	s := temp(t)
	first, err := s.Record(t.Context(), result(0, 5, 2), trend.Meta{})
	require.NoError(t, err)
	again, err := s.Record(t.Context(), result(0, 20, 1), trend.Meta{})
	require.NoError(t, err)
	assert.Equal(t, first, again)
	h, err := s.History(t.Context(), Query{})
	require.NoError(t, err)
	require.Len(t, h.Runs, 1)
	assert.Equal(t, harness.Count{K: 1, N: 20}, h.Find("b").Total(), "the longer one of the same run")
	known, err := s.Known(t.Context(), Query{})
	require.NoError(t, err)
	assert.Equal(t, 1, known["b"]["f00d"].Count)
}

func TestQueriesChoose(t *testing.T) {
	s := temp(t)
	var last string
	for i := range 6 {
		r := result(i, 4, 0)
		if i == 5 {
			r.Strategy = "latency"
			r.Params = map[string]string{"latency": "20ms"}
		}
		id, err := s.Record(t.Context(), r, trend.Meta{Branch: []string{"main", "side"}[i%2]})
		require.NoError(t, err)
		last = id
	}
	none, slow := "", "latency latency=20ms"
	for _, c := range []struct {
		name string
		q    Query
		want []int // hours after the epoch
	}{
		{"all", Query{}, []int{0, 1, 2, 3, 4, 5}},
		{"branch", Query{Branch: "main"}, []int{0, 2, 4}},
		{"last", Query{Last: 2}, []int{4, 5}},
		{"last of branch", Query{Last: 2, Branch: "main"}, []int{2, 4}},
		{"since", Query{Since: epoch.Add(3 * time.Hour)}, []int{3, 4, 5}},
		{"without delays", Query{Conditions: &none}, []int{0, 1, 2, 3, 4}},
		{"with delays", Query{Conditions: &slow}, []int{5}},
		{"except", Query{Except: []string{last}, Last: 1}, []int{4}},
		{"suite", Query{Suites: []string{"integration"}}, []int{0, 1, 2, 3, 4, 5}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := s.History(t.Context(), c.q)
			require.NoError(t, err)
			var got []int
			for _, r := range h.Runs {
				got = append(got, int(r.Started.Sub(epoch).Hours()))
			}
			assert.Equal(t, c.want, got)
			if c.name == "suite" {
				assert.Empty(t, h.Tests)
			} else {
				require.Len(t, h.Tests, 2)
				assert.Len(t, h.Tests[0].Cells, len(c.want))
			}
		})
	}
}

func TestLearnedAddsUp(t *testing.T) {
	s := temp(t)
	require.NoError(t, s.Learn(t.Context(), map[string]harness.Count{"x": {K: 1, N: 2}, "y": {N: 1}}))
	require.NoError(t, s.Learn(t.Context(), map[string]harness.Count{"x": {K: 0, N: 3}}))
	require.NoError(t, s.Learn(t.Context(), nil))
	require.ErrorContains(t, s.Learn(t.Context(), map[string]harness.Count{"x": {K: 2, N: 1}}), "cannot be")
	got, err := s.Learned(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[string]harness.Count{"x": {K: 1, N: 5}, "y": {N: 1}}, got)
}

func TestRankingRemembersAcrossHunts(t *testing.T) {
	s := temp(t)
	r, err := s.Ranking(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1.0, r.Weight("pub/sub"), "nothing is known")
	r.Learn("pub/sub", true)
	r.Learn("pub/sub", true)
	r.Learn("ttl", false)
	assert.Equal(t, 1.0, r.Weight("pub/sub"), "not from this hunt")
	require.NoError(t, r.Save(t.Context()))
	require.NoError(t, r.Save(t.Context()), "a second time adds nothing")
	r, err = s.Ranking(t.Context())
	require.NoError(t, err)
	assert.Equal(t, 1.5, r.Weight("pub/sub"))
	assert.InDelta(t, 2.0/3, r.Weight("ttl"), 1e-12)
}

func TestOpenSaysHowToMend(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "notes.txt")
	require.NoError(t, os.WriteFile(text, []byte(strings.Repeat("not a database ", 100)), 0o600))
	for path, want := range map[string]string{
		"": "give one with --db", dir: "is a directory", text: "no SQLite database",
		filepath.Join(dir, "none", "history.db"): "does its directory exist",
	} {
		_, err := Open(t.Context(), path)
		assert.ErrorContains(t, err, want)
	}
	_, err := OpenExisting(t.Context(), filepath.Join(dir, "none.db"))
	assert.ErrorContains(t, err, "flakehunt run --db")
}

// The environment of the child process that TestEightWriters starts.
const childFile, childIndex = "STORE_TEST_FILE", "STORE_TEST_INDEX"

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		os.Exit(child(path))
	}
	os.Exit(m.Run())
}

// child opens the file, which may not be there yet, and records ten runs.
func child(path string) int {
	ctx := context.Background()
	i, err := strconv.Atoi(os.Getenv(childIndex))
	if err != nil {
		return 1
	}
	s, err := Open(ctx, path)
	if err == nil {
		for j := range 10 {
			if _, err = s.Record(ctx, result(10*i+j, 20, j%3), trend.Meta{}); err != nil {
				break
			}
			if err = s.Learn(ctx, map[string]harness.Count{"k": {K: 1, N: 2}}); err != nil {
				break
			}
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := s.Close(); err != nil {
		return 1
	}
	return 0
}

func TestEightProcessesWriteAtOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "shared.db")
	self, err := os.Executable()
	require.NoError(t, err)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			c := exec.CommandContext(t.Context(), self)
			c.Env = append(os.Environ(), childFile+"="+path, fmt.Sprintf("%s=%d", childIndex, i))
			out, err := c.CombinedOutput()
			assert.NoError(t, err, "%s", out)
		})
	}
	wg.Wait()
	s, err := OpenExisting(t.Context(), path)
	require.NoError(t, err)
	defer s.Close()
	h, err := s.History(t.Context(), Query{})
	require.NoError(t, err)
	assert.Len(t, h.Runs, 80, "nothing is lost")
	assert.Equal(t, harness.Count{K: 8 * (0 + 1 + 2 + 0 + 1 + 2 + 0 + 1 + 2 + 0), N: 1600}, h.Find("b").Total())
	got, err := s.Learned(t.Context())
	require.NoError(t, err)
	assert.Equal(t, harness.Count{K: 80, N: 160}, got["k"])
}

func TestStripsSurvivePacking(t *testing.T) {
	assert.Equal(t, "18.F.", packStrip("..................F."))
	assert.Equal(t, "", packStrip("...."))
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.StringOf(rapid.SampledFrom([]rune(".Fsi"))).Draw(t, "strip")
		got, err := unpackStrip(packStrip(s), len(s))
		if err != nil || got != s {
			t.Fatalf("%q became %q: %v", s, got, err)
		}
	})
}

func FuzzUnpackStrip(f *testing.F) {
	for _, s := range []string{"", "18.F.", "9", "99999999999999999999.", "F0.", "3.2F"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if len(s) > 30 {
			s = s[:30]
		}
		got, err := unpackStrip(s, 3)
		if err != nil || len(got) > 1<<20 {
			return
		}
		if _, err := unpackStrip(packStrip(got), len(got)); err != nil {
			t.Fatal(err)
		}
	})
}
