package hunt

import (
	"fmt"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/evidence"
	"github.com/flakehunt/flakehunt/harness/summary"
)

// Progress says how far the hunt is.
type Progress struct {
	Phase    string // "survey", "provoke", "reduce"
	Done     int    // suite trials
	Total    int    // 0: unknown
	Failures int    // failed executions of tests in natural and explored trials
	Active   int    // aimed trials so far
	Findings int
	Note     string // something worth a line, once
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
	p.now.Note = ""
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

// expect adds to the trials that are to be done; it tells nobody yet.
func (p *progress) expect(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now.Total += n
}

// count counts a finished trial.
func (p *progress) count(t harness.Trial) {
	p.change(func(now *Progress) {
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
