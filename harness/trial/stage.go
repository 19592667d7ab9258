package trial

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/proxy"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/secrets"
	"github.com/flakehunt/flakehunt/harness/source"
)

// Stage is where a trial is played: a proxy with an empty Redis behind it, in
// real time or in virtual.
type Stage struct {
	Runner   runner.Runner
	Proxy    *proxy.Proxy
	Redis    runner.Endpoint // given to the tests
	Health   Health
	Worker   int
	Payload  int                             // bytes kept of a frame; 0: the recorder's default
	Deadline time.Duration                   // for one test; 0: the runner's own
	TimerLag *runner.TimerLag                // nil: not watched
	Spent    func(cpu, wall time.Duration)   // as runner.Exec has it; may be nil
	Dir      string                          // a directory of the trial's own; may be empty
	Started  func(leader int) (ended func()) // told of the target's processes; may be nil
	Mask     *secrets.Mask                   // nil: nothing is secret
	// Direct gives a connection to Redis that passes no proxy; nil: MONITOR is not used.
	Direct func(context.Context) (net.Conn, error)

	// Network, if set, makes of the job's scheduler, which may be nil, the one
	// that the proxy asks, and Canonicalize takes what it added off a history.
	Network      func(harness.Scheduler) harness.Scheduler
	Canonicalize func([]harness.Event) []harness.Event
}

// Play runs the job's tests once, and puts together what they did and what was
// on the wire. An error means that Redis or the proxy failed.
func (s *Stage) Play(ctx context.Context, j Job) (*Done, error) {
	d := &Done{Events: map[string][]harness.Event{}, Matches: map[string][]detect.Match{}}
	var schedule *harness.Schedule
	if j.Plan != nil {
		var err error
		if d.Scheduler, schedule, err = j.Plan(); err != nil {
			return nil, fmt.Errorf("make the schedule: %w", err)
		}
	}
	decides := d.Scheduler
	if s.Network != nil {
		decides = s.Network(decides)
	}
	buffer := history.NewBuffer(history.BufferConfig{Payload: s.Payload})
	defer buffer.Close()
	wire := &counted{Buffer: buffer, mask: s.Mask}
	var calls source.Callers
	s.Proxy.StartTrial(decides, wire)

	finish, watched := s.monitor(ctx, j, d), s.watch(ctx, j.Arm)
	start := time.Now()
	outcomes, m, err := s.run(ctx, j, calls.Add)
	// What is still delayed will not arrive any more, and the history ends only
	// when the fate of each frame is known.
	s.Proxy.DropConnections()
	finish()
	if err := s.works(ctx, cmp.Or(ctx.Err(), err), outcomes, watched()); err != nil {
		return nil, err
	}
	notApplied(d.Scheduler, outcomes)
	byTest, err := histories(buffer, outcomes, j.Keep)
	if err != nil {
		return nil, err
	}
	for i := range outcomes {
		o := &outcomes[i]
		s.complete(o, m.stats[o.Test.Name])
		if o.Verdict != harness.Failed && !j.Keep {
			continue
		}
		events := byTest[o.Test.Name]
		if _, ok := m.stats[o.Test.Name]; !ok {
			if events, err = during(buffer, o, start); err != nil {
				return nil, fmt.Errorf("read the recording back: %w", err)
			}
		}
		calls.Join(events, wire.where)
		if err := s.keep(d, o, events, buffer); err != nil {
			return nil, err
		}
	}
	d.Trial = harness.Trial{
		Index: j.Index, Suite: j.Suite, Arm: j.Arm, Seed: j.Seed, Worker: s.Worker,
		Start: start, Duration: harness.Duration(time.Since(start)),
		Outcomes: outcomes, Schedule: schedule, Digest: m.digest, Points: max(m.frames, int(wire.frames.Load())),
	}
	return d, nil
}

// marked is what the proxy says of the tests whose boundaries were marked.
type marked struct {
	stats  map[string]proxy.TestStats
	digest string
	frames int
}

// run runs the job's tests.
func (s *Stage) run(ctx context.Context, j Job, called func([]harness.Caller)) ([]harness.Outcome, marked, error) {
	m := marked{stats: map[string]proxy.TestStats{}}
	outcomes, err := s.Runner.Run(ctx, runner.Exec{
		Trial: j.Index, Seed: j.Seed, Arm: j.Arm, Worker: s.Worker, Tests: j.Tests,
		Deadline: cmp.Or(j.Deadline, s.Deadline), Redis: s.Redis, Dir: s.Dir, Spent: s.Spent,
		Begin: s.Proxy.Begin, Started: s.Started, Called: called, Warm: j.Warm,
		End: func(test string) {
			st := s.Proxy.End()
			m.stats[test] = st
			m.digest = foldDigest(m.digest, st.Digest)
			m.frames += st.Frames
		},
	})
	for i := range outcomes { // its name stays: it is what finds the test again
		o := &outcomes[i]
		s.Mask.In(&o.Failure)
		s.Mask.In(&o.Output)
		s.Mask.In(&o.Warnings)
	}
	return outcomes, m, err
}

