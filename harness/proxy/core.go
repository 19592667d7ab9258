package proxy

import (
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// maxWarnings bounds what one test's warnings can take.
const maxWarnings = 100

// maxActs bounds how many actions are kept to be used again.
const maxActs = 256

// core is the state that all connections share. Everything in it, and in the
// sessions and pipes, is guarded by mu; no method blocks while it holds mu.
type core struct {
	mu       sync.Mutex
	cfg      Config
	faults   map[harness.Action]*harness.Fault
	sched    harness.Scheduler
	select_  harness.Selective // sched, if it is one
	carried  harness.Carried   // likewise
	journal  journal
	names    names
	epoch    time.Time
	trial    int
	run      *run // of the test that runs, or of the time outside tests
	sessions map[*session]struct{}
	conns    uint32
	drops    int // how often all connections were ended
	holds    []*hold
	moved    time.Duration // when a frame last arrived or was forwarded
	still    time.Duration // until when the suite's processes are stopped
	pauses   sync.WaitGroup
	closed   bool
	keptNow  int // frames that are being kept back
	keptFrom time.Duration
	writing  int           // writes in progress without mu: portable links
	scratch  []byte        // of digest
	acts     []*action     // to be used again
	idle     chan struct{} // closed when there is none; nil: nobody waits
}

// run is one test's account.
type run struct {
	name     string
	trial    int
	since    time.Duration // when it began
	frames   int
	injected time.Duration
	digest   uint64
	carriers int // connections that have sent something
	kept     []harness.Kept
	missed   []harness.Missed
	warnings []string
	refused  map[string]bool // what was said already of commands that Confine refused
}

func newCore(cfg Config) *core {
	c := &core{
		cfg: cfg.withDefaults(), faults: faultTable(), names: newNames(),
		epoch: time.Now(), run: &run{}, sessions: map[*session]struct{}{},
	}
	c.journal.furnish()
	c.journal.reset(nil)
	return c
}

// now is the time since the trial began, on the monotonic clock.
func (c *core) now() time.Duration { return time.Since(c.epoch) }

// renew makes g's counters and answers those of the current run.
func (c *core) renew(g *group) {
	g.run, g.n, g.diverted = c.run, [2]int{}, [2][]diverted{}
	for d := range g.concerns {
		p := g.point
		p.Dir = harness.Direction(d)
		g.concerns[d] = c.sched != nil && (c.select_ == nil || c.select_.Concerns(c.run.name, p))
	}
}

// count gives a frame of g the next ordinal of its direction.
func (c *core) count(g *group, d harness.Direction) int {
	if g.run != c.run {
		c.renew(g)
	}
	g.n[d]++
	return g.n[d]
}

// decide asks the scheduler about a frame that has just arrived.
func (c *core) decide(p *pipe, f *frame) {
	c.run.frames++
	if c.sched == nil || f.run != c.run {
		return
	}
	var by harness.Carrier
	if c.carried != nil {
		by = p.carrier(f)
	}
	if f.g.run != c.run {
		c.renew(f.g)
	}
	if !f.g.concerns[p.dir] {
		return
	}
	at := f.g.point
	at.Dir, at.N = p.dir, f.n
	var d harness.Decision
	if c.carried != nil {
		d = c.carried.DecideCarried(f.run.name, at, by)
	} else {
		d = c.sched.Decide(f.run.name, at)
	}
	if d.Action == harness.Pass {
		return
	}
	fault := c.faults[d.Action]
	if fault == nil {
		c.warn(f.in, p.s.conn, fmt.Sprintf("decision %q at %s: no such action", d.Action, at))
		return
	}
	d.At = at
	c.run.digest += c.digest(fault, &d)
	f.act = c.act()
	f.act.begin(c, p, f, fault, d)
	p.acted++
}

// act gives an action to be filled in.
func (c *core) act() *action {
	n := len(c.acts)
	if n == 0 {
		return &action{}
	}
	a := c.acts[n-1]
	c.acts = c.acts[:n-1]
	return a
}

// forwarded notes that a frame was handed to the kernel.
func (c *core) forwarded(p *pipe, f *frame, now time.Duration) {
	ending := harness.Forwarded
	if f.act != nil && f.act.hold != nil {
		ending = f.act.hold.ending
	}
	c.record(p, f, now, ending)
	if c.sched != nil && (len(c.holds) > 0 || f.refused || f.queued || f.inMulti || f.execs) {
		c.notice(p, f, now)
	}
}

// record hands a frame whose fate is known to the journal.
func (c *core) record(p *pipe, f *frame, out time.Duration, ending harness.Ending) {
	j := &c.journal
	if j.rec == nil || f.run.trial != c.trial || f.seq == 0 {
		return
	}
	e := &j.ev
	e.Seq, e.Kind, e.Conn, e.Test = f.seq, f.kind, p.s.conn, f.run.name
	e.Point = f.g.point
	e.Point.Dir, e.Point.N = p.dir, f.n
	e.In, e.Out, e.Ending = f.in, out, ending
	e.Action, e.Asked = harness.Pass, 0
	if f.act != nil {
		e.Action, e.Asked = f.act.Action, time.Duration(f.act.Delay)
	}
	e.ReplyTo, e.Size = f.replyTo, int(f.size)
	e.IsError, e.InMulti, e.Blocking = f.isError, f.inMulti, f.blocking
	e.Sent = harness.Sent{}
	if f.kind == harness.Request {
		e.Sent = harness.Sent{Port: p.s.port, At: f.end - f.size}
	}
	e.Raw = f.raw
	j.put(e)
}

// warn says that a number may be doubted: to the log, the journal and the test.
func (c *core) warn(now time.Duration, conn uint32, text string) {
	c.cfg.Log.Warn("proxy", "conn", conn, "warning", text)
	c.journal.mark(harness.Warning, now, conn, c.run.name, text)
	if len(c.run.warnings) < maxWarnings {
		c.run.warnings = append(c.run.warnings, text)
	}
}

// unreachable notes that a client found no Redis.
func (c *core) unreachable(err error) {
	c.warn(c.now(), 0, fmt.Sprintf("connect to Redis: %v", err))
}

// digest folds a decision into one number.
func (c *core) digest(fault *harness.Fault, d *harness.Decision) uint64 {
	c.scratch = fault.AppendWords(c.scratch[:0], d)
	h := fnv.New64a()
	h.Write(c.scratch)
	return h.Sum64()
}
