package contrast

import (
	"cmp"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
)

// maxRuns is how many runs are compared: one bit of a word each.
const maxRuns = 64

// Run is one execution of the test, with its history.
type Run struct {
	Trace     *detect.Trace
	Failed    bool
	Failure   string             // its fingerprint; failures of another kind are left out
	Arm       harness.Arm        // for what it was made
	Decisions []harness.Decision // what was forced in it
	FailedAt  time.Duration      // when the failure shows on the wire; 0: as detect.Horizon has it
}

// frame is what a run did at one point: a command, or a message pushed.
type frame struct {
	came     time.Duration // at the proxy
	took     time.Duration // effect, in Redis; of a push: came from there
	answered time.Duration // its answer, or it, went to the client; 0: never
	conn     uint32
	command  *detect.Command  // nil: a push
	push     *detect.Delivery // nil: a command
}

// table holds the frames of all runs by the names of their points.
type table struct {
	runs    []Run
	failed  uint64 // bit i: run i failed
	points  []harness.Point
	id      map[harness.Point]int32
	at      [][]*frame // by run and point; nil: not there, or after the failure showed
	usual   []time.Duration
	answer  [][]int16 // by run and point: which of answers a command got; 0: none
	answers []string
}

// newTable takes what is known before the failure shows of the runs that passed
// or failed as asked; of too many it keeps both kinds.
func newTable(runs []Run, failure string) *table {
	var failing, passing []Run
	for _, r := range runs {
		switch {
		case r.Trace == nil:
		case !r.Failed:
			passing = append(passing, r)
		case failure == "" || r.Failure == failure:
			failing = append(failing, r)
		}
	}
	nf := min(len(failing), max(maxRuns/2, maxRuns-len(passing)))
	np := min(len(passing), maxRuns-nf)
	t := &table{id: map[harness.Point]int32{}, runs: append(slices.Clone(failing[:nf]), passing[:np]...)}
	for i := range t.runs {
		if i < nf {
			t.failed |= 1 << i
		}
		t.addRun(i)
	}
	for i := range t.at { // points that were named by later runs
		t.at[i] = append(t.at[i], make([]*frame, len(t.points)-len(t.at[i]))...)
	}
	t.reckonUsual()
	t.noteAnswers()
	return t
}

func (t *table) intern(p harness.Point) int32 {
	n, known := t.id[p]
	if !known {
		n = int32(len(t.points))
		t.id[p] = n
		t.points = append(t.points, p)
	}
	return n
}

// addRun enters the frames of run i.
func (t *table) addRun(i int) {
	r := t.runs[i]
	cut := r.FailedAt
	if cut == 0 {
		cut = detect.Horizon(r.Trace)
	}
	if cut >= r.Trace.End {
		cut = r.Trace.End + 1
	}
	row := make([]*frame, len(t.points), len(t.points)+len(r.Trace.Commands))
	put := func(p harness.Point, f *frame) {
		id := int(t.intern(p))
		for len(row) <= id {
			row = append(row, nil)
		}
		if f.came < cut && row[id] == nil {
			row[id] = f
		}
	}
	begin := r.Trace.Begin
	for _, c := range r.Trace.Commands {
		if c.Ending != harness.Dropped {
			f := &frame{came: c.Arrived, took: c.Sent, conn: c.Conn, command: c}
			if c.Answered() {
				f.answered = c.Replied
			}
			put(c.Point, f)
		}
	}
	for _, d := range r.Trace.Deliveries {
		f := &frame{came: d.Came, took: d.Came, conn: d.Conn, push: d}
		if d.Event.Ending != harness.Dropped {
			f.answered = d.Went
		}
		put(d.Event.Point, f)
	}
	for _, f := range row {
		if f != nil { // from here on all times count from the beginning of the test
			f.came, f.took = f.came-begin, f.took-begin
			if f.answered != 0 {
				f.answered -= begin
			}
		}
	}
	t.at = append(t.at, row)
}

// reckonUsual finds when each point comes as a rule: the median over the runs
// that have it.
func (t *table) reckonUsual() {
	t.usual = make([]time.Duration, len(t.points))
	var times []time.Duration
	for id := range t.points {
		times = times[:0]
		for i := range t.runs {
			if f := t.at[i][id]; f != nil {
				times = append(times, f.came)
			}
		}
		if len(times) > 0 {
			slices.Sort(times)
			t.usual[id] = times[len(times)/2]
		}
	}
}

// ordered lists the points of run i that a filter keeps, in the order of a time.
func (t *table) ordered(i int, by func(*frame) time.Duration) []int32 {
	var out []int32
	for id, f := range t.at[i] {
		if f != nil && by(f) != 0 {
			out = append(out, int32(id))
		}
	}
	row := t.at[i]
	slices.SortStableFunc(out, func(a, b int32) int { return cmp.Compare(by(row[a]), by(row[b])) })
	return out
}

// any1 is the frame of the first run that has the point.
func (t *table) any1(id int32, in uint64) *frame {
	for i := range t.runs {
		if in&(1<<i) != 0 && t.at[i][id] != nil {
			return t.at[i][id]
		}
	}
	return nil
}
