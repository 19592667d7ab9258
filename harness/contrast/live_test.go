package contrast_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/contrast"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/scenarios"
)

// lab runs one scenario over and over, through a proxy to a Redis.
type lab struct {
	redis redisenv.Instance
	proxy *proxy.Proxy
	sc    scenarios.Scenario
	cfg   scenarios.Config
}

func (l *lab) run(t *testing.T, s harness.Schedule) contrast.Run {
	sched, err := explore.FromSchedule(s)
	require.NoError(t, err)
	l.proxy.DropConnections()
	require.NoError(t, l.redis.Reset(t.Context()))
	rec := history.NewBuffer(history.BufferConfig{})
	defer rec.Close()
	l.proxy.StartTrial(sched, rec)
	o := l.redis.Options()
	outcomes, err := inprocess.New([]scenarios.Scenario{l.sc}, l.cfg).Run(t.Context(), runner.Exec{
		Trial: 1, Tests: []string{l.sc.Name}, Begin: l.proxy.Begin, End: func(string) { l.proxy.End() },
		Redis: runner.Endpoint{Addr: l.proxy.Addr(), Username: o.Username, Password: o.Password},
	})
	require.NoError(t, err)
	events, err := rec.Events(l.sc.Name)
	require.NoError(t, err)
	outcomes[0].Boundary = harness.BoundaryMarked
	r := contrast.Run{Trace: detect.NewTrace(events, outcomes[0]), Failed: outcomes[0].Verdict == harness.Failed, Decisions: s.Decisions}
	if r.Failed {
		r.Failure = outcomes[0].Failure.Fingerprint
	}
	return r
}

// TestCausesByContrastAlone: tests that fail in some runs under delays that nobody
// aimed, of 60 at most. Of the best five predicates one must be the cause: forced,
// the test fails, and forced the other way it passes. One search misses in about
// one of five on a crowded machine, four in 1 of 600.
func TestCausesByContrastAlone(t *testing.T) {
	for _, c := range []struct {
		defect fixtures.Defect
		test   string
		delay  string // of each frame, more or less
		named  []harness.Class
	}{
		{fixtures.LostUpdate, "smoke/kv/two-workers-count", "6ms", []harness.Class{harness.RaceLostUpdate, harness.RaceCheckThenAct, harness.OrderCommands}},
		{fixtures.NoOrder, "integration/ordering/last-state-wins", "30ms", []harness.Class{harness.OrderMessages, harness.OrderDelivery, harness.OrderCommands}},
		{fixtures.ListenerNotReady, "smoke/listener/publish-right-after-subscribe", "20ms", []harness.Class{harness.RaceSubscribePublish, harness.RaceMultiSubscriber}},
	} {
		t.Run(string(c.defect), func(t *testing.T) {
			t.Parallel()
			inst, err := redisenv.Start(t.Context(), redisenv.Spec{})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, inst.Close(context.WithoutCancel(t.Context()))) })
			p, err := proxy.Start(t.Context(), proxy.Config{Dial: inst.Dial, PayloadLimit: 512})
			require.NoError(t, err)
			t.Cleanup(func() { require.NoError(t, p.Close()) })
			l := &lab{redis: inst, proxy: p, cfg: scenarios.Config{Defects: fixtures.Defects{c.defect: true}}}
			for _, sc := range scenarios.All() {
				if sc.Name == c.test {
					l.sc = sc
				}
			}
			require.NotEmpty(t, l.sc.Name, c.test)
			for round := range uint64(4) {
				if class, ok := l.search(t, c.delay, 1+100*round); ok {
					require.Contains(t, c.named, class)
					return
				}
			}
			t.Error("no predicate was proven in four searches")
		})
	}
}

// search collects runs of one delay, from a seed on, and forces the best five
// predicates both ways; it gives the class of the first that is proven.
func (l *lab) search(t *testing.T, delay string, from uint64) (harness.Class, bool) {
	var runs []contrast.Run
	failing, passing := 0, 0
	for seed := from; seed < from+60 && (failing < 5 || passing < 7); seed++ {
		r := l.run(t, harness.Schedule{Version: harness.ScheduleVersion, Strategy: "latency", Seed: seed, Params: map[string]string{"latency": delay, "jitter": delay}})
		if r.Failed && failing < 12 {
			failing++
			runs = append(runs, r)
		} else if !r.Failed && passing < 12 {
			passing++
			runs = append(runs, r)
		}
	}
	t.Logf("seed %d: %d failing, %d passing", from, failing, passing)
	tried := 0
	for _, p := range contrast.Rank(runs, "").Predicates {
		if p.Try == nil || p.Class == harness.TimeoutClient {
			continue // one answer that is late for long may break the order too; an order says more
		}
		if tried++; tried > 5 {
			break
		}
		bad, good := l.run(t, p.Try.Provoke), l.run(t, p.Try.Counter)
		t.Logf("forced %q: bad failed %v, good failed %v", p.Text, bad.Failed, good.Failed)
		if bad.Failed && !good.Failed {
			return p.Class, true
		}
	}
	return "", false
}
