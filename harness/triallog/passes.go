package triallog

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// passes are the numbered trials of which nothing but sums will be asked: nothing
// failed in them, and nobody was warned. Most trials of a long hunt are of this
// kind. One of one test takes 88 bytes instead of some 700.
type passes struct {
	names  map[harness.TestID]int32
	ids    []harness.TestID
	suites []string
	arms   []harness.Arm
	trials []passedTrial
	runs   []passedRun
}

type passedTrial struct {
	index      int
	seed       uint64
	start      int64 // ns since 1970
	duration   harness.Duration
	from       int // its first run; they end where those of the next begin
	suite, arm int32
	worker     int32
	seen       bool // a frame passed the proxy
}

type passedRun struct {
	test     int32
	skipped  bool
	duration harness.Duration
	timerLag harness.Duration
}

// plain reports whether sums are all that will be asked of a trial.
func plain(t harness.Trial) bool {
	return summary.Counted(t.Arm) && harness.Numbered(t.Suite) && t.Infra == nil && len(t.Warnings) == 0 &&
		!slices.ContainsFunc(t.Outcomes, func(o harness.Outcome) bool {
			return o.Verdict != harness.Passed && o.Verdict != harness.Skipped || len(o.Blocked) > 0 || len(o.Warnings) > 0 ||
				o.Arm != "" && o.Arm != t.Arm || o.Trial != 0 && o.Trial != t.Index
		})
}

func (p *passes) add(t harness.Trial) {
	p.trials = append(p.trials, passedTrial{
		index: t.Index, seed: t.Seed, start: t.Start.UnixNano(), duration: t.Duration, from: len(p.runs),
		suite: place(&p.suites, t.Suite), arm: place(&p.arms, t.Arm), worker: int32(t.Worker), seen: t.Points > 0,
	})
	for _, o := range t.Outcomes {
		id, known := p.names[o.Test]
		if !known {
			if p.names == nil {
				p.names = map[harness.TestID]int32{}
			}
			id = int32(len(p.ids))
			p.names[o.Test], p.ids = id, append(p.ids, o.Test)
		}
		p.runs = append(p.runs, passedRun{test: id, skipped: o.Verdict == harness.Skipped, duration: o.Duration, timerLag: o.TimerLag})
	}
}

// place gives where a word stands in a short list, and adds it if it is new.
func place[T comparable](list *[]T, word T) int32 {
	i := slices.Index(*list, word)
	if i < 0 {
		i = len(*list)
		*list = append(*list, word)
	}
	return int32(i)
}

// trial is the i-th as sums need it.
func (p *passes) trial(i int) harness.Trial {
	t := p.trials[i]
	out := harness.Trial{
		Index: t.index, Suite: p.suites[t.suite], Arm: p.arms[t.arm], Seed: t.seed, Worker: int(t.worker),
		Start: time.Unix(0, t.start).UTC(), Duration: t.duration,
	}
	if t.seen {
		out.Points = 1
	}
	to := len(p.runs)
	if i+1 < len(p.trials) {
		to = p.trials[i+1].from
	}
	for _, r := range p.runs[t.from:to] {
		o := harness.Outcome{Test: p.ids[r.test], Trial: t.index, Arm: out.Arm, Worker: out.Worker, Seed: t.seed,
			Verdict: harness.Passed, Duration: r.duration, TimerLag: r.timerLag}
		if r.skipped {
			o.Verdict = harness.Skipped
		}
		out.Outcomes = append(out.Outcomes, o)
	}
	return out
}

// Sums gives all trials so far, as far as sums go: of those in which all passed only
// tests, verdicts and times. They come in an order that does not depend on which
// ended first.
func Sums(l *Log) iter.Seq[harness.Trial] {
	l.mu.Lock()
	defer l.mu.Unlock()
	passed := passes{ids: l.passed.ids, suites: l.passed.suites, arms: l.passed.arms, trials: slices.Clip(l.passed.trials), runs: slices.Clip(l.passed.runs)}
	told := slices.SortedStableFunc(slices.Values(l.trials), summary.Order)
	order := make([]int32, len(passed.trials))
	for i := range order {
		order[i] = int32(i)
	}
	head := func(i int32) harness.Trial {
		t := passed.trials[i]
		return harness.Trial{Index: t.index, Suite: passed.suites[t.suite], Arm: passed.arms[t.arm], Seed: t.seed, Start: time.Unix(0, t.start)}
	}
	slices.SortStableFunc(order, func(a, b int32) int {
		return cmp.Or(cmp.Compare(passed.trials[a].index, passed.trials[b].index), summary.Order(head(a), head(b)))
	})
	return func(yield func(harness.Trial) bool) {
		rest := told
		for _, i := range order {
			for at := head(i); len(rest) > 0 && summary.Order(rest[0], at) < 0; rest = rest[1:] {
				if !yield(rest[0]) {
					return
				}
			}
			if !yield(passed.trial(int(i))) {
				return
			}
		}
		for _, t := range rest {
			if !yield(t) {
				return
			}
		}
	}
}
