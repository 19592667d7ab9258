package hunt

import (
	"fmt"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// Progress says how far the hunt is.
type Progress struct {
	Phase    string // "survey", "provoke", "reduce"
	Done     int    // suite trials
	Total    int    // 0: unknown
	Failures int    // failed executions of tests in natural and explored trials
	Active   int    // aimed trials so far
	Findings int
	Tests    int    // that are investigated; 0: not known yet
	Looked   int    // of them, those that are done
	Note     string // something worth a line, once
	Detail   string // what is done, of interest to whoever asks for all of it; once
}

// progress keeps count of a hunt for whoever watches it.
type progress struct {
	mu   sync.Mutex
	now  Progress
	tell func(Progress) // may be nil
	size func() int     // findings so far
}

// change changes what is known and tells it.
func (p *progress) change(how func(*Progress)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	how(&p.now)
	if p.tell != nil {
		p.now.Findings = p.size()
		p.tell(p.now)
	}
	p.now.Note, p.now.Detail = "", ""
}

// phase names what is done now; a total of 0 leaves the old one.
func (p *progress) phase(name string, total int) {
	p.change(func(now *Progress) {
		now.Phase = name
		if total > 0 {
			now.Total = total
		}
	})
}

// note says something once.
func (p *progress) note(format string, args ...any) {
	p.change(func(now *Progress) { now.Note = fmt.Sprintf(format, args...) })
}

// detail says what is done.
func (p *progress) detail(format string, args ...any) {
	p.change(func(now *Progress) { now.Detail = fmt.Sprintf(format, args...) })
}

// looked counts a test whose investigation is over.
func (p *progress) looked() { p.change(func(now *Progress) { now.Looked++ }) }

// expect adds to the trials that are to be done; it tells nobody yet.
func (p *progress) expect(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Total += n
}

// count counts a finished trial.
func (p *progress) count(t harness.Trial) {
	p.change(func(now *Progress) {
		now.Detail = describeTrial(t)
		if !summary.Counted(t.Arm) {
			now.Active++
			return
		}
		now.Done++
		for i := range t.Outcomes {
			if evidence.Read(&t.Outcomes[i]) == evidence.Failed {
				now.Failures++
			}
		}
	})
}

// describeTrial says what a finished trial was and what came of it.
func describeTrial(t harness.Trial) string {
	took := phrase.Ms(time.Duration(t.Duration))
	if !summary.Counted(t.Arm) && len(t.Outcomes) > 0 { // those before the last are what it follows on
		o := &t.Outcomes[len(t.Outcomes)-1]
		return fmt.Sprintf("trial %d, %s: %s: %s, %s, %s", t.Index, t.Arm, o.Test.Name, describeInjected(t.Schedule), describeOutcome(o), took)
	}
	failed := 0
	for i := range t.Outcomes {
		if evidence.Read(&t.Outcomes[i]) == evidence.Failed {
			failed++
		}
	}
	of := ""
	if t.Suite != "" {
		of = " of " + t.Suite
	}
	return fmt.Sprintf("trial %d, %s%s: %s, %d failed, %s", t.Index, t.Arm, of, phrase.Plural(len(t.Outcomes), "test"), failed, took)
}

// describeInjected says what a schedule does.
func describeInjected(s *harness.Schedule) string {
	switch {
	case s == nil || len(s.Decisions) == 0 && (s.Strategy == "" || s.Strategy == "replay"):
		return "nothing injected"
	case len(s.Decisions) == 0:
		return s.Strategy
	}
	return phrase.Plural(len(s.Decisions), "decision")
}

// describeOutcome says how a trial reads.
func describeOutcome(o *harness.Outcome) string {
	switch evidence.Read(o) {
	case evidence.Stalled:
		return "counts for nothing: a hold could not be kept"
	case evidence.Failed:
		return "failed"
	}
	return "passed"
}
