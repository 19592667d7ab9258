package main

import (
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/flakehunt/flakehunt/harness/hunt"
)

// progress shows how far a hunt is: a bar on a terminal, a plain line now and
// then elsewhere.
type progress struct {
	a     *app
	bars  *mpb.Progress
	bar   *mpb.Bar
	last  atomic.Pointer[hunt.Progress] // the bar is drawn from a goroutine of its own
	said  time.Time
	start time.Time
}

// plainEvery is how often a plain line is printed at most.
const plainEvery = 5 * time.Second

func newProgress(a *app) *progress {
	p := &progress{a: a, start: time.Now(), said: time.Now()}
	p.last.Store(&hunt.Progress{})
	if width, ok := terminal(a.err); ok && !a.quiet {
		p.bars = mpb.New(mpb.WithOutput(a.err), mpb.WithWidth(min(width/3, 40)), mpb.WithAutoRefresh())
		p.bar = p.bars.AddBar(0,
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return p.last.Load().Phase }, decor.WC{W: 10, C: decor.DindentRight})),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
				now := *p.last.Load()
				return " " + counts(now) + left(now, time.Since(p.start))
			})),
			mpb.BarRemoveOnComplete())
	}
	return p
}

// show is called by the hunt, one call at a time.
func (p *progress) show(now hunt.Progress) {
	before := p.last.Swap(&now)
	if p.a.quiet {
		return
	}
	if now.Note != "" {
		p.note(now.Note)
	}
	if p.bar != nil {
		p.bar.SetTotal(int64(max(now.Total, now.Done+1)), false)
		p.bar.SetCurrent(int64(now.Done))
		return
	}
	if now.Phase != before.Phase && now.Phase != "" || time.Since(p.said) >= plainEvery {
		p.said = time.Now()
		fmt.Fprintf(p.a.err, "%6s  %-9s %s%s\n", time.Since(p.start).Round(time.Second), now.Phase, counts(now), left(now, time.Since(p.start)))
	}
}

// note prints a line beside what is shown.
func (p *progress) note(line string) {
	switch {
	case p.a.quiet:
	case p.bar != nil:
		fmt.Fprintln(p.bars, line)
	default:
		fmt.Fprintln(p.a.err, line)
	}
}

func counts(p hunt.Progress) string {
	s := fmt.Sprintf("%d trials", p.Done)
	if p.Total > 0 {
		s = fmt.Sprintf("%d/%d trials", p.Done, p.Total)
	}
	if p.Active > 0 {
		s += fmt.Sprintf(" · %d aimed", p.Active)
	}
	s += fmt.Sprintf(" · %d failures", p.Failures)
	if p.Findings > 0 {
		s += fmt.Sprintf(" · %d causes", p.Findings)
	}
	return s
}

// left says how long the numbered trials will still take, by how long those so
// far took; nothing while that cannot be told.
func left(p hunt.Progress, elapsed time.Duration) string {
	if p.Done < 3 || p.Total <= p.Done {
		return ""
	}
	rest := time.Duration(float64(elapsed) / float64(p.Done) * float64(p.Total-p.Done))
	return fmt.Sprintf(" · about %s left", rest.Round(time.Second))
}

func (p *progress) done() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
}

func numCPU() int { return runtime.GOMAXPROCS(0) }
