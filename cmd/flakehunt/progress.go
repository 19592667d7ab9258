package main

import (
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/internal/phrase"
	"github.com/flakehunt/flakehunt/reports"
)

// progress shows how far a hunt is: a bar on a terminal, a plain line now and
// then elsewhere.
type progress struct {
	m     *messages
	bars  *mpb.Progress
	bar   *mpb.Bar
	last  atomic.Pointer[hunt.Progress] // the bar is drawn from a goroutine of its own
	said  time.Time
	start time.Time
	hunt  time.Duration // how long the hunt is given; 0: by trials
}

// plainEvery is how often a plain line is printed at most.
const plainEvery = 5 * time.Second

// newProgress begins to show a hunt that lasts as long as given; 0: until its trials are done.
func newProgress(m *messages, given time.Duration) *progress {
	p := &progress{m: m, start: time.Now(), said: time.Now(), hunt: given}
	p.last.Store(&hunt.Progress{})
	if width, ok := terminal(m.err); ok && !m.quiet {
		p.bars = mpb.New(mpb.WithOutput(bare(m.err)), mpb.WithWidth(min(width/3, 40)), mpb.WithAutoRefresh())
		p.bar = p.bars.AddBar(0,
			mpb.PrependDecorators(decor.Any(func(decor.Statistics) string { return p.last.Load().Phase }, decor.WC{W: 10, C: decor.DindentRight})),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string {
				now := *p.last.Load()
				return " " + counts(now) + p.left(now)
			})),
			mpb.BarRemoveOnComplete())
		m.bars.Store(p.bars)
	}
	return p
}

// show is called by the hunt, one call at a time.
func (p *progress) show(now hunt.Progress) {
	before := p.last.Swap(&now)
	if p.m.quiet {
		return
	}
	if now.Note != "" {
		p.note(now.Note)
	}
	if now.Detail != "" && p.m.verbose {
		p.say(fmt.Sprintf("%6s  ", time.Since(p.start).Round(time.Second)), now.Detail)
	}
	if p.bar != nil {
		p.bar.SetTotal(int64(max(now.Total, now.Done+1)), false)
		p.bar.SetCurrent(int64(now.Done))
		return
	}
	if now.Phase != before.Phase && now.Phase != "" || time.Since(p.said) >= plainEvery {
		p.said = time.Now()
		fmt.Fprintf(p.m.err, "%6s  %-9s %s%s\n", time.Since(p.start).Round(time.Second), now.Phase, counts(now), p.left(now))
	}
}

// note prints a line beside what is shown.
func (p *progress) note(line string) { p.say("", line) }

func (p *progress) say(before, line string) {
	if !p.m.quiet {
		fmt.Fprintln(besideBar{p.m}, before+reports.Line(line))
	}
}

// besideBar writes whole lines to standard error: above the bar, while there is one.
type besideBar struct{ m *messages }

func (w besideBar) Write(b []byte) (int, error) {
	if bars := w.m.bars.Load(); bars != nil {
		if _, err := bars.Write(w.m.mask.Bytes(b)); err == nil {
			return len(b), nil
		}
	}
	return w.m.err.Write(b)
}

// bare is the file that a writer writes to: what draws a bar has to see that it is a
// terminal.
func bare(w io.Writer) io.Writer {
	if m, is := w.(interface{ Unwrap() io.Writer }); is {
		return m.Unwrap()
	}
	return w
}

func counts(p hunt.Progress) string {
	s := fmt.Sprintf("%d trials", p.Done)
	if p.Total > 0 {
		s = fmt.Sprintf("%d/%d trials", p.Done, p.Total)
	}
	if p.Active > 0 {
		s += fmt.Sprintf(" · %d aimed", p.Active)
	}
	if p.Looked > 0 {
		s += fmt.Sprintf(" · %d/%d tests", p.Looked, p.Tests)
	}
	s += " · " + phrase.Plural(p.Failures, "failure")
	if p.Findings > 0 {
		s += " · " + phrase.Plural(p.Findings, "cause")
	}
	return s
}

// left says how long the hunt will still take: by the time that it is given, else
// by how long its numbered trials and its tests took so far, whichever takes
// longer; nothing while that cannot be told.
func (p *progress) left(now hunt.Progress) string {
	elapsed := time.Since(p.start)
	rest := max(restOf(now.Done, now.Total, elapsed), restOf(now.Looked, now.Tests, elapsed))
	if p.hunt > 0 {
		rest = max(0, p.hunt-elapsed)
	}
	if rest == 0 {
		return ""
	}
	return fmt.Sprintf(" · about %s left", max(rest, time.Second).Round(time.Second))
}

// restOf is how long the rest takes if it goes on as before; 0: all is done, or too
// little to say.
func restOf(done, total int, elapsed time.Duration) time.Duration {
	if done < 3 || total <= done {
		return 0
	}
	return time.Duration(float64(elapsed) / float64(done) * float64(total-done))
}

func (p *progress) done() {
	if p.bar != nil {
		p.bar.Abort(true)
		p.bars.Wait()
		p.m.bars.Store(nil)
	}
}

func numCPU() int { return runtime.GOMAXPROCS(0) }
