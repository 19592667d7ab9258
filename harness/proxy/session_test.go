package proxy

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// script plays a conversation to a session without any connection.
type script struct {
	t *testing.T
	c *core
	s *session
	r *tape
}

type noDriver struct{}

func (noDriver) wake(*pipe) {}
func (noDriver) end(bool)   {}

func newScript(t *testing.T) *script {
	c := newCore(Config{})
	r := &tape{}
	c.startTrial(nil, r)
	c.begin("test")
	return &script{t: t, c: c, s: c.newSession(noDriver{}), r: r}
}

// play sends lines: "> WORD WORD" is a command, "< RAW" a frame from Redis in
// which a blank stands for a line end and ~ for a blank.
func (x *script) play(lines ...string) *script {
	x.t.Helper()
	for _, l := range lines {
		p, data := &x.s.up, []byte(nil)
		switch l[0] {
		case '>':
			data = resp.AppendCommand(nil, strings.Fields(l[1:])...)
		case '<':
			p = &x.s.down
			data = []byte(strings.NewReplacer(" ", "\r\n", "~", " ").Replace(l[2:]) + "\r\n")
		default:
			x.t.Fatalf("line %q", l)
		}
		x.c.mu.Lock()
		p.feed(x.c.now(), data)
		upto, _, _ := p.ready(x.c.now())
		p.advance(x.c.now(), int(upto-p.wrote))
		x.c.mu.Unlock()
	}
	return x
}

// expect compares the frames since the last call: "id" of a request or push,
// "id = k" of a reply to the k-th request of the script.
func (x *script) expect(want ...string) *script {
	x.t.Helper()
	var got []string
	requests := map[uint64]int{}
	for _, e := range x.r.all() {
		switch id := e.Point.String(); e.Kind {
		case harness.Request:
			requests[e.Seq] = len(requests) + 1
			got = append(got, id)
		case harness.Reply:
			if e.ReplyTo == 0 {
				id += " = none"
			} else {
				id += fmt.Sprint(" = ", requests[e.ReplyTo])
			}
			got = append(got, id)
		case harness.Push:
			got = append(got, "push "+id)
		case harness.Warning:
			got = append(got, "warning "+string(e.Raw))
		}
	}
	require.Equal(x.t, want, got)
	return x
}

func TestPipelineIsMatchedInOrder(t *testing.T) {
	newScript(t).play("> SET a 1", "> GET a", "> SET a 2", "< +OK $1 1 +OK").expect(
		`kv>SET "a" #1`, `kv>GET "a" #1`, `kv>SET "a" #2`,
		`kv<SET "a" #1 = 1`, `kv<GET "a" #1 = 2`, `kv<SET "a" #2 = 3`)
}

func TestKeysOfCommands(t *testing.T) {
	for command, want := range map[string]string{
		"get k":                              `kv>GET "k"`,
		"EVALSHA 0123 1 acct:7 x":            `kv>EVALSHA "acct:{n}"`,
		"EVAL return 0":                      `kv>EVAL ""`,
		"FCALL f 2 a b":                      `kv>FCALL "a"`,
		"XADD s * f v":                       `kv>XADD "s"`,
		"XREAD COUNT 1 BLOCK 0 STREAMS s 0":  `kv>XREAD "s"`,
		"XREADGROUP GROUP g c STREAMS s >":   `kv>XREADGROUP "s"`,
		"XGROUP CREATE s g $":                `kv>XGROUP|CREATE "s"`,
		"OBJECT encoding k":                  `kv>OBJECT|ENCODING "k"`,
		"BITOP AND d a b":                    `kv>BITOP "d"`,
		"ZUNION 2 a b":                       `kv>ZUNION "a"`,
		"BLMPOP 0 2 a b LEFT":                `kv>BLMPOP "a"`,
		"MIGRATE h 6379 k 0 100":             `kv>MIGRATE "k"`,
		"PUBLISH ch msg":                     `pub>PUBLISH "ch"`,
		"SPUBLISH ch msg":                    `pub>SPUBLISH "ch"`,
		"CLIENT SETINFO LIB-NAME x":          `hs>CLIENT|SETINFO ""`,
		"SELECT 3":                           `hs>SELECT ""`,
		"PING":                               `hs>PING ""`,
		"SCRIPT LOAD x":                      `kv>SCRIPT|LOAD ""`,
		"CONFIG SET maxmemory 1":             `hs>CONFIG|SET ""`,
		"JSON.SET doc:1 $ {}":                `kv>JSON.SET "doc:{n}"`,
		"MONITOR":                            `sub>MONITOR ""`,
		"SUBSCRIBE a b":                      `sub>SUBSCRIBE "a"`,
		"SET k " + strings.Repeat("v", 2000): `kv>SET "k"`,
		"XREAD":                              `kv>XREAD ""`,
		"EVAL":                               `kv>EVAL ""`,
		"CLIENT":                             `hs>CLIENT ""`,
	} {
		x := newScript(t).play("> " + command)
		assert.Equal(t, []string{want + " #1"}, x.r.ids(), command)
	}
}

