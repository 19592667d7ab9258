package main

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/replay"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/scenarios"
)

// replayCount is how often verify replays a schedule here.
const replayCount = 5

// verifies asks of each defect's finding what became of it after no change,
// after a longer wait, and after the fault was mended.
func verifies(ctx context.Context, o options) error {
	fmt.Fprintf(o.out, "verify, %d seeds, %d replays each: no change must be still failing, a longer wait a moved margin,\n"+
		"a fix fixed\n\n", o.seeds, replayCount)
	good, all := 0, 0
	for _, d := range o.defects {
		v := verification{o: o, defect: d}
		if err := v.run(ctx); err != nil {
			return err
		}
		fmt.Fprintf(o.out, "%-20s no change %d/%d, longer wait %s, fix %d/%d\n", d, v.same, v.n, v.bumps(), v.fixed, v.n)
		for _, w := range v.wrong {
			fmt.Fprintf(o.out, "    %s\n", w)
		}
		good += v.same + v.fixed + v.bumped
		all += 2*v.n + v.bumpN
	}
	fmt.Fprintf(o.out, "\nall: %d of %d told right, %s\n", good, all, stats.ClopperPearson(good, all, 0.95))
	return nil
}

// verification is the work on one defect.
type verification struct {
	o      options
	defect fixtures.Defect

	mu                            sync.Mutex
	n, same, fixed, bumped, bumpN int
	wrong                         []string
}

func (v *verification) bumps() string {
	if v.bumpN == 0 {
		return "–"
	}
	return fmt.Sprintf("%d/%d", v.bumped, v.bumpN)
}

func (v *verification) run(ctx context.Context) error {
	on := fixtures.Defects{v.defect: true}
	list, longer := exposing(v.defect)[:1], []scenarios.Scenario(nil)
	p, timed := weakness(v.defect)
	if timed { // the same test with 20 ms, and with 120 ms to spare
		list = []scenarios.Scenario{p.scenario("wait", 20*time.Millisecond, 0)}
		longer = []scenarios.Scenario{p.scenario("wait", 120*time.Millisecond, 0)}
	}
	l, err := newLab(ctx, v.o, list, on)
	if err != nil {
		return err
	}
	defer l.close()
	return each(ctx, v.o, 5, list, func(ctx context.Context, s scenarios.Scenario, seed uint64) error {
		r, err := hunt.Run(ctx, l.config(seed, surveyTrials, nil))
		if err != nil {
			return err
		}
		i := slices.IndexFunc(r.Findings, func(f harness.Finding) bool {
			return f.Class != harness.Unattributed && f.Standing != harness.Latent
		})
		v.mu.Lock()
		v.n++
		v.mu.Unlock()
		if i < 0 {
			v.note("seed %d: nothing was found to verify", seed)
			return nil
		}
		f := &r.Findings[i]
		if err := v.ask(ctx, f, seed, "no change", list, on, &v.same, func(a *replay.Verified) bool { return a.Repair == replay.StillFailing }); err != nil {
			return err
		}
		if timed {
			v.mu.Lock()
			v.bumpN++
			v.mu.Unlock()
			if err := v.ask(ctx, f, seed, "longer wait", longer, on, &v.bumped, func(a *replay.Verified) bool { return a.Repair == replay.MarginMoved }); err != nil {
				return err
			}
		}
		mended := list
		if v.testsOwn() { // a fault of the test: the shipped one mends itself
			mended = longer[:0:0]
			sound := p.scenario("wait", time.Minute, 0)
			sound.Run = soundTTL(v.defect)
			mended = append(mended, sound)
		}
		return v.ask(ctx, f, seed, "fix", mended, nil, &v.fixed, func(a *replay.Verified) bool {
			return a.Repair == replay.Fixed
		})
	})
}

// testsOwn reports whether the fault is the test's, not the adapter's.
func (v *verification) testsOwn() bool {
	return v.defect == fixtures.TTLEarly || v.defect == fixtures.TTLLate || v.defect == fixtures.TTLExact
}

// soundTTL is the mended form of a planted test about a time to live.
func soundTTL(d fixtures.Defect) func(scenarios.T, *scenarios.Env) {
	return func(t scenarios.T, env *scenarios.Env) {
		switch d {
		case fixtures.TTLEarly:
			must(t, env.KV.Set(t.Context(), "lock", "held", time.Minute))
			env.Sleep(t, 100*time.Millisecond)
			env.ExpectPresent(t, "lock", "long before its expiry")
		case fixtures.TTLLate:
			must(t, env.KV.Set(t.Context(), "token", "t-1", time.Second))
			env.Sleep(t, 1100*time.Millisecond)
			env.ExpectAbsent(t, "token", "after its expiry")
		case fixtures.TTLExact:
			must(t, env.KV.Set(t.Context(), "token", "t-1", time.Minute))
			left, err := env.KV.TTL(t.Context(), "token")
			must(t, err)
			if left <= 0 || left > time.Minute {
				t.Errorf("a token set for 1m has %v to live", left)
			}
		}
	}
}

func (v *verification) note(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
}

// ask verifies the finding on another form of the test or the code.
func (v *verification) ask(ctx context.Context, f *harness.Finding, seed uint64, what string, list []scenarios.Scenario, on fixtures.Defects, count *int, right func(*replay.Verified) bool) error {
	p, err := v.o.provider(ctx)
	if err != nil {
		return err
	}
	r := inprocess.New(list, scenarios.Config{Defects: on})
	pool := trial.NewPool(trial.PoolConfig{Provider: p, Runner: r, Workers: 2, Log: slog.New(slog.DiscardHandler)})
	defer pool.Close()
	a, err := replay.Verify(ctx, hunt.Config{Runner: r, Executor: pool, Seed: seed, Budget: hunt.Budget{Trials: surveyTrials},
		Target: harness.Target{Kind: harness.ShippedTarget}}, f, replayCount)
	if err != nil {
		return err
	}
	if right(a) {
		v.mu.Lock()
		*count++
		v.mu.Unlock()
		return nil
	}
	v.note("seed %d, %s: %s", seed, what, a.Sentence())
	return nil
}
