package explore

import (
	"fmt"
	"sync/atomic"

	"github.com/flakehunt/flakehunt/harness"
)

// Replay carries out decisions that were given. Beside that it notes which of
// the points that they name have appeared: a replay that never met one of its
// points has diverged, whatever came of it.
type Replay struct {
	decisions []harness.Decision
	byPoint   map[named]int32    // index in decisions; the first of a name wins
	watched   map[named][]int32  // points that a hold waits for
	groups    map[named]struct{} // all of these without ordinal, for Concerns
	roleless  bool               // a hold waits for a point of any role
	met       []atomic.Bool      // At appeared
	released  []atomic.Bool      // Until appeared, if there is one
}

// named is a point within a test; an empty test means any.
type named struct {
	test string
	at   harness.Point
}

// NewReplay makes a replay of decisions. They are checked: an action that is
// not known, a decision without a point, or a hold without an end, is an error
// of one line.
func NewReplay(decisions []harness.Decision) (*Replay, error) {
	r := &Replay{
		decisions: decisions,
		byPoint:   map[named]int32{},
		watched:   map[named][]int32{},
		groups:    map[named]struct{}{},
		met:       make([]atomic.Bool, len(decisions)),
		released:  make([]atomic.Bool, len(decisions)),
	}
	for i, d := range decisions {
		if err := d.Check(); err != nil {
			return nil, fmt.Errorf("decision %d of the schedule: %w", i+1, err)
		}
		key := named{d.Test, d.At}
		if _, taken := r.byPoint[key]; !taken {
			r.byPoint[key] = int32(i)
		}
		r.groups[named{d.Test, d.At.Any()}] = struct{}{}
		if !d.Until.IsZero() {
			until := named{d.Test, d.Until}
			r.watched[until] = append(r.watched[until], int32(i))
			r.groups[named{d.Test, d.Until.Any()}] = struct{}{}
			r.roleless = r.roleless || d.Until.Role == ""
		}
	}
	return r, nil
}

// Decide returns the decision that names p in the test: one that names the test
// before one for all, and one that names the ordinal before one for every.
func (r *Replay) Decide(test string, p harness.Point) harness.Decision {
	keys := [...]named{{test, p}, {"", p}, {test, p.Any()}, {"", p.Any()}}
	for _, k := range keys {
		r.release(k)
		if r.roleless {
			k.at.Role = ""
			r.release(k)
		}
	}
	for _, k := range keys {
		if i, ok := r.byPoint[k]; ok {
			r.met[i].Store(true)
			d := r.decisions[i]
			d.Test, d.At = test, p
			return d
		}
	}
	return harness.Decision{}
}

// release notes that a point appeared that holds may wait for.
func (r *Replay) release(k named) {
	for _, i := range r.watched[k] {
		r.released[i].Store(true)
	}
}

// Concerns reports whether a decision names p, or waits for it.
func (r *Replay) Concerns(test string, p harness.Point) bool {
	if r.names(test, p) {
		return true
	}
	p.Role = ""
	return r.roleless && r.names(test, p)
}

func (r *Replay) names(test string, p harness.Point) bool {
	if _, ok := r.groups[named{test, p}]; ok {
		return true
	}
	_, ok := r.groups[named{"", p}]
	return ok
}

// Unmet lists the decisions for the test, or for all tests, whose frames have
// not appeared.
func (r *Replay) Unmet(test string) []harness.Decision {
	var out []harness.Decision
	for i, d := range r.decisions {
		if (d.Test == test || d.Test == "") && !r.met[i].Load() {
			out = append(out, d)
		}
	}
	return out
}

// Missing lists the points that decisions name and that have not appeared, in
// the order of the decisions.
func (r *Replay) Missing() []harness.Point {
	var out []harness.Point
	for i, d := range r.decisions {
		if !r.met[i].Load() {
			out = append(out, d.At)
		}
		if !d.Until.IsZero() && !r.released[i].Load() {
			out = append(out, d.Until)
		}
	}
	return out
}

// Diverged returns the first point that the schedule names and that has not
// appeared; ok is false if all have.
func (r *Replay) Diverged() (at harness.Point, ok bool) {
	if m := r.Missing(); len(m) > 0 {
		return m[0], true
	}
	return harness.Point{}, false
}

// String says what the strategy does.
func (r *Replay) String() string {
	return fmt.Sprintf("%d decisions from a schedule", len(r.decisions))
}