// complete writes into an outcome what the proxy and this machine say of it.
func (s *Stage) complete(o *harness.Outcome, st proxy.TestStats) {
	o.Injected = harness.Duration(st.Injected)
	o.Blocked, o.Kept, o.Missed = st.Blocked, st.Kept, st.Missed
	o.Warnings = append(o.Warnings, st.Warnings...)
	if s.TimerLag != nil {
		o.TimerLag = harness.Duration(s.TimerLag.Worst(o.Start))
		stoodStill(o)
	}
}

// keep keeps what was on the wire of a test, and explains its failure.
func (s *Stage) keep(d *Done, o *harness.Outcome, events []harness.Event, b *history.Buffer) error {
	if s.Canonicalize != nil {
		events = s.Canonicalize(events)
	}
	d.Events[o.Test.Name] = events
	if o.Verdict != harness.Failed {
		return nil
	}
	if err := foreign(o, events, b); err != nil {
		return err
	}
	d.Matches[o.Test.Name] = explain(o, events)
	return nil
}

// monitor begins to read what Redis runs, if the job asks for it, and gives a
// function that ends that. A trial whose MONITOR can't be had goes on without.
func (s *Stage) monitor(ctx context.Context, j Job, d *Done) (finish func()) {
	if !j.Monitor || s.Direct == nil {
		return func() {}
	}
	m, err := startMonitor(ctx, s.Direct)
	if err != nil {
		return func() {}
	}
	return func() { d.Monitored = m.stop(context.WithoutCancel(ctx)) }
}

// during gives the frames that passed while a test ran whose boundaries nobody
// marked: all if it ran alone, else those of its time, which another test may
// share; its Boundary says so.
func during(b *history.Buffer, o *harness.Outcome, start time.Time) ([]harness.Event, error) {
	events, err := b.Events("")
	if err != nil || o.Start.IsZero() || o.Boundary == harness.BoundaryAlone {
		return events, err
	}
	from := o.Start.Sub(start)
	to := from + time.Duration(o.Duration)
	return slices.DeleteFunc(events, func(e harness.Event) bool { return e.In < from || e.In > to }), nil
}

// stoodStill takes a failure off a test that this machine kept from running.
func stoodStill(o *harness.Outcome) {
	if o.Verdict != harness.Failed || time.Duration(o.TimerLag) < detect.Standstill {
		return
	}
	o.Verdict = harness.Infrastructure
	o.Warnings = append(o.Warnings, fmt.Sprintf("this machine stood still for %s while it ran: its failure counts for nothing", o.TimerLag))
}

// explain writes into a failed outcome what the wire shows of it, and returns it.
func explain(o *harness.Outcome, events []harness.Event) []detect.Match {
	matches := detect.Run(detect.NewTrace(events, *o))
	var suspects []uint64
	if len(matches) > 0 {
		m := matches[0]
		o.Cause = m.Class
		o.Suspect = &harness.Suspect{Title: m.Title, Explanation: m.Explanation, First: m.First, Then: m.Then}
		suspects = m.Events
	}
	o.Wire = history.Lines(events, suspects)
	return matches
}

func failed(outcomes []harness.Outcome) bool {
	return slices.ContainsFunc(outcomes, func(o harness.Outcome) bool { return o.Verdict == harness.Failed })
}

// histories reads the events of the tests that are wanted, in one pass if there
// are several of them.
func histories(b *history.Buffer, outcomes []harness.Outcome, all bool) (map[string][]harness.Event, error) {
	var wanted []string
	for _, o := range outcomes {
		if all || o.Verdict == harness.Failed {
			wanted = append(wanted, o.Test.Name)
		}
	}
	byTest := map[string][]harness.Event{}
	var err error
	switch len(wanted) {
	case 0:
	case 1:
		byTest[wanted[0]], err = b.Events(wanted[0])
	default:
		var events []harness.Event
		events, err = b.All()
		for _, e := range events {
			byTest[e.Test] = append(byTest[e.Test], e)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read the recording back: %w", err)
	}
	return byTest, nil
}
