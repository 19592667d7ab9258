package hunt

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/shard"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// twoCounters plays a test in which a and b count one key up, b 2 ms after a: the
// update of a is lost when its SET comes later than that. It fails by itself in
// the trials that natural says.
type twoCounters struct {
	*keeping
	natural func(index int) bool
}

const (
	counted  = "s/count"
	gap      = 2 * time.Millisecond
	lostText = "expected 2 in counter, got 1"
)

func (e *twoCounters) List(context.Context) ([]harness.TestID, error) {
	return []harness.TestID{{Name: counted, Suite: "s"}}, nil
}

func (e *twoCounters) Do(ctx context.Context, j trial.Job) (*trial.Done, error) {
	d := &trial.Done{
		Trial:   harness.Trial{Index: j.Index, Suite: j.Suite, Arm: j.Arm, Seed: j.Seed, Start: time.Unix(int64(j.Index), 0), Points: 8},
		Events:  map[string][]harness.Event{},
		Matches: map[string][]detect.Match{},
	}
	var late time.Duration
	set := harness.Point{Role: "a", Verb: "SET", Key: "counter", N: 1}
	if j.Plan != nil {
		var err error
		if d.Scheduler, d.Trial.Schedule, err = j.Plan(); err != nil {
			return nil, err
		}
		switch x := d.Scheduler.Decide(counted, set); x.Action {
		case harness.Delay:
			late = time.Duration(x.Delay)
		case harness.Hold:
			late = 2 * gap
		}
	}
	if j.Arm.Natural() && e.natural(j.Index) {
		late = 2 * gap
	}
	o := harness.Outcome{Test: harness.TestID{Name: counted, Suite: "s"}, Trial: j.Index, Arm: j.Arm, Verdict: harness.Passed, Boundary: harness.BoundaryMarked, Injected: harness.Duration(late)}
	if late > gap {
		o.Verdict = harness.Failed
		o.Failure = &harness.Failure{Kind: harness.AssertionFailure, Message: lostText, Fingerprint: "f1"}
	}
	events := counters(late)
	if o.Verdict == harness.Failed {
		matches := detect.Run(detect.NewTrace(events, o))
		d.Matches[counted] = matches
		if len(matches) > 0 {
			m := matches[0]
			o.Cause, o.Suspect = m.Class, &harness.Suspect{Title: m.Title, Explanation: m.Explanation, First: m.First, Then: m.Then}
		}
	}
	d.Events[counted], d.Trial.Outcomes = events, []harness.Outcome{o}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.trials = append(e.trials, d.Trial)
	return d, nil
}

// counters is what is on the wire when the SET of a is late.
func counters(late time.Duration) []harness.Event {
	type frame struct {
		at, out         time.Duration
		conn            uint32
		role, verb, key string
		args            []string
		answer          string
	}
	const ms = time.Millisecond
	second := "1"
	if late > gap {
		second = "0"
	}
	frames := []frame{
		{1 * ms, 1 * ms, 1, "a", "GET", "counter", []string{"GET", "counter"}, "0"},
		{3 * ms, 3*ms + late, 1, "a", "SET", "counter", []string{"SET", "counter", "1"}, "OK"},
		{3*ms + gap, 3*ms + gap, 2, "b", "GET", "counter", []string{"GET", "counter"}, second},
		{4*ms + gap, 4*ms + gap, 2, "b", "SET", "counter", []string{"SET", "counter", map[string]string{"0": "1", "1": "2"}[second]}, "OK"},
	}
	events := []harness.Event{{Seq: 1, Kind: harness.Begin, Test: counted}}
	seq := uint64(1)
	for _, f := range frames {
		p := harness.Point{Role: f.role, Verb: f.verb, Key: f.key, N: 1}
		seq++
		e := harness.Event{Seq: seq, Kind: harness.Request, Conn: f.conn, Test: counted, Point: p, In: f.at, Out: f.out, Args: f.args}
		if f.out > f.at {
			e.Action, e.Asked = harness.Delay, f.out-f.at
		}
		answered := f.out + 200*time.Microsecond
		events = append(events, e)
		seq++
		events = append(events, harness.Event{Seq: seq, Kind: harness.Reply, Conn: f.conn, Test: counted, Point: p.Reply(), In: answered, Out: answered, ReplyTo: seq - 1, Args: []string{f.answer}})
	}
	end := 100 * ms
	return append(events, harness.Event{Seq: seq + 1, Kind: harness.End, Test: counted, In: end, Out: end})
}

// TestShardsOfADirectedHuntAreOneRun: what merged shards say of numbered trials,
// and of the cause, its schedule, proofs and margin, is what one run says. Each
// shard aims at each test by itself, so that aimed trials are several times as many.
// How often a test was made to fail is therefore not compared. Where it also fails
// by itself, more proofs are asked for, and a margin is measured more often: a shard
// does so only if it saw such a failure, so that those counts are not compared there.
func TestShardsOfADirectedHuntAreOneRun(t *testing.T) {
	hunted := func(s shard.Shard, natural func(int) bool) (*harness.Result, []harness.Trial) {
		e := &twoCounters{keeping: &keeping{fake: &fake{}}, natural: natural}
		r, err := Run(t.Context(), Config{Runner: e, Executor: e, Seed: 5, Shard: s, Budget: Budget{Trials: 12}})
		require.NoError(t, err)
		return r, e.trials
	}
	aimed := map[string]cmp.Option{
		"never by itself": cmp.Options{},
		"every fourth, by itself": cmp.Options{
			cmpopts.IgnoreFields(harness.FailureGroup{}, "Count", "Trials"),
			cmpopts.IgnoreFields(harness.Finding{}, "Provoked", "Counter"),
			cmpopts.IgnoreFields(harness.Margin{}, "Size", "Lo", "Hi"),
		},
	}
	for name, natural := range map[string]func(int) bool{
		"never by itself":         func(int) bool { return false },
		"every fourth, by itself": func(i int) bool { return i%4 == 0 },
	} {
		t.Run(name, func(t *testing.T) {
			whole, _ := hunted(shard.Shard{}, natural)
			require.Len(t, whole.Findings, 1)
			f := whole.Findings[0]
			require.Equal(t, harness.RaceLostUpdate, f.Class)
			require.NotNil(t, f.Margin)
			for n := 2; n <= 3; n++ {
				var parts []shard.Part
				for i := 1; i <= n; i++ {
					r, trials := hunted(shard.Shard{I: i, N: n}, natural)
					parts = append(parts, shard.Part{Name: r.Shard, Result: r, Trials: trials})
				}
				merged, _, err := shard.Merge(parts)
				require.NoError(t, err)
				if diff := cmp.Diff(whole, merged,
					cmpopts.IgnoreFields(harness.Result{}, "Started", "Finished", "Workers", "Exit"),
					cmpopts.IgnoreFields(harness.Finding{}, "Found"),
					cmpopts.IgnoreFields(harness.TestResult{}, "Provoked"), aimed[name],
					cmpopts.EquateEmpty(),
				); diff != "" {
					t.Errorf("one run (-), %d shards merged (+):\n%s", n, diff)
				}
			}
		})
	}
}
