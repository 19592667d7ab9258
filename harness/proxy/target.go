package proxy

import (
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// target is a frame that a hold waits for, its direction aside.
type target struct {
	g    *group   // nil: any role's frame of verb and key, or exec
	verb string   // any role's
	key  string   // any role's
	exec *session // the EXEC of this connection
	n    int      // which one; 0: any
}

// diverted says where the effect of a command is to be looked for that had none
// of its own: it was refused (NOSCRIPT, LOADING, MOVED …) and is sent again, or
// queued, and runs at EXEC.
type diverted struct {
	n  int
	to []target
}

// Bounds: a program that never stops to try again costs no memory without end,
// and the way from the first try to the last is short.
const (
	maxDiverted = 64
	maxTries    = 4
)

// refusals are the errors that say that a command did not run and is to be sent
// again: as another command, later, or elsewhere.
func refusals() []string {
	return []string{"NOSCRIPT", "LOADING", "MOVED", "ASK", "TRYAGAIN", "CLUSTERDOWN", "MASTERDOWN", "BUSY"}
}

// isRefusal tells from an error reply, "-CODE text" or "!N\r\nCODE text",
// whether the command is to be sent again.
func isRefusal(raw []byte) bool {
	text := string(raw[:min(len(raw), 64)])
	if strings.HasPrefix(text, "!") {
		_, text, _ = strings.Cut(text, "\n")
	}
	code, _, _ := strings.Cut(strings.TrimPrefix(text, "-"), " ")
	return slices.Contains(refusals(), strings.TrimSpace(code))
}

// targetOf is the frame that a hold's Until names. Without a role it is any
// role's, its ordinal counted within the role.
func (c *core) targetOf(p harness.Point) target {
	if p.Role == "" {
		return target{verb: p.Verb, key: p.Key, n: p.N}
	}
	return target{g: c.names.group(p.Role, p.Verb, p.Key), n: p.N}
}

// aim follows t to where its effect is, and reports whether that has passed.
func (c *core) aim(t target, dir harness.Direction, tries int) (to []target, passed bool) {
	if t.exec != nil {
		return []target{t}, t.exec.execs[dir] >= t.n
	}
	if t.g == nil {
		to = append(to, t)
		for _, g := range c.names.groups {
			if t.names(g) && g.run == c.run {
				more, one := c.aim(target{g: g, n: t.n}, dir, tries)
				to, passed = append(to, more...), passed || one
			}
		}
		return to, passed
	}
	if t.g.run != c.run {
		return []target{t}, false
	}
	count := c.passed(t.g, dir, t.n)
	found := false
	for _, d := range t.g.diverted[dir] {
		if t.n != 0 && t.n != d.n || tries >= maxTries {
			continue
		}
		found = true
		count--
		for _, next := range d.to {
			more, one := c.aim(next, dir, tries+1)
			to, passed = append(to, more...), passed || one
		}
	}
	if t.n == 0 || !found {
		to = append(to, t)
	}
	return to, passed || count > 0
}

// passed counts the frames of a group that have been forwarded in the current
// run: all of them, or for n > 0 the n-th. It looks through all that is on its
// way, which is little.
func (c *core) passed(g *group, dir harness.Direction, n int) int {
	counted := dir
	if dir == harness.ToClient && !ownCount(g.point.Verb) {
		counted = harness.ToServer // a reply has its request's ordinal
	}
	if n > g.n[counted] {
		return 0
	}
	on := func(i int) bool { return n == 0 || n == i }
	count := g.n[counted]
	if n > 0 {
		count = 1
	}
	for s := range c.sessions {
		p := &s.up
		if dir == harness.ToClient {
			p = &s.down
		}
		for i := p.qhead; i < len(p.q); i++ {
			if f := &p.q[i]; f.g == g && f.run == c.run && on(f.n) {
				count--
			}
		}
		if counted == dir {
			continue
		}
		for i := range s.await.len() {
			if a := s.await.at(i); a.g == g && a.run == c.run && on(a.n) {
				count--
			}
		}
	}
	return count
}

// is reports whether a frame that pipe p forwards is the target.
func (t *target) is(p *pipe, f *frame) bool {
	switch {
	case t.exec != nil:
		return t.exec == p.s && f.execs && p.s.execs[p.dir] == t.n
	case t.n != 0 && t.n != f.n:
		return false
	}
	return t.names(f.g)
}

// names reports whether the target may be a frame of the group.
func (t *target) names(g *group) bool {
	if t.g != nil || t.exec != nil {
		return t.g == g
	}
	return g.point.Verb == t.verb && g.point.Key == t.key
}

// notice tells the holds that a frame was forwarded.
func (c *core) notice(p *pipe, f *frame, now time.Duration) {
	if f.run != c.run {
		return
	}
	if f.execs {
		p.s.execs[p.dir]++
	}
	switch {
	case f.refused:
		c.divert(f.g, p.dir, f.n, c.again(f, p.dir))
		return
	case f.queued, f.inMulti && p.dir == harness.ToServer:
		c.divert(f.g, p.dir, f.n, []target{{exec: p.s, n: p.s.execs[p.dir] + 1}})
		return
	}
	if slices.ContainsFunc(f.g.diverted[p.dir], func(d diverted) bool { return d.n == f.n }) {
		return // its refusal was seen before its writer got to note it
	}
	for _, h := range slices.Clone(c.holds) {
		if h.dir == p.dir && h.run == f.run && slices.ContainsFunc(h.targets, func(t target) bool { return t.is(p, f) }) {
			h.passed(p, f, now)
		}
	}
}

// again says what may be sent for a refused command: the next one of its name,
// or the script itself for its digest.
func (c *core) again(f *frame, dir harness.Direction) []target {
	p := f.g.point
	if dir == harness.ToClient && !ownCount(p.Verb) {
		dir = harness.ToServer
	}
	next := func(g *group) target {
		if g.run != c.run {
			c.renew(g)
		}
		return target{g: g, n: g.n[dir] + 1}
	}
	to := []target{next(f.g)}
	if verb := strings.Replace(p.Verb, "EVALSHA", "EVAL", 1); verb != p.Verb {
		to = append(to, next(c.names.group(p.Role, verb, p.Key)))
	}
	return to
}

// divert notes where the effect of a frame is to be looked for, now and by
// holds that are to come.
func (c *core) divert(g *group, dir harness.Direction, n int, to []target) {
	if g.run != c.run {
		c.renew(g)
	}
	if len(g.diverted[dir]) < maxDiverted {
		g.diverted[dir] = append(g.diverted[dir], diverted{n, to})
	}
	for _, h := range c.holds {
		if h.dir != dir {
			continue
		}
		for i := range h.targets {
			t := h.targets[i]
			if !t.names(g) || t.n != n && t.n != 0 {
				continue
			}
			h.takenUp, h.by = 0, 0
			if t.n != 0 {
				h.targets = slices.Delete(h.targets, i, i+1)
			}
			h.targets = append(h.targets, to...)
			break
		}
	}
}

// taken tells the holds that Redis has answered a request: it was taken up, or
// refused.
func (s *session) taken(f *frame, a *awaiting) {
	c := s.c
	if a.run != c.run {
		return
	}
	s.answered = a.seq
	if len(c.holds) == 0 && !f.refused {
		return
	}
	if f.refused {
		c.divert(a.g, harness.ToServer, a.n, c.again(f, harness.ToServer))
		return
	}
	for _, h := range slices.Clone(c.holds) {
		if h.takenUp > 0 && h.by == a.seq {
			h.release(f.in, harness.Fulfilled)
		}
	}
}

// inFlight finds the request that a hold waits for among those that went to
// Redis a moment ago and are not answered: it may not have been taken up. It
// returns its Seq, or 0.
func (c *core) inFlight(h *hold, now time.Duration) uint64 {
	if h.dir != harness.ToServer {
		return 0
	}
	for s := range c.sessions {
		for i := s.await.len() - 1; i >= 0; i-- {
			a := s.await.at(i)
			if now-a.in > takeUpTime {
				break
			}
			f := frame{g: a.g, n: a.n, run: a.run}
			if a.run == c.run && slices.ContainsFunc(h.targets, func(t target) bool { return t.is(&s.up, &f) }) {
				return a.seq
			}
		}
	}
	return 0
}
