package proxy

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/internal/volatile"
)

// reply names a frame from Redis: a reply, a confirmation, or a push.
func (s *session) reply(f *frame) {
	fr := s.down.framer
	c := s.c
	f.run = c.run
	f.raw = fr.Head[:min(len(fr.Head), c.cfg.PayloadLimit)]
	f.isError = fr.Type == '-' || fr.Type == '!'
	body := fr.Head[min(fr.Body, len(fr.Head)):]
	switch {
	case fr.Type == '>':
		s.push(f, body, true)
	case fr.Type == '*' && s.mayPush() && s.push(f, body, false):
	case fr.Type == '+' && s.monitor && isMonitorLine(body):
		s.named(f, harness.Push, c.names.group(s.names.roleOf(classSubscribe), "monitor", ""))
	default:
		s.answer(f, fr.Type)
	}
}

// mayPush reports whether an array may be something else than a reply: in
// RESP2, messages and confirmations are arrays like any other.
func (s *session) mayPush() bool {
	if s.resp3 {
		return false
	}
	if s.chans+s.patterns+s.shards > 0 {
		return true
	}
	a := s.await.front()
	return a != nil && (a.cmd.effect == onSubscribe || a.cmd.effect == onUnsubscribe)
}

// isMonitorLine tells a MONITOR line, "+1339518083.107412 [0 127.0.0.1:60866] …".
func isMonitorLine(b []byte) bool {
	i := 1
	for i < len(b) && (b[i] >= '0' && b[i] <= '9' || b[i] == '.') {
		i++
	}
	return i > 10 && bytes.HasPrefix(b[i:], []byte(" ["))
}

// named completes a frame that is counted as it arrives.
func (s *session) named(f *frame, k harness.Kind, g *group) {
	f.kind, f.g, f.n, f.seq = k, g, s.c.count(g, harness.ToClient), s.c.journal.stamp()
}

// answer matches an ordinary reply with its request.
func (s *session) answer(f *frame, kind byte) {
	a := s.await.front()
	if a == nil { // "-ERR max number of clients reached" comes unasked
		s.named(f, harness.Reply, s.c.names.group(s.names.roleOf(classKV), "", ""))
		return
	}
	f.kind, f.g, f.run, f.n, f.replyTo = harness.Reply, a.g, a.run, a.n, a.seq
	if a.run.trial == s.c.trial { // else its request is in another recording
		f.seq = s.c.journal.stamp()
	}
	if ownCount(a.g.point.Verb) {
		f.run, f.n = s.c.run, s.c.count(a.g, harness.ToClient) // SUBSCRIBE that failed
	}
	f.refused = f.isError && !a.queued && isRefusal(f.raw)
	f.queued = a.queued && !f.isError
	f.execs = a.cmd.effect == onExec && !a.queued
	s.taken(f, a)
	if a.hides && !f.isError {
		f.raw = []byte("+" + redacted + "\r\n")
	}
	if !a.queued {
		switch a.cmd.effect {
		case onHello:
			if !f.isError {
				s.resp3 = kind == '%'
			}
		case onReset:
			s.resp3, s.monitor, s.chans, s.patterns, s.shards = false, false, 0, 0, 0
		case onMonitor:
			s.monitor = !f.isError
		case onExec:
			if a.subs && kind == '*' {
				s.chans = max(s.chans, 1) // or patterns; that there is one is what matters
			}
		case onMulti:
			if f.isError && s.await.len() == 1 {
				s.inMulti = false
			}
		}
	}
	s.await.pop()
}

// ownCount reports whether frames of the verb from Redis are counted as they
// arrive: pushes, whose verbs are in lower case, and the confirmations of
// SUBSCRIBE and its like, of which one command has several.
func ownCount(verb string) bool {
	return verb == "" || verb[0] >= 'a' && verb[0] <= 'z' || strings.HasSuffix(verb, "SUBSCRIBE")
}

