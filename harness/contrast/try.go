package contrast

import (
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect/nearmiss"
)

const (
	// maxDelay is the longest delay that is proposed, as everywhere in the hunt.
	maxDelay = 500 * time.Millisecond
	// maxHoldGap is the longest gap over which a pair is turned round by a hold.
	maxHoldGap = 3 * time.Second
	// slack is what a delay exceeds by what it is to outlast.
	slack = 40 * time.Millisecond
)

// try makes the schedules that force a predicate to hold, and not to; nil where no
// delay does that.
func (t *table) try(p Predicate, shape string) *nearmiss.Candidate {
	c := &nearmiss.Candidate{
		Class: p.Class, Test: t.runs[0].Trace.Test, Shape: "contrast: " + p.Kind.String(), Title: p.Text, First: p.First, Then: p.Then,
		Also:       []harness.Class{harness.RaceCheckThenAct, harness.RaceLostUpdate, harness.OrderCommands, harness.OrderMessages},
		Likelihood: max(0.05, p.Increase), Gap: t.span(p.First, p.Then, p.known),
	}
	switch p.Kind {
	case Order, Delivery:
		if c.Gap > maxHoldGap || p.First == p.Then {
			return nil
		}
		until := func(q harness.Point) harness.Point {
			if p.Kind == Delivery {
				return q
			}
			return q.Reply()
		}
		c.Provoke = harness.ReplaySchedule(c.Test, harness.HoldFrame(p.First, until(p.Then), c.Gap))
		c.Counter = harness.ReplaySchedule(c.Test, harness.HoldFrame(p.Then, until(p.First), c.Gap))
	case Lifetime, Gap:
		if shape == "shorter" {
			return nil // nothing makes a frame come sooner; another one's delay may
		}
		d, ok := t.needed(p)
		if !ok {
			return nil
		}
		late := p.First
		if p.Kind == Gap && p.First == p.Then.Reply() {
			late = p.Then // the request, so that Redis and the client both see it late
		}
		c.Provoke = harness.ReplaySchedule(c.Test, harness.DelayFrame(late, d))
		c.Counter = harness.ReplaySchedule(c.Test)
	default:
		return nil
	}
	return c
}

// needed is how long the late frame must be delayed for the predicate to hold in a
// run that passes.
func (t *table) needed(p Predicate) (time.Duration, bool) {
	var d time.Duration
	switch p.Kind {
	case Gap:
		good := p.known &^ p.holds
		if p.First == p.Then.Reply() {
			d = p.Threshold - t.latency(p.Then, good) + slack
		} else {
			d = p.Threshold - t.span(p.First, p.Then, good) + slack
		}
	case Lifetime:
		set, read := t.id[request(p.Then)], t.id[request(p.First)]
		for i := range t.runs {
			f, g := t.at[i][set], t.at[i][read]
			if p.holds&(1<<i) != 0 || f == nil || g == nil {
				continue
			}
			switch {
			case f.command != nil && f.command.Expires: // the read is late
				d = max(d, f.command.TTL-(g.took-f.took)+slack)
			case g.command != nil && g.command.Expires: // what gave the time to live is
				d = max(d, (f.took-g.took)-g.command.TTL+slack)
			}
		}
	}
	return d, d > 0 && d <= maxDelay
}

// latency is the median time that a command's answer took, over runs of a set.
func (t *table) latency(p harness.Point, in uint64) time.Duration {
	id := t.id[p]
	var list []time.Duration
	for i := range t.runs {
		if f := t.at[i][id]; in&(1<<i) != 0 && f != nil && f.answered != 0 {
			list = append(list, f.answered-f.came)
		}
	}
	return median(list)
}

func median(list []time.Duration) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[len(list)/2]
}
