package predict

import (
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/effects"
)

// part says in which part of a test a command was sent.
type part uint8

const (
	body  part = iota
	setup      // it cleans up before the test
	teardown
)

// act is a command that took effect, with all that the relations ask of it.
type act struct {
	*detect.Command
	effects effects.Effects
	frame   *detect.Command // which decides when it takes effect: its EXEC, or the EVALSHA that was sent before the EVAL
	family  string          // what it shares with its siblings in a loop: role, verb and key
	part    part
	after   *detect.Command // whose reply was the last that any client got before this was sent; nil: a push, or none
	since   time.Duration   // from that frame, whatever it was, to this; -1: there was none
	others  int             // commands under way on other connections when this was sent, those that wait in Redis aside
}

// newAct prepares a command that Redis took up. What is known of scripts grows by
// it.
func newAct(c *detect.Command, scripts *effects.Knowledge) *act {
	a := &act{Command: c, frame: c.At(), effects: scripts.Of(c.Words), family: c.Point.Role + " " + c.Verb + " " + c.Point.Key}
	if c.Tried != nil {
		a.frame = c.Tried
		scripts.Alias(c.Tried.Words, c.Words)
	}
	if c.IsError {
		a.effects.Writes = nil
	}
	return a
}

// blocking reports whether the command takes effect on arrival.
func (a *act) blocking() bool { return a.Blocks || a.effects.Blocking }

// effective is the frame after which a has surely taken effect.
func (a *act) effective() harness.Point {
	if a.blocking() {
		return a.frame.Point
	}
	return a.frame.Point.Reply()
}

// Latest reports whether the command reads a stream from its end on.
func (a *act) Latest() bool { return len(a.effects.Latest) > 0 }

// ReadsAny reports whether the command reads any key.
func (a *act) ReadsAny() bool {
	return slices.ContainsFunc(a.effects.Reads, func(r effects.Resource) bool { return r.Kind == effects.Key })
}

// has reports whether word is among the command's options.
func (a *act) has(word string) bool {
	return slices.ContainsFunc(a.Args, func(x string) bool { return strings.EqualFold(x, word) })
}

// cleans reports whether a command is of those with which tests clean up.
func cleans(a *act) bool {
	switch a.Verb {
	case "FLUSHALL", "FLUSHDB", "DEL", "UNLINK", "QUIT", "UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE", "DISCARD", "XGROUP|DESTROY", "RESET":
		return true
	}
	return false
}

// looksRound reports whether a command is one with which keys to remove are found.
func looksRound(a *act) bool { return a.Verb == "SCAN" || a.Verb == "KEYS" }

// handshake reports whether a command is one with which clients begin.
func handshake(a *act) bool {
	switch a.Verb {
	case "HELLO", "AUTH", "CLIENT|SETINFO", "CLIENT|SETNAME", "CLIENT|TRACKING", "CLIENT|NO-EVICT", "CLIENT|MAINT_NOTIFICATIONS", "CLIENT", "SELECT", "INFO", "COMMAND", "COMMAND|DOCS",
		"PING", "READONLY", "CLUSTER|SLOTS", "CLUSTER|SHARDS", "CLUSTER|NODES", "CLIENT|ID", "CLIENT|GETNAME":
		return true
	}
	return false
}

// markParts notes which commands before and after the test proper only clean up.
// Those of handshakes among them are what they are. It returns when the last
// command before the teardown went to Redis; 0: there was none.
func markParts(acts []*act) (bodyEnds time.Duration) {
	n := len(acts)
	for i := 0; i < n && (cleans(acts[i]) || looksRound(acts[i]) || handshake(acts[i])); i++ {
		if !handshake(acts[i]) {
			acts[i].part = setup
		}
	}
	removes := false // what was looked up is removed
	i := n - 1
	for ; i >= 0 && acts[i].part == body; i-- {
		a := acts[i]
		if !cleans(a) && !handshake(a) && !(looksRound(a) && removes) {
			break
		}
		removes = removes || a.Verb == "DEL" || a.Verb == "UNLINK"
		if !handshake(a) {
			a.part = teardown
		}
	}
	if i >= 0 {
		bodyEnds = acts[i].Sent
	}
	return bodyEnds
}
