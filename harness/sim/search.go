package sim

import (
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/runner/inprocess"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// SearchConfig says what to look for, and for how long; Executor alone is needed.
type SearchConfig struct {
	Executor *Executor
	Seed     uint64
	For      time.Duration // by the real clock, used fully; 0: Seeds decides
	Seeds    int           // trials of each test under each strategy; 0: 64
	Known    *harness.Result
	// Known is what a directed hunt over the same executor found, if there was
	// one; else the search begins with it.

	ProvedElsewhere bool                  // findings are to be proved elsewhere: they are neither made smaller nor measured
	Journal         *trial.Journal        // of the directed hunt's trials and of failing seeds; nil: none
	Proven          func(harness.Finding) // given each finding, test by test, one at a time; may be nil
	Progress        func(Stats)           // called one at a time; may be nil
}

// Stats says what a search did.
type Stats struct {
	Trials   int // of single tests
	Failed   int
	Orders   int // different orders of commands and messages that were seen
	Findings int
	Crashes  int              // trials that ended a worker
	Coverage harness.Coverage // of the directed hunt: pairs of commands
	Took     time.Duration    // by the real clock
}

const (
	directedTrials = 4  // of each suite
	round          = 16 // trials of one test between two looks at what they brought
	searchSeeds    = 64
)

// undirected are the strategies of a search beside directed, and their
// settings: in virtual time a delay costs nothing, so a trial may consist of them.
func undirected(size explore.Survey) map[string]explore.Settings {
	return map[string]explore.Settings{
		"latency": {Latency: 60 * time.Millisecond, Jitter: 60 * time.Millisecond, Distribution: explore.Uniform},
		"random":  {Budget: 1, Max: hunt.MaxDelay, Survey: size},
		"pct":     {Budget: 1, Max: hunt.MaxDelay, Survey: size},
	}
}

// Search looks for failures in virtual time: first the directed hunt, which
// provokes what it predicts from passing histories, then seeds under the
// undirected strategies. Tests whose trials still bring orders that were not
// seen before get more of them. Every finding is harness.Simulated, with a
// schedule that was made as small as it goes.
func Search(ctx context.Context, cfg SearchConfig) ([]harness.Finding, Stats, error) {
	start := time.Now()
	if cfg.Seeds <= 0 {
		cfg.Seeds = searchSeeds
	}
	budget := ctx
	if cfg.For > 0 {
		var cancel context.CancelFunc
		budget, cancel = context.WithTimeoutCause(ctx, cfg.For, errSpent)
		defer cancel()
	}
	s := &search{cfg: cfg, found: map[string]harness.Finding{}, seen: map[string]bool{}}
	err := s.directed(budget)
	if err == nil {
		err = s.undirected(budget)
	}
	s.stats.Took = time.Since(start)
	if errors.Is(context.Cause(budget), errSpent) {
		err = nil
	}
	return s.list(), s.stats, err
}

var errSpent = errors.New("the time given has passed")

type search struct {
	cfg   SearchConfig
	stats Stats
	found map[string]harness.Finding // by fingerprint
	seen  map[string]bool            // test, cause and failure that were looked into
}

func (s *search) list() []harness.Finding {
	var list []harness.Finding
	for _, fp := range slices.Sorted(maps.Keys(s.found)) {
		list = append(list, s.found[fp])
	}
	return list
}

// proven passes a finding on.
func (s *search) proven(f harness.Finding) {
	if s.cfg.Proven != nil {
		f.Standing = harness.Simulated
		s.cfg.Proven(f)
	}
}

func (s *search) tell() {
	s.stats.Findings = len(s.found)
	if s.cfg.Progress != nil {
		s.cfg.Progress(s.stats)
	}
}

func (s *search) directed(ctx context.Context) error {
	e := s.cfg.Executor
	r := s.cfg.Known
	aimed := 0
	if r == nil {
		suites, err := inprocess.ForTarget(e.cfg.Target)
		if err != nil {
			return err
		}
		r, err = hunt.Run(ctx, hunt.Config{
			Target: e.cfg.Target, Runner: suites, Executor: e, Strategy: "directed",
			Seed: s.cfg.Seed, Journal: s.cfg.Journal,
			Budget: hunt.Budget{Trials: directedTrials},
			Scope:  hunt.Scope{NoDirect: true, NoMargins: s.cfg.ProvedElsewhere},
			Hooks: hunt.Hooks{Proven: s.proven, Progress: func(p hunt.Progress) {
				aimed = p.Done + p.Active
				if p.Findings > s.stats.Findings && s.cfg.Progress != nil {
					s.stats.Findings = p.Findings
					s.cfg.Progress(s.stats)
				}
			}},
		})
		s.stats.Trials += aimed
		if err != nil {
			return err
		}
	}
	for _, f := range r.Findings {
		if f.Standing == harness.Latent {
			continue // nothing has failed, in virtual time neither
		}
		f.Standing = harness.Simulated
		s.found[f.Fingerprint] = f
	}
	if r.Coverage != nil {
		s.stats.Coverage = *r.Coverage
	}
	s.tell()
	return ctx.Err()
}

// arm is one test under one strategy.
type arm struct {
	test     harness.TestID
	strategy string
	params   map[string]string
	seed     uint64
	next     int // trial
	orders   map[uint64]bool
	share    float64 // of the last trials, that brought a new order
}

// undirected plays rounds of seeds, until the time or the seeds are used up.
func (s *search) undirected(ctx context.Context) error {
	arms, err := s.arms(ctx)
	if err != nil {
		return err
	}
	for ctx.Err() == nil {
		var open []*arm
		for _, a := range arms {
			if s.cfg.For > 0 || a.next <= s.cfg.Seeds {
				open = append(open, a)
			}
		}
		if len(open) == 0 {
			return nil
		}
		for _, a := range open {
			// Never none: what brought nothing new so far may still do.
			n := max(round/4, int(math.Round(4*round*a.share)))
			if s.cfg.For <= 0 {
				n = min(n, s.cfg.Seeds-a.next+1)
			}
			if err := s.play(ctx, a, n); err != nil {
				return err
			}
		}
		s.tell()
	}
	return ctx.Err()
}

// arms sizes each test up by a trial without delays.
func (s *search) arms(ctx context.Context) ([]*arm, error) {
	var arms []*arm
	for _, test := range s.cfg.Executor.tests {
		d, err := s.cfg.Executor.Do(ctx, trial.Job{Index: 1, Suite: test.Suite, Tests: []string{test.Name}, Arm: harness.Survey, Seed: s.cfg.Seed})
		if err != nil {
			return nil, err
		}
		o := d.Outcome(test.Name)
		if o == nil {
			continue
		}
		s.stats.Trials++
		s.failure(ctx, d, o)
		size := explore.Survey{Frames: d.Trial.Points, Duration: max(time.Duration(o.Duration), 100*time.Millisecond), Tests: 1, Roles: 4}
		strategies := undirected(size)
		for i, name := range slices.Sorted(maps.Keys(strategies)) {
			arms = append(arms, &arm{
				test: test, strategy: name, params: strategies[name].Params(),
				seed: trial.Mix(s.cfg.Seed, i+1), next: 1, orders: map[uint64]bool{}, share: 0.25,
			})
		}
	}
	return arms, nil
}

// play plays n trials of an arm.
func (s *search) play(ctx context.Context, a *arm, n int) error {
	p, err := s.cfg.Executor.Play(ctx, Batch{
		Suite: a.test.Suite, Tests: []string{a.test.Name}, Strategy: a.strategy, Params: a.params,
		Seed: a.seed, First: a.next, Count: n, Digests: true,
	})
	if err != nil {
		return err
	}
	a.next += n
	fresh := 0
	for _, d := range p.Digests {
		if !a.orders[d.Order] && d.Test == a.test.Name {
			a.orders[d.Order] = true
			fresh++
		}
	}
	a.share = float64(fresh) / float64(n)
	s.stats.Trials += p.Trials
	s.stats.Crashes += p.Crashes
	s.stats.Failed += len(p.Failed)
	s.stats.Orders += fresh
	for _, d := range p.Failed {
		if s.cfg.Journal != nil {
			if err := s.cfg.Journal.Append(d.Trial); err != nil {
				return err
			}
		}
		if o := d.Outcome(a.test.Name); o != nil {
			s.failure(ctx, d, o)
		}
	}
	return nil
}

// failure makes a finding of a failed trial, unless its like is known.
func (s *search) failure(ctx context.Context, d *trial.Done, o *harness.Outcome) {
	if o.Verdict != harness.Failed || o.Failure == nil || o.Cause == harness.TimeoutClient {
		return // a delay beyond what a test waits shows that it waits, as in the hunt
	}
	key := o.Test.Name + "\n" + string(o.Cause) + "\n" + o.Failure.Fingerprint
	if s.seen[key] || ctx.Err() != nil {
		return
	}
	s.seen[key] = true
	for _, f := range s.found {
		if slices.Contains(f.Tests, o.Test.Name) && (f.Class == o.Cause || f.Failure.Fingerprint == o.Failure.Fingerprint) {
			return
		}
	}
	f, err := s.cfg.Executor.finding(ctx, d, o)
	if err != nil || f == nil {
		return // it could not be played again: the time is over
	}
	if len(f.Warnings) == 0 { // it failed again by itself
		s.proven(*f)
	}
	if old, ok := s.found[f.Fingerprint]; ok {
		old.Tests = append(slices.Clone(old.Tests), f.Tests...)
		s.found[f.Fingerprint] = old
		return
	}
	s.found[f.Fingerprint] = *f
}