func TestSetNameIsTheRole(t *testing.T) {
	newScript(t).play("> PING", "> CLIENT SETNAME worker-7", "> GET k", "< +PONG +OK $-1").expect(
		`hs>PING "" #1`, `worker-{n}>CLIENT|SETNAME "" #1`, `worker-{n}>GET "k" #1`,
		`hs<PING "" #1 = 1`, `worker-{n}<CLIENT|SETNAME "" #1 = 2`, `worker-{n}<GET "k" #1 = 3`)
	newScript(t).play("> HELLO 3 AUTH user SETNAME SETNAME base", "> PING", "> RESET", "> PING").expect(
		`base>HELLO "" #1`, `base>PING "" #1`, `base>RESET "" #1`, `hs>PING "" #1`)
}

func TestSubscribeInRESP2(t *testing.T) {
	newScript(t).play("> SUBSCRIBE a b", "> PSUBSCRIBE p*",
		"< *3 $9 subscribe $1 a :1", "< *3 $9 subscribe $1 b :2", "< *3 $7 message $1 a $2 hi", "< *3 $10 psubscribe $2 p* :3",
		"< *4 $8 pmessage $2 p* $3 p:1 $2 hi",
		"> UNSUBSCRIBE", "< *3 $11 unsubscribe $1 a :2", "< *3 $11 unsubscribe $1 b :1",
		"> PING", "< *2 $4 pong $0 ",
		"> PUNSUBSCRIBE", "< *3 $12 punsubscribe $2 p* :0",
		"> UNSUBSCRIBE", "< *3 $11 unsubscribe $-1 :0",
		"> LRANGE k 0 -1", "< *3 $7 message $1 a $1 b",
	).expect(
		`sub>SUBSCRIBE "a" #1`, `sub>PSUBSCRIBE "p*" #1`,
		`sub<SUBSCRIBE "a" #1 = 1`, `sub<SUBSCRIBE "b" #1 = 1`, `push sub<message "a" #1`, `sub<PSUBSCRIBE "p*" #1 = 2`,
		`push sub<pmessage "p:{n}" #1`,
		`sub>UNSUBSCRIBE "" #1`, `sub<UNSUBSCRIBE "a" #1 = 3`, `sub<UNSUBSCRIBE "b" #1 = 3`,
		`sub>PING "" #1`, `sub<PING "" #1 = 4`,
		`sub>PUNSUBSCRIBE "" #1`, `sub<PUNSUBSCRIBE "p*" #1 = 5`,
		`sub>UNSUBSCRIBE "" #2`, `sub<UNSUBSCRIBE "" #1 = 6`,
		`sub>LRANGE "k" #1`, `sub<LRANGE "k" #1 = 7`)
}

func TestPushesInRESP3(t *testing.T) {
	newScript(t).play("> HELLO 3", "< %1 $5 proto :3",
		"> SUBSCRIBE a", "> GET k", "< >3 $9 subscribe $1 a :1", "< >3 $7 message $1 a $1 x", "< $1 v",
		"> LRANGE k 0 -1", "< >2 $10 invalidate *2 $3 k:1 $1 b", "< *3 $7 message $1 a $1 b", "< >2 $10 invalidate _",
		"> SSUBSCRIBE s", "< >3 $10 ssubscribe $1 s :1", "< >3 $8 smessage $1 s $1 x",
		"< >3 $12 sunsubscribe $1 s :0",
	).expect(
		`hs>HELLO "" #1`, `hs<HELLO "" #1 = 1`,
		`sub>SUBSCRIBE "a" #1`, `sub>GET "k" #1`, `sub<SUBSCRIBE "a" #1 = 2`, `push sub<message "a" #1`, `sub<GET "k" #1 = 3`,
		`sub>LRANGE "k" #1`, `push sub<invalidate "k:{n}" #1`, `sub<LRANGE "k" #1 = 4`, `push sub<invalidate "" #1`,
		`sub>SSUBSCRIBE "s" #1`, `sub<SSUBSCRIBE "s" #1 = 5`, `push sub<smessage "s" #1`,
		`push sub<sunsubscribe "s" #1`)
}

