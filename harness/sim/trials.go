package sim

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flakehunt/flakehunt/harness/trial"
)

// chunk is how many trials of a batch a worker plays between two answers.
const chunk = 64

// Played is what came of a batch.
type Played struct {
	Trials  int           // that were played
	Failed  []*trial.Done // trials in which a test failed, with those tests alone, by index
	Digests []Digest      // by trial and test, if they were asked for
	Crashes int           // trials that ended a worker
}

// Play plays a batch over all workers. When ctx ends it returns what there is,
// and the context's error.
func (e *Executor) Play(ctx context.Context, b Batch) (*Played, error) {
	var (
		mu     sync.Mutex
		out    = &Played{}
		errs   []error
		failed atomic.Int64
		next   = b.First
		end    = b.First + b.Count
		wg     sync.WaitGroup
	)
	take := func() (part Batch, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		if next >= end || len(errs) > 0 || ctx.Err() != nil || b.Stop > 0 && failed.Load() >= int64(b.Stop) {
			return part, false
		}
		part = b
		// Small parts at the end, so that no worker waits long for another.
		part.First, part.Count = next, max(1, min(chunk, (end-next)/(2*e.cfg.Workers)))
		next += part.Count
		return part, true
	}
	for range e.cfg.Workers {
		wg.Go(func() {
			for {
				part, ok := take()
				if !ok {
					return
				}
				p, err := e.part(ctx, part)
				mu.Lock()
				out.Trials += p.Trials
				out.Crashes += p.Crashes
				out.Failed = append(out.Failed, p.Failed...)
				out.Digests = append(out.Digests, p.Digests...)
				failed.Add(int64(len(p.Failed)))
				if err != nil {
					errs = append(errs, err)
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	slices.SortFunc(out.Failed, func(a, b *trial.Done) int { return cmp.Compare(a.Trial.Index, b.Trial.Index) })
	slices.SortFunc(out.Digests, func(a, b Digest) int {
		return cmp.Or(cmp.Compare(a.Trial, b.Trial), cmp.Compare(a.Test, b.Test))
	})
	if ctx.Err() != nil {
		return out, ctx.Err()
	}
	return out, errors.Join(errs...)
}

// part plays some trials of a batch on one worker. If one of them ends the
// worker they are played again with marks, to know which, and that one by
// itself, to know whose fault it was; the rest goes on in a fresh process.
func (e *Executor) part(ctx context.Context, b Batch) (*Played, error) {
	out := &Played{}
	end := b.First + b.Count
	marks, counted := false, false
	for b.First < end {
		b.Count = end - b.First
		at := b.First
		start := time.Now()
		r, err := e.with(ctx, func(s *slot) (*report, error) {
			return s.p.order(ctx, order{Batch: &batchOrder{Batch: b, Worker: s.id, Marks: marks}}, func(r report) { at = r.At })
		})
		var c *crash
		switch {
		case errors.As(err, &c) && !marks:
			marks, counted = true, true // again, to know which it was
			out.Crashes++
			continue
		case errors.As(err, &c):
			p, err := e.playUpToCrash(ctx, b, at)
			out.add(p)
			if err != nil {
				return out, err
			}
			if !counted {
				out.Crashes++
			}
			counted = false
			b.First = at + 1
			continue
		case err != nil:
			return out, err
		case r.Batch == nil:
			return out, errors.New(r.Err)
		}
		out.add(playedBatch(b, r, start))
		if b.Stop > 0 && len(out.Failed) >= b.Stop {
			return out, nil
		}
		b.First = r.At + 1
	}
	return out, nil
}

// playedBatch is what a worker reports of trials that all came to their end.
func playedBatch(b Batch, r *report, start time.Time) *Played {
	p := &Played{Trials: r.At - b.First + 1, Digests: r.Batch.Digests}
	for _, f := range r.Batch.Failed {
		restart(&f.Trial, start)
		p.Failed = append(p.Failed, &trial.Done{Trial: f.Trial, Events: f.Events, Matches: f.Matches, Scheduler: witness{nil, f.Missing}})
	}
	return p
}

// playUpToCrash plays the trials of a batch up to the one that ended its worker, whose
// results are lost with the process, and that one by itself.
func (e *Executor) playUpToCrash(ctx context.Context, b Batch, at int) (*Played, error) {
	out := &Played{}
	if at > b.First {
		before := b
		before.Count = at - b.First
		p, err := e.part(ctx, before)
		out.add(p)
		if err != nil {
			return out, err
		}
	}
	done, err := e.Do(ctx, b.job(at))
	if err != nil {
		return out, err
	}
	p := &Played{Trials: 1}
	if f := failuresOf(done); f != nil {
		p.Failed = []*trial.Done{{Trial: f.Trial, Events: f.Events, Matches: f.Matches, Scheduler: done.Scheduler}}
	}
	if b.Digests {
		p.Digests = digests(done)
	}
	out.add(p)
	return out, nil
}

func (p *Played) add(q *Played) {
	p.Trials += q.Trials
	p.Crashes += q.Crashes
	p.Failed = append(p.Failed, q.Failed...)
	p.Digests = append(p.Digests, q.Digests...)
}
