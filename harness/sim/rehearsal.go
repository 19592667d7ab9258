package sim

import (
	"context"
	"path/filepath"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/rundir"
	"github.com/flakehunt/flakehunt/harness/trial"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// JournalName is the journal of what was played in virtual time before a hunt on
// a real Redis: the directed hunt's trials, and the failing seeds.
const JournalName = "simulated.jsonl"

// mostClaims is how many simulated failures are proved on the real Redis at most.
const mostClaims = 64

// RehearsalConfig says what is searched before a hunt on a real Redis.
type RehearsalConfig struct {
	Config
	Search SearchConfig // how long, and with which seed
	Dir    string       // where the journal is written
	Note   func(format string, args ...any)
}

// Rehearsal is a search in virtual time that precedes the hunt on a real Redis.
// The zero value found nothing.
type Rehearsal struct {
	executor *Executor
	journal  *trial.Journal
	seen     map[string]bool
	claims   []hunt.Simulated
	sum      *harness.Simulation
}

// Rehearse searches in virtual time for a short while. What it finds is only
// claimed: the hunt proves it. That it cannot be done fails no run: then there
// is nothing to prove.
func Rehearse(ctx context.Context, cfg RehearsalConfig) *Rehearsal {
	r := &Rehearsal{seen: map[string]bool{}}
	var err error
	if r.executor, err = New(cfg.Config); err == nil {
		path := filepath.Join(cfg.Dir, JournalName)
		if err = rundir.KeepAside(path); err == nil {
			r.journal, err = trial.OpenJournal(path)
		}
	}
	if err != nil {
		cfg.Note("nothing was simulated: %s", phrase.OneLine(err.Error()))
		return r
	}
	search := cfg.Search
	search.Executor, search.Claims, search.Journal, search.Proven = r.executor, true, r.journal, r.claim
	list, stats, err := Search(ctx, search)
	for _, g := range list { // those that fail without delays, too
		if g.Class != harness.Unattributed && len(g.Warnings) == 0 {
			r.claim(g)
		}
	}
	if err != nil && ctx.Err() == nil {
		cfg.Note("the simulation ended early: %s", phrase.OneLine(err.Error()))
	}
	r.sum = &harness.Simulation{
		Trials: stats.Trials, Failed: stats.Failed, Orders: stats.Orders, Findings: len(r.claims), Took: harness.Duration(stats.Took),
	}
	cfg.Note("simulated %d trials in %.1f s: %d failures to be proved", stats.Trials, stats.Took.Seconds(), len(r.claims))
	return r
}

// claim takes a finding that the hunt is to prove.
func (r *Rehearsal) claim(g harness.Finding) {
	key := g.Fingerprint + g.Tests[0]
	if r.seen[key] || len(r.claims) >= mostClaims {
		return
	}
	r.seen[key] = true
	r.claims = append(r.claims, hunt.Simulated{Finding: g, Divergence: func(ctx context.Context, events []harness.Event) string {
		where, err := r.executor.Parted(ctx, &g, events)
		if err != nil {
			return ""
		}
		return where
	}})
}

// Claims are the failures that the hunt is to prove.
func (r *Rehearsal) Claims() []hunt.Simulated { return r.claims }

// Finish writes into the result what came of the claims.
func (r *Rehearsal) Finish(result *harness.Result) {
	if r.sum == nil || result == nil {
		return
	}
	if s := result.Simulation; s != nil {
		r.sum.Confirmed, r.sum.Only = s.Confirmed, s.Only
	}
	result.Simulation = r.sum
}

// Close ends the workers.
func (r *Rehearsal) Close() {
	if r.journal != nil {
		_ = r.journal.Close() // what it lost was only rehearsed
	}
	if r.executor != nil {
		_ = r.executor.Close()
	}
}
