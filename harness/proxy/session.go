package proxy

import (
	"bytes"
	"fmt"
	"net"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
	"github.com/flakehunt/flakehunt/internal/volatile"
)

// headLimit is how much of a frame that comes in pieces is kept to look at: the
// keys of an EVAL are behind its script.
const headLimit = 64 << 10

// driver moves the bytes of a session. Its methods are called with core.mu held.
type driver interface {
	wake(p *pipe)   // something may have changed: ask ready again
	end(reset bool) // end both connections; reset: RST to the client
}

// replyMode is what CLIENT REPLY set.
type replyMode uint8

const (
	replyOn replyMode = iota
	replyOff
	replySkip // not to the next command
)

// session understands one connection: which reply belongs to which request,
// and what is a reply at all. It does no I/O.
type session struct {
	c      *core
	driver driver
	conn   uint32
	port   int  // the client's own; 0: not TCP
	up     pipe // ToServer
	down   pipe // ToClient
	opaque bool // not understood any more: bytes pass as they are
	over   bool
	left   bool // one side has ended the connection

	// As of the requests that have arrived.
	names     *roleNames
	inMulti   bool
	subs      bool // a SUBSCRIBE was queued
	mode      replyMode
	execs     [2]int // EXECs forwarded, and their replies
	carrier   int    // number among the connections of carriedIn
	carriedIn *run
	answered  uint64 // Seq of the last request that was answered

	// As of the replies that have arrived.
	await    awaitQueue
	resp3    bool
	monitor  bool
	chans    int64 // subscribed channels, patterns, shard channels
	patterns int64
	shards   int64
}

func (c *core) newSession(d driver) *session {
	c.conns++
	s := &session{c: c, driver: d, conn: c.conns, names: c.names.role("")}
	s.up = pipe{s: s, dir: harness.ToServer, framer: resp.NewRequests(headLimit)}
	s.down = pipe{s: s, dir: harness.ToClient, framer: resp.NewReplies(headLimit)}
	c.sessions[s] = struct{}{}
	c.journal.mark(harness.Open, c.now(), s.conn, c.run.name, "")
	return s
}