func TestSubscribeThatFails(t *testing.T) {
	newScript(t).play("> SUBSCRIBE a b", "> PING", "< -NOPERM", "< +PONG").expect(
		`sub>SUBSCRIBE "a" #1`, `sub>PING "" #1`, `sub<SUBSCRIBE "a" #1 = 1`, `sub<PING "" #1 = 2`)
}

func TestMultiExec(t *testing.T) {
	x := newScript(t).play("> MULTI", "> SET a 1", "> SUBSCRIBE c", "> EXEC", "> GET a",
		"< +OK +QUEUED +QUEUED", "< *2 +OK *3 $9 subscribe $1 c :1", "< *3 $7 message $1 c $1 x", "< $1 1")
	x.expect(`kv>MULTI "" #1`, `kv>SET "a" #1`, `sub>SUBSCRIBE "c" #1`, `kv>EXEC "" #1`, `sub>GET "a" #1`,
		`kv<MULTI "" #1 = 1`, `kv<SET "a" #1 = 2`, `sub<SUBSCRIBE "c" #1 = 3`, `kv<EXEC "" #1 = 4`, `push sub<message "c" #1`, `sub<GET "a" #1 = 5`)
	var queued []string
	for _, e := range x.r.all() {
		if e.InMulti {
			queued = append(queued, e.Point.Verb)
		}
	}
	assert.Equal(t, []string{"SET", "SUBSCRIBE"}, queued)
}

func TestClientReply(t *testing.T) {
	newScript(t).play("> CLIENT REPLY SKIP", "> SET a 1", "> GET a", "< $1 1",
		"> CLIENT REPLY OFF", "> SET a 2", "> SET a 3", "> CLIENT REPLY ON", "> GET a", "< +OK $1 3",
		"> CLIENT REPLY MAYBE", "< -ERR").expect(
		`hs>CLIENT|REPLY "" #1`, `kv>SET "a" #1`, `kv>GET "a" #1`, `kv<GET "a" #1 = 3`,
		`hs>CLIENT|REPLY "" #2`, `kv>SET "a" #2`, `kv>SET "a" #3`, `hs>CLIENT|REPLY "" #3`, `kv>GET "a" #2`,
		`hs<CLIENT|REPLY "" #3 = 7`, `kv<GET "a" #2 = 8`,
		`hs>CLIENT|REPLY "" #4`, `hs<CLIENT|REPLY "" #4 = 9`)
}

func TestMonitor(t *testing.T) {
	newScript(t).play("> MONITOR", "< +OK", `< +1339518083.107412~[0~127.0.0.1:60866]~"keys"~"*"`, "> PING", "< +PONG",
		"> RESET", "< +RESET", "> EVAL x 0", `< +1339518083.107412~[0~x]~"a~script's~reply"`).expect(
		`sub>MONITOR "" #1`, `sub<MONITOR "" #1 = 1`, `push sub<monitor "" #1`, `sub>PING "" #1`, `sub<PING "" #1 = 2`,
		`sub>RESET "" #1`, `sub<RESET "" #1 = 3`, `kv>EVAL "" #1`, `kv<EVAL "" #1 = 4`)
}

func TestAttributesAndBlocking(t *testing.T) {
	x := newScript(t).play("> BLPOP q 0", "> XREAD BLOCK 0 STREAMS s 0", "> WAIT 1 0", "> XREAD STREAMS s 0",
		"< |1 +ttl :5 *2 $1 q $1 x", "< *-1", "< :0", "< *-1")
	x.expect(`kv>BLPOP "q" #1`, `kv>XREAD "s" #1`, `kv>WAIT "" #1`, `kv>XREAD "s" #2`,
		`kv<BLPOP "q" #1 = 1`, `kv<XREAD "s" #1 = 2`, `kv<WAIT "" #1 = 3`, `kv<XREAD "s" #2 = 4`)
	var blocking []bool
	for _, e := range x.r.all() {
		if e.Kind == harness.Request {
			blocking = append(blocking, e.Blocking)
		}
	}
	assert.Equal(t, []bool{true, true, true, false}, blocking)
}

