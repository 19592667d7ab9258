package detect

import (
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/effects"
)

// Command is a request together with its reply.
type Command struct {
	Seq     uint64 // of the request
	Conn    uint32
	Point   harness.Point
	Verb    string   // upper case; of a container "NAME|SUBCOMMAND"
	Words   []string // all of it, the verb included
	Args    []string // after the verb
	Effects effects.Effects
	Access
	Lifetime
	Blocks bool     // it may wait in Redis: it took effect when it got there
	Exec   *Command // of a command that MULTI queued: the EXEC by which it took effect
	Tried  *Command // of a script: the call with its SHA-1 that Redis refused before, for want of its text
	Times
	Answer
	Fate
}

// Access is what a command does with its keys.
type Access struct {
	Keys   []string
	Reads  bool // its reply tells something of its keys
	Writes bool // it may have changed them: a condition that was not met is no write
	Blind  bool // it writes whatever was there
	Value  string
}

// Lifetime is what a command does with the time to live of its keys.
type Lifetime struct {
	Expires bool          // it gave its keys a time to live
	TTL     time.Duration // that
	Guessed bool          // the TTL is a guess from a script's arguments
	Clears  bool          // it took the time to live away
	Renews  bool          // it changes nothing but the time to live
	Expiry  time.Time     // it gave this moment of the server's clock; TTL then is reckoned from the trial's start
}

// Times are when a command and its reply passed, from the start of the trial.
type Times struct {
	Arrived time.Duration // at the proxy
	Sent    time.Duration // to Redis: it took effect after that
	Done    time.Duration // its reply came from Redis: it took effect before that; 0 if none came
	Replied time.Duration // its reply went to the client
}

// Answer is the reply to a command.
type Answer struct {
	Reply   uint64 // Seq of the reply; 0: none
	Result  []string
	IsError bool
}

// Fate is what the proxy did to a request.
type Fate struct {
	Action harness.Action
	Ending harness.Ending
	Kept   time.Duration // how long the proxy kept the request on purpose
}

func newCommand(ev *harness.Event) *Command {
	c := &Command{
		Seq: ev.Seq, Conn: ev.Conn, Point: ev.Point, Verb: ev.Point.Verb,
		Times: Times{Arrived: ev.In, Sent: ev.Out}, Fate: Fate{Action: ev.Action, Ending: ev.Ending},
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
	c.Words = ev.Args
	if len(c.Words) == 0 {
		c.Words = strings.Split(c.Verb, "|")
	}
	c.Effects = effects.Of(c.Words)
	for _, u := range c.Effects.Keys {
		if !slices.Contains(c.Keys, u.Key) {
			c.Keys = append(c.Keys, u.Key)
		}
		c.Blind = c.Blind || u.Blind
	}
	c.Reads, c.Writes = c.Effects.ReadsKeys, c.Effects.WritesKeys
	c.Blind = c.Blind && !c.Reads
	c.Value, c.Blocks = effects.Value(c.Words), ev.Blocking || c.Effects.Blocking
	l := effects.Lifetime(c.Words)
	c.Expires, c.TTL, c.Expiry, c.Guessed, c.Clears, c.Renews = l.Change == effects.Sets, l.After, l.At, l.Unsure, l.Change == effects.Clears, l.Renews
	if c.Verb == "GETEX" {
		c.Writes = false // of the value it changes nothing
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
	case "SETNX", "MSETNX", "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT", "PERSIST", "HSETNX", "RENAMENX", "COPY":
		return c.Result[0] == "0"
	case "DEL", "UNLINK", "HDEL", "SREM", "ZREM", "LREM":
		return c.Result[0] == "0"
	case "LPOP", "RPOP", "SPOP", "BLPOP", "BRPOP", "LMOVE", "BLMOVE", "RPOPLPUSH", "BRPOPLPUSH", "GETDEL":
		return c.Result[0] == "(nil)"
	case "EVAL", "EVALSHA", "FCALL":
		return c.Result[0] == "0" || c.Result[0] == "(nil)" // by custom: it did not
	}
	return false
}

// Script reports whether the command runs a script or a function.
func (c *Command) Script() bool { return effects.Script(c.Verb) }

// At is the command whose frame decides when this one takes effect: its EXEC, if
// it was queued, else itself.
func (c *Command) At() *Command {
	if c.Exec != nil {
		return c.Exec
	}
	return c
}

// has reports whether word is among the options of the command.
func (c *Command) has(word string) bool {
	return slices.ContainsFunc(c.Args, func(a string) bool { return strings.EqualFold(a, word) })
}

// Touches reports whether key is one of the command's.
func (c *Command) Touches(key string) bool { return slices.Contains(c.Keys, key) }

// Answered reports whether a reply came.
func (c *Command) Answered() bool { return c.Reply != 0 }
