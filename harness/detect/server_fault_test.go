package detect

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/flakehunt/flakehunt/harness"
)

// TestServerFault: what others did to Redis is told from what the suite did itself,
// and from what a test may have of a sound one.
func TestServerFault(t *testing.T) {
	const ms = time.Millisecond
	request := func(seq uint64, conn uint32, at time.Duration, words ...string) harness.Event {
		return harness.Event{Seq: seq, Kind: harness.Request, Conn: conn, In: at, Out: at, Args: words, Point: harness.Point{Verb: words[0], N: int(seq)}}
	}
	reply := func(seq, to uint64, conn uint32, at time.Duration, text string, isError bool) harness.Event {
		return harness.Event{Seq: seq, Kind: harness.Reply, Conn: conn, In: at, Out: at, ReplyTo: to, Args: []string{text}, IsError: isError}
	}
	ended := func(seq uint64, conn uint32, at time.Duration, by string) harness.Event {
		return harness.Event{Seq: seq, Kind: harness.Close, Conn: conn, In: at, Raw: []byte(by)}
	}
	oom := []harness.Event{request(1, 1, ms, "SET", "k", "v"), reply(2, 1, 1, 2*ms, "OOM command not allowed when used memory > 'maxmemory'.", true)}
	late := []harness.Event{request(1, 1, ms, "GET", "k"), reply(2, 1, 1, 1500*ms, "v", false)}
	killed := []harness.Event{request(1, 1, ms, "GET", "k"), reply(2, 1, 1, 2*ms, "v", false), ended(3, 1, 5*ms, harness.ClosedByRedis)}
	for name, c := range map[string]struct {
		events []harness.Event
		sent   []string
		fault  bool
	}{
		"out of memory":                          {oom, []string{"SET"}, true},
		"the suite set the limit":                {oom, []string{"SET", "CONFIG|SET"}, false},
		"it only read the configuration":         {oom, []string{"SET", "CONFIG|GET"}, true},
		"refused without a command":              {[]harness.Event{reply(1, 0, 1, ms, "ERR max number of clients reached", true)}, nil, true},
		"no answer for 1.5 s":                    {late, []string{"GET"}, true},
		"the suite paused the clients":           {late, []string{"GET", "CLIENT|PAUSE"}, false},
		"answered in time":                       {[]harness.Event{request(1, 1, ms, "GET", "k"), reply(2, 1, 1, 500*ms, "v", false)}, nil, false},
		"a blocking command waits":               {[]harness.Event{request(1, 1, ms, "BLPOP", "q", "5"), reply(2, 1, 1, 1500*ms, "(nil)", false)}, nil, false},
		"behind one that waits":                  {[]harness.Event{request(1, 1, ms, "BLPOP", "q", "5"), request(2, 1, ms, "GET", "k"), reply(3, 1, 1, 1500*ms, "x", false), reply(4, 2, 1, 1500*ms, "v", false)}, nil, false},
		"while a script of the suite runs":       {[]harness.Event{request(1, 1, ms, "EVAL", "s", "0"), request(2, 2, 2*ms, "GET", "k"), reply(3, 1, 1, 1500*ms, "x", false), reply(4, 2, 2, 1500*ms, "v", false)}, nil, false},
		"Redis ended a connection":               {killed, []string{"GET"}, true},
		"the suite ended it":                     {killed, []string{"GET", "CLIENT|KILL"}, false},
		"its client ended it":                    {[]harness.Event{ended(1, 1, ms, harness.ClosedByClient)}, nil, false},
		"QUIT":                                   {[]harness.Event{request(1, 1, ms, "QUIT"), reply(2, 1, 1, 2*ms, "OK", false), ended(3, 1, 2*ms, harness.ClosedByRedis)}, nil, false},
		"an error of a command that is no fault": {[]harness.Event{request(1, 1, ms, "CLIENT", "setinfo"), reply(2, 1, 1, 2*ms, "ERR unknown subcommand", true), ended(3, 1, 9*ms, harness.ClosedByRedis)}, nil, true},
	} {
		var sent []harness.Event
		for _, verb := range c.sent {
			sent = append(sent, harness.Event{Kind: harness.Request, Point: harness.Point{Verb: verb}})
		}
		why := ServerFault(NewTrace(c.events, harness.Outcome{Verdict: harness.Failed}), sent)
		assert.Equal(t, c.fault, why != "", "%s: %q", name, why)
	}
}
