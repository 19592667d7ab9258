package detect

import (
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Command is a request together with its reply.
type Command struct {
	Seq     uint64 // of the request
	Conn    uint32
	Point   harness.Point
	Verb    string   // upper case; of a container "NAME|SUBCOMMAND"
	Args    []string // after the verb
	Keys    []string
	Reads   bool // its reply tells something of its keys
	Writes  bool // it may have changed them: a condition that was not met is no write
	Blind   bool // it writes whatever was there
	Value   string
	Expires bool          // it gave its keys a time to live
	TTL     time.Duration // that
	Guessed bool          // the TTL is a guess from a script's arguments
	Clears  bool          // it took the time to live away

	Arrived time.Duration // at the proxy
	Sent    time.Duration // to Redis: it took effect after that
	Done    time.Duration // its reply came from Redis: it took effect before that; 0 if none came
	Replied time.Duration // its reply went to the client

	Reply   uint64 // Seq of the reply; 0: none
	Result  []string
	IsError bool

	Action harness.Action // what was done to the request
	Ending harness.Ending
	Kept   time.Duration // how long the proxy kept the request on purpose
}

func newCommand(ev *harness.Event) *Command {
	c := &Command{
		Seq: ev.Seq, Conn: ev.Conn, Point: ev.Point, Verb: ev.Point.Verb,
		Arrived: ev.In, Sent: ev.Out, Action: ev.Action, Ending: ev.Ending,
	}
	if ev.Out == 0 { // never sent: it took no effect, but must stay in order
		c.Sent = ev.In
		c.Ending = harness.Dropped
	}
	if ev.Action != harness.Pass {
		c.Kept = c.Sent - c.Arrived
	}
	if len(ev.Args) > 1 {
		c.Args = ev.Args[1:]
	}
	f := lookup(c.Verb, c.Args)
	c.Keys = keysOf(c.Verb, f, c.Args)
	c.Reads, c.Writes, c.Blind = f.access&reads != 0, f.access&writes != 0, f.access&blind != 0
	if f.value > 0 && f.value <= len(c.Args) {
		c.Value = c.Args[f.value-1]
	}
	if f.expiry != nil {
		e := f.expiry(c.Args)
		c.Expires, c.TTL, c.Guessed, c.Clears = e.change == setsTTL, e.ttl, e.unsure, e.change == clearsTTL
	}
	return c
}

// answer notes the reply; the last one of several counts.
func (c *Command) answer(ev *harness.Event) {
	c.Reply, c.Done, c.Replied, c.Result, c.IsError = ev.Seq, ev.In, ev.Out, ev.Args, ev.IsError
	if ev.Out == 0 {
		c.Replied = ev.In
	}
	// The proxy notes a frame as sent after the kernel took it, and may be kept
	// from doing so until the answer is there: it was sent before that.
	c.Sent = max(min(c.Sent, c.Done), c.Arrived)
	if c.IsError || c.refused() {
		c.Writes, c.Expires, c.Clears = false, false, false
	}
}

// refused reports whether the reply says that nothing was written.
func (c *Command) refused() bool {
	if len(c.Result) != 1 {
		return false
	}
	switch c.Verb {
	case "SET": // a condition that was not met; with GET the reply tells something else
		return c.Reads && c.Result[0] == "(nil)" && !c.has("GET")
	case "SETNX", "MSETNX", "EXPIRE", "PEXPIRE", "PERSIST", "HSETNX", "RENAMENX", "COPY":
		return c.Result[0] == "0"
	case "DEL", "UNLINK", "HDEL", "SREM", "ZREM", "LREM":
		return c.Result[0] == "0"
	case "EVAL", "EVALSHA", "FCALL":
		return c.Result[0] == "0" || c.Result[0] == "(nil)" // by custom: it did not
	}
	return false
}

// Script reports whether the command runs a script or a function.
func (c *Command) Script() bool { return script(c.Verb) }

// has reports whether word is among the options of the command.
func (c *Command) has(word string) bool {
	return slices.ContainsFunc(c.Args, func(a string) bool { return strings.EqualFold(a, word) })
}

// Touches reports whether key is one of the command's.
func (c *Command) Touches(key string) bool { return slices.Contains(c.Keys, key) }

// Answered reports whether a reply came.
func (c *Command) Answered() bool { return c.Reply != 0 }