// portOf gives the port of a TCP address; 0 for others.
func portOf(a net.Addr) int {
	if tcp, ok := a.(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}

// finish gives up what has not been forwarded and closes the account.
func (s *session) finish(now time.Duration) {
	if s.over {
		return
	}
	s.over = true
	s.up.drop(now)
	s.down.drop(now)
	delete(s.c.sessions, s)
	leave(s, now, "")
}

// leave notes when the connection ended, and which side did it: harness.ClosedByClient,
// harness.ClosedByRedis, or neither. What was sent before may still be on its way.
func leave(s *session, now time.Duration, by string) {
	if !s.left {
		s.left = true
		s.c.journal.mark(harness.Close, now, s.conn, s.c.run.name, by)
	}
}

// end notes that nothing more will arrive.
func (p *pipe) end(now time.Duration) {
	p.eof = true
	by := harness.ClosedByClient
	if p.dir == harness.ToClient {
		by = harness.ClosedByRedis
	}
	leave(p.s, now, by)
}

// surrender stops trying to understand the connection: it is what the client
// would have without us that counts.
func (s *session) surrender(now time.Duration, d harness.Direction, err error) {
	s.opaque = true
	from := "the client"
	if d == harness.ToClient {
		from = "Redis"
	}
	if s.c.cfg.Confine != nil {
		s.c.warn(now, s.conn, fmt.Sprintf("connection %d was ended, since it can't be kept to its database: from %s: %v", s.conn, from, err))
		s.driver.end(false)
		return
	}
	s.c.warn(now, s.conn, fmt.Sprintf("connection %d is passed through unread: from %s: %v", s.conn, from, err))
}

// rename is CLIENT SETNAME.
func (s *session) rename(name []byte) {
	sub := s.names.role == "sub"
	switch {
	case len(name) > 0:
		s.names = s.c.names.role(volatile.Key(name[:min(len(name), 64)]))
	case !sub:
		s.names = s.c.names.role("")
	}
}

// request names a command and notes that a reply is due.
func (s *session) request(f *frame) {
	fr := s.up.framer
	if fr.Argc <= 0 { // Redis ignores it
		return
	}
	c := s.c
	var e entry
	if fr.Type != resp.Inline {
		from, to, ok := fr.ArgSpan(0)
		if _, to1, ok1 := fr.ArgSpan(1); ok1 {
			to = to1
		}
		if ok && (fr.Argc == 1 || to > from) {
			spelling := fr.Head[from:to]
			if e, ok = s.names.commands[string(spelling)]; !ok {
				e = s.spell(fr)
				remember(s.names.commands, spelling, e)
			}
		}
	}
	if e.g == nil { // not plain, or not within reach
		e = s.resolveCommand(f, resp.Words(fr.Head))
	}
	f.kind, f.g, f.run = harness.Request, e.g, c.run
	f.n = c.count(e.g, harness.ToServer)
	f.seq = c.journal.stamp()
	f.inMulti = s.inMulti && e.cmd.effect != onExec && e.cmd.effect != onDiscard
	f.blocking = f.blocking || e.cmd.blocking
	if f.raw == nil {
		f.raw = s.excerpt(fr, e.cmd)
	}
	f.execs = e.cmd.effect == onExec
	s.expect(f, e.cmd, fr)
}

// spell resolves a command by its verb and first argument.
func (s *session) spell(fr *resp.Framer) entry {
	cmd := s.c.names.command(fr.Arg(0))
	if !cmd.plain() || cmd.key == keyFirst && fr.Argc > 1 && fr.Arg(1) == nil {
		return entry{cmd: cmd}
	}
	key := ""
	if cmd.key == keyFirst {
		key = volatile.Key(fr.Arg(1))
	}
	return entry{cmd, s.c.names.group(s.names.roleOf(cmd.class), cmd.name, key)}
}

// expect notes the reply that the command will have, and what the command
// changes.
func (s *session) expect(f *frame, cmd *command, fr *resp.Framer) {
	queued := f.inMulti
	silent := s.mode != replyOn
	if s.mode == replySkip {
		s.mode = replyOn
	}
	left := 1
	subs := false
	if queued {
		s.subs = s.subs || cmd.effect == onSubscribe
	} else {
		switch cmd.effect {
		case onMulti:
			s.inMulti, s.subs = true, false
		case onExec:
			if subs = s.subs; subs && s.names.role == "" {
				s.names = s.c.names.role("sub")
			}
			s.inMulti, s.subs = false, false
		case onDiscard:
			s.inMulti, s.subs = false, false
		case onReset:
			s.inMulti, s.mode, s.names = false, replyOn, s.c.names.role("")
			silent = false
		case onSubscribe:
			left = int(fr.Argc) - 1
		case onUnsubscribe:
			if left = int(fr.Argc) - 1; left == 0 {
				left = -1
			}
		case onClient:
			silent = s.clientReply(fr, silent)
		case onReplicate:
			s.opaque = true
			s.c.warn(f.in, s.conn, fmt.Sprintf("connection %d is passed through unread: it is a replica's", s.conn))
			return
		}
	}
	if silent {
		return
	}
	if left == 0 { // SUBSCRIBE without a channel: its reply is an error like any other
		left, queued = 1, true
	}
	s.await.push(awaiting{g: f.g, run: f.run, seq: f.seq, n: f.n, in: f.in, left: left, cmd: cmd, queued: queued, hides: f.reveals, subs: subs})
}

// clientReply does CLIENT REPLY; it reports whether this command has no reply.
func (s *session) clientReply(fr *resp.Framer, silent bool) bool {
	if fr.Argc != 3 || !bytes.EqualFold(fr.Arg(1), []byte("REPLY")) {
		return silent
	}
	switch string(bytes.ToUpper(fr.Arg(2))) {
	case "ON":
		s.mode = replyOn
		return false
	case "OFF":
		s.mode = replyOff
		return true
	case "SKIP":
		if s.mode == replyOn && !silent {
			s.mode = replySkip
		}
		return true
	}
	return silent
}
