package main

import (
	"context"
	"fmt"
	"os/exec"
	"slices"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/replay"
)

// replays finds each defect, alone, in each of its scenarios, and replays every
// finding 20 times: on the machine as it is, and with all processors busy.
func replays(ctx context.Context, o options) error {
	const n = 20
	fmt.Fprintf(o.out, "each finding replayed %d times: on the machine as it is, and while stress-ng keeps every processor busy\n\n", n)
	type finding struct {
		l *lab
		d fixtures.Defect
		f harness.Finding
	}
	var found []finding
	var mu sync.Mutex
	var wg sync.WaitGroup
	var failed error
	for _, d := range o.defects {
		l, err := newLab(ctx, o, exposing(d), fixtures.Defects{d: true})
		if err != nil {
			return err
		}
		defer l.close()
		wg.Go(func() {
			r, err := hunt.Run(ctx, l.config(o.first, surveyTrials, nil))
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed = err
				return
			}
			for _, f := range r.Findings {
				if f.Standing != harness.Latent {
					found = append(found, finding{l, d, f})
				}
			}
		})
	}
	wg.Wait()
	if failed != nil {
		return failed
	}
	slices.SortFunc(found, func(a, b finding) int {
		return slices.Index(o.defects, a.d) - slices.Index(o.defects, b.d)
	})
	counts := make([][2]harness.Count, len(found))
	round := func(which int) error {
		for i, f := range found {
			r, err := replay.Replay(ctx, f.l.pool, &f.f, n)
			if err != nil {
				return err
			}
			counts[i][which] = r.Count
			if r.Blocked > 0 || r.Count.K < r.Count.N {
				fmt.Fprintf(o.out, "    %s %s: %s, %d blocked\n", f.d, f.f.ID, r.Verdict(), r.Blocked)
			}
		}
		return nil
	}
	if err := round(0); err != nil {
		return err
	}
	sctx, stop := context.WithCancel(ctx)
	defer stop()
	load := exec.CommandContext(sctx, "stress-ng", "--cpu", "0", "--timeout", "10m", "--quiet")
	if err := load.Start(); err != nil {
		return fmt.Errorf("start stress-ng: %w", err)
	}
	time.Sleep(time.Second) // until it has started a process for each processor
	err := round(1)
	stop()
	_ = load.Wait()
	if err != nil {
		return err
	}
	for i, f := range found {
		fmt.Fprintf(o.out, "%-20s %s %-22s as it is %d/%d, busy %d/%d\n", f.d, f.f.ID, f.f.Class,
			counts[i][0].K, n, counts[i][1].K, n)
	}
	return nil
}
