package proxy

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
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
	faults   map[harness.Action]fault
	sched    harness.Scheduler
	select_  harness.Selective // sched, if it is one
	journal  journal
	names    names
	epoch    time.Time
	trial    int
	run      *run // of the test that runs, or of the time outside tests
	sessions map[*session]struct{}
	conns    uint32
	kicks    int // how often all connections were ended
	holds    []*hold
	moved    time.Duration // when a frame last arrived or was forwarded
	keptNow  int           // frames that are being kept back
	keptFrom time.Duration
	writing  int           // writes in progress without mu: portable links
	scratch  []byte        // of digest
	acts     []*action     // to be used again
	quiet    chan struct{} // closed when there is none; nil: nobody waits
}

// run is one test's account.
type run struct {
	name     string
	trial    int
	since    time.Duration // when it began
	frames   int
	injected time.Duration
	digest   uint64
	blocked  []harness.Point
	warnings []string
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
	g.run, g.n = c.run, [2]int{}
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
	if f.g.run != c.run {
		c.renew(f.g)
	}
	if !f.g.concerns[p.dir] {
		return
	}
	at := f.g.point
	at.Dir, at.N = p.dir, f.n
	d := c.sched.Decide(f.run.name, at)
	if d.Action == harness.Pass {
		return
	}
	do := c.faults[d.Action]
	if do == nil {
		c.warn(f.in, p.s.conn, fmt.Sprintf("decision %q at %s: no such action", d.Action, at))
		return
	}
	d.At = at
	c.run.digest += c.digest(d)
	f.act = c.act()
	*f.act = action{Decision: d, fault: do, c: c, p: p, in: f.in, sent: max(0, p.wrote-(f.end-f.size))}
	if d.Action == harness.Hold {
		f.act.hold = c.newHold(p, d, f.run, f.in)
	}
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
	if len(c.holds) > 0 && f.run == c.run {
		for _, h := range slices.Clone(f.g.waiters[p.dir]) {
			if h.until.N == 0 || h.until.N == f.n {
				h.release(now, harness.Fulfilled)
			}
		}
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
	e.Raw = f.raw
	j.put(e)
}

// hasPassed reports whether the frame that p names has been forwarded in the
// current run. It looks through all that is on its way, which is little.
func (c *core) hasPassed(g *group, p harness.Point) bool {
	if g.run != c.run {
		return false
	}
	counted := p.Dir
	if p.Dir == harness.ToClient && !ownCount(g.point.Verb) {
		counted = harness.ToServer // a reply has its request's ordinal
	}
	if g.n[counted] == 0 || p.N > g.n[counted] {
		return false
	}
	passed := g.n[counted] // of N == 0: all but those on their way
	for s := range c.sessions {
		for _, q := range []*pipe{&s.up, &s.down} {
			if q.dir != p.Dir {
				continue
			}
			for i := q.qhead; i < len(q.q); i++ {
				if f := &q.q[i]; f.g == g && f.run == c.run {
					if passed--; f.n == p.N {
						return false
					}
				}
			}
		}
		if counted != p.Dir {
			for i := range s.await.len() {
				if a := s.await.at(i); a.g == g && a.run == c.run {
					if passed--; a.n == p.N {
						return false
					}
				}
			}
		}
	}
	return passed > 0
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
func (c *core) digest(d harness.Decision) uint64 {
	// Its words rather than its text, which takes ten times as long to write and is
	// no more unique.
	words := func(b []byte, p *harness.Point) []byte {
		for _, w := range [...]string{p.Role, p.Verb, p.Key} {
			b = append(append(b, w...), 0xff)
		}
		return binary.AppendVarint(append(b, byte(p.Dir)), int64(p.N))
	}
	b := words(c.scratch[:0], &d.At)
	b = append(b, d.Action...)
	b = binary.AppendVarint(b, int64(d.Delay))
	b = binary.AppendVarint(b, int64(d.Chunk))
	b = strconv.AppendBool(b, d.Reset)
	if !d.Until.IsZero() {
		b = words(b, &d.Until)
	}
	c.scratch = b
	h := fnv.New64a()
	h.Write(b)
	return h.Sum64()
}
