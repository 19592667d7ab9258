package sim

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/trial"
)

// Batch is many trials that differ in their seed alone: trial i, of First to
// First+Count-1, has the seed trial.Mix(Seed, i).
type Batch struct {
	Suite    string   // for the journal
	Tests    []string // none: all of the target
	Strategy string   // "" or "none": nothing but the network's latency
	Params   map[string]string
	Seed     uint64
	First    int
	Count    int
	Stop     int  // end after so many failed trials; 0: go on
	Digests  bool // say of each test what came of it
}

// Digest is what came of one test in one trial, in short.
type Digest struct {
	Trial   int
	Test    string
	Verdict harness.Verdict
	History uint64 // hash of all events; equal histories have equal hashes
	Order   uint64 // hash of the order in which frames left, whatever the times
}

// schedule is what trial i injects.
func (b *Batch) schedule(i int) *harness.Schedule {
	if b.Strategy == "" || b.Strategy == "none" {
		return nil
	}
	return &harness.Schedule{
		Version: harness.ScheduleVersion, Strategy: b.Strategy, Seed: trial.Mix(b.Seed, i), Params: b.Params,
	}
}

// job is trial i.
func (b *Batch) job(i int) trial.Job {
	j := trial.Job{Index: i, Suite: b.Suite, Tests: b.Tests, Arm: harness.Survey, Seed: trial.Mix(b.Seed, i), Keep: b.Digests}
	if s := b.schedule(i); s != nil {
		j.Arm, j.Plan = harness.Explore, plan(s)
	}
	return j
}

// batch plays the trials of an order. Of those that pass nothing is sent back.
func (w *worker) batch(o *batchOrder) report {
	b := &o.Batch
	r := &batchReport{}
	told := time.Now()
	for i := b.First; i < b.First+b.Count; i++ {
		// A mark costs as much as a tenth of a short trial, so there is one now and
		// then, or the parent ends this process.
		if o.Marks || time.Since(told) > trialTimeout/10 {
			w.tell(report{At: i})
			told = time.Now()
		}
		done, left, err := w.play(b.job(i), o.Worker, nil)
		if err != nil {
			return report{Err: fmt.Sprintf("trial %d: %v", i, err), Last: left}
		}
		if b.Digests {
			r.Digests = append(r.Digests, digests(done)...)
		}
		if f := failuresOf(done); f != nil {
			r.Failed = append(r.Failed, *f)
		}
		if left || b.Stop > 0 && len(r.Failed) >= b.Stop {
			return report{Batch: r, At: i, Last: left}
		}
		w.sweep()
	}
	return report{Batch: r, At: b.First + b.Count - 1}
}

// failuresOf leaves of a trial what failed; nil: nothing did.
func failuresOf(d *trial.Done) *jobReport {
	passed := func(o harness.Outcome) bool { return o.Verdict != harness.Failed }
	if !slices.ContainsFunc(d.Trial.Outcomes, func(o harness.Outcome) bool { return !passed(o) }) {
		return nil
	}
	r := reported(d)
	r.Trial.Outcomes = slices.DeleteFunc(slices.Clone(d.Trial.Outcomes), passed)
	r.Events = map[string][]harness.Event{}
	for _, o := range r.Trial.Outcomes {
		r.Events[o.Test.Name] = d.Events[o.Test.Name]
	}
	return r
}

func digests(d *trial.Done) []Digest {
	var list []Digest
	for _, name := range slices.Sorted(maps.Keys(d.Events)) {
		x := Digest{Trial: d.Trial.Index, Test: name, History: Hash(d.Events[name]), Order: orderOf(d.Events[name])}
		if o := d.Outcome(name); o != nil {
			x.Verdict = o.Verdict
		}
		list = append(list, x)
	}
	return list
}

// Hash folds a history, event by event, into one number: of each event all but
// the number of the connection, since those of one role that open at one instant
// have no order.
func Hash(events []harness.Event) uint64 {
	h := fnv.New64a()
	var b []byte
	for i := range events {
		e := &events[i]
		b = e.Point.Append(b[:0])
		for _, n := range []int64{
			int64(e.Kind), int64(e.In), int64(e.Out), int64(e.Asked), int64(e.Ending), int64(e.Seq), int64(e.ReplyTo), int64(e.Size),
		} {
			b = binary.AppendVarint(b, n)
		}
		b = append(b, e.Action...)
		b = strconv.AppendBool(b, e.IsError)
		b = strconv.AppendBool(b, e.InMulti)
		h.Write(append(b, e.Raw...))
	}
	return h.Sum64()
}

// orderOf folds the order in which requests reached Redis, and pushes the
// clients, into one number.
func orderOf(events []harness.Event) uint64 {
	var moved []*harness.Event
	for i := range events {
		if e := &events[i]; (e.Kind == harness.Request || e.Kind == harness.Push) && e.Out > 0 {
			moved = append(moved, e)
		}
	}
	slices.SortStableFunc(moved, func(a, b *harness.Event) int { return cmp.Compare(a.Out, b.Out) })
	h := fnv.New64a()
	var name []byte
	for _, e := range moved {
		name = e.Point.Append(name[:0])
		h.Write(name)
	}
	return h.Sum64()
}