// push takes a frame that looks pushed; sure says that it can be nothing else.
// It reports false for what is an ordinary reply after all.
func (s *session) push(f *frame, body []byte, sure bool) bool {
	var el [3]span
	n := elements(body, el[:])
	word := func(i int) []byte {
		if i < n {
			return body[el[i].from:el[i].to]
		}
		return nil
	}
	kind := word(0)
	subscribed := sure || s.chans+s.patterns+s.shards > 0
	switch string(kind) {
	case "message", "smessage":
		if subscribed {
			s.message(f, body, el[0].from, el[1], n > 1)
			return true
		}
	case "pmessage":
		if subscribed {
			s.message(f, body, el[0].from, el[2], n > 2)
			return true
		}
	case "subscribe", "psubscribe", "ssubscribe", "unsubscribe", "punsubscribe", "sunsubscribe":
		s.confirm(f, string(kind), word(1), lastInt(body))
		return true
	}
	if !sure {
		return false
	}
	key := ""
	if string(kind) == "invalidate" {
		key = volatile.Key(word(1))
	}
	s.named(f, harness.Push, s.c.names.group(s.names.roleOf(classKV), strings.ToLower(string(kind[:min(len(kind), 64)])), key))
	return true
}

// message names a published message by its channel.
func (s *session) message(f *frame, body []byte, from int, channel span, known bool) {
	r := s.names
	if r.role == "" { // subscribed within MULTI, or after RESET came too early
		r = s.c.names.role("sub")
	}
	if !known {
		s.named(f, harness.Push, s.c.names.group(r.role, "message", ""))
		return
	}
	spelling := body[from:channel.to]
	g := r.pushes[string(spelling)]
	if g == nil {
		verb := string(spelling[:bytes.IndexByte(spelling, '\r')])
		g = s.c.names.group(r.role, verb, volatile.Key(body[channel.from:channel.to]))
		remember(r.pushes, spelling, g)
	}
	s.named(f, harness.Push, g)
}

// confirm takes the confirmation of a SUBSCRIBE or its like.
func (s *session) confirm(f *frame, kind string, channel []byte, count int64) {
	had := s.subscriptions(kind)
	switch kind {
	case "subscribe", "unsubscribe":
		s.chans = max(0, count-s.patterns)
	case "psubscribe", "punsubscribe":
		s.patterns = max(0, count-s.chans)
	case "ssubscribe", "sunsubscribe":
		s.shards = count
	}
	verb := strings.ToUpper(kind)
	role := s.names.roleOf(classSubscribe)
	a := s.await.front()
	if a == nil || a.cmd.name != verb || a.queued { // unasked: a moved shard channel, or while CLIENT REPLY is OFF
		s.named(f, harness.Push, s.c.names.group(role, kind, volatile.Key(channel)))
		return
	}
	s.taken(f, a)
	if a.run.trial == s.c.trial {
		f.replyTo = a.seq
	}
	s.named(f, harness.Reply, s.c.names.group(role, verb, volatile.Key(channel)))
	if a.left < 0 {
		a.left = max(1, int(had))
	}
	if a.left--; a.left == 0 {
		s.await.pop()
	}
}

// subscriptions is how many the connection has of the kind that a confirmation
// is about.
func (s *session) subscriptions(kind string) int64 {
	switch kind {
	case "unsubscribe":
		return s.chans
	case "punsubscribe":
		return s.patterns
	case "sunsubscribe":
		return s.shards
	}
	return 0
}

type span struct{ from, to int }

// elements finds the first bulk or simple strings of an aggregate; of an
// "invalidate" the keys are one level deeper, and are found too. It returns
// how many it found.
func elements(b []byte, into []span) (n int) {
	i := bytes.IndexByte(b, '\n') + 1
	for i > 0 && i < len(b) && n < len(into) {
		end := bytes.IndexByte(b[i:], '\n')
		if end < 1 {
			break
		}
		line := bytes.TrimSuffix(b[i+1:i+end], []byte{'\r'})
		from := i + end + 1
		switch b[i] {
		case '$':
			l, err := strconv.Atoi(string(line))
			if err != nil || l < 0 || l > len(b)-from {
				return n
			}
			into[n] = span{from, from + l}
			i = from + l + 2
			n++
		case '+':
			into[n] = span{i + 1, i + 1 + len(line)}
			i = from
			n++
		case '*':
			i = from
		default:
			return n
		}
	}
	return n
}

// lastInt reads the integer that ends a confirmation.
func lastInt(b []byte) int64 {
	b = bytes.TrimSuffix(b, []byte("\r\n"))
	v, _ := strconv.ParseInt(string(b[bytes.LastIndexByte(b, ':')+1:]), 10, 64)
	return max(v, 0)
}