func TestWhatIsNoRESPPassesUnread(t *testing.T) {
	x := newScript(t).play("> GET a", "< $1 1", "< hello", "> GET b", "< $1 2")
	x.expect(`kv>GET "a" #1`, `kv<GET "a" #1 = 1`,
		`warning connection 1 is passed through unread: from Redis: not RESP: unknown type 'h'`)
	assert.Equal(t, x.s.down.read, x.s.down.wrote)
	newScript(t).play("> PSYNC ? -1", "< garbage").expect(
		`kv>PSYNC "" #1`, `warning connection 1 is passed through unread: it is a replica's`)
	newScript(t).play("< -ERR~max~number~of~clients~reached").expect(`kv< "" #1 = none`)
}

func TestInline(t *testing.T) {
	x := newScript(t)
	x.c.mu.Lock()
	lines := []byte("\r\nSET user:1 'a b'\r\n\"GET\" 'user:1'\r\nPING\r\n")
	x.s.up.feed(0, lines)
	x.s.up.advance(time.Millisecond, len(lines))
	x.c.mu.Unlock()
	x.play("< +OK $3 a~b +PONG").expect(`kv>SET "user:{n}" #1`, `kv>GET "user:{n}" #1`, `hs>PING "" #1`,
		`kv<SET "user:{n}" #1 = 1`, `kv<GET "user:{n}" #1 = 2`, `hs<PING "" #1 = 3`)
}

func TestReplyAfterItsTest(t *testing.T) {
	x := newScript(t).play("> BLPOP q 0")
	x.c.begin("next")
	x.play("> BLPOP q 0", "< *-1", "< *-1").expect(`kv>BLPOP "q" #1`, `kv>BLPOP "q" #1`, `kv<BLPOP "q" #1 = 1`, `kv<BLPOP "q" #1 = 2`)
	var tests []string
	for _, e := range x.r.all() {
		if e.Kind == harness.Reply {
			tests = append(tests, e.Test)
		}
	}
	assert.Equal(t, []string{"test", "next"}, tests)
}

// A reply whose request is in the recording of an earlier trial is in none, and
// does not keep the later one waiting.
func TestReplyAfterItsTrial(t *testing.T) {
	x := newScript(t).play("> BLPOP q 0", "> SUBSCRIBE c d", "< *-1")
	x.r = &tape{}
	x.c.startTrial(nil, x.r)
	x.c.begin("next")
	x.play("< *3 $9 subscribe $1 c :1", "< -NOPERM", "> GET a", "< $-1")
	x.expect(`sub<SUBSCRIBE "c" #1 = none`, `sub>GET "a" #1`, `sub<GET "a" #1 = 1`)
	y := newScript(t).play("> BLPOP q 0")
	y.r = &tape{}
	y.c.startTrial(nil, y.r)
	y.play("> GET a", "< *-1", "< $-1").expect(`kv>GET "a" #1`, `kv<GET "a" #1 = 1`)
}

func TestCredentialsAreRedacted(t *testing.T) {
	const secret = "s3cret"
	for _, command := range []string{
		"AUTH s3cret", "AUTH user s3cret", "auth s3cret", "HELLO 3 AUTH user s3cret", "HELLO 3 SETNAME x AUTH user s3cret",
		"CONFIG SET requirepass s3cret", "CONFIG SET maxmemory 1 masterauth s3cret", "ACL SETUSER bob on >s3cret",
		"MIGRATE h 1 k 0 100 AUTH s3cret", "MIGRATE h 1 k 0 100 COPY AUTH2 u s3cret KEYS a b",
	} {
		x := newScript(t).play("> "+command, "< +OK")
		for _, e := range x.r.all() {
			assert.NotContains(t, string(e.Raw), secret, command)
			assert.NotContains(t, e.Point.String(), secret, command)
			assert.NotContains(t, strings.Join(resp.Words(e.Raw), " "), secret)
		}
		assert.Contains(t, string(x.r.all()[2].Raw), redacted, command)
	}
	x := newScript(t).play("> CONFIG GET requirepass", "< *2 $11 requirepass $6 s3cret")
	assert.Equal(t, "+(redacted)\r\n", string(x.r.all()[3].Raw))
	for _, line := range []string{"AUTH s3cret\r\n", "\"AUTH\" 's3cret'\r\n"} {
		y := newScript(t)
		y.c.mu.Lock()
		y.s.up.feed(0, []byte(line))
		y.s.up.advance(1, len(line))
		y.c.mu.Unlock()
		assert.Equal(t, []string{"AUTH", redacted}, resp.Words(y.r.all()[2].Raw), line)
	}
}
