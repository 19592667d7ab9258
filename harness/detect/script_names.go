package detect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/effects"
)

// nameOf names a command for a person: its verb, or of a script how that calls
// itself, where the trace tells.
func (t *Trace) nameOf(c *Command) string {
	if !c.Script() {
		return c.Verb
	}
	if name := t.scripts.Describe(c.Words, ""); name != "a script" {
		return name
	}
	return c.Verb
}

// scriptsOf learns the names of scripts from the commands that brought their text.
func scriptsOf(commands []*Command) *effects.Knowledge {
	if !slices.ContainsFunc(commands, (*Command).Script) {
		return nil
	}
	k := effects.NewKnowledge()
	for _, c := range commands {
		k.Learn(c.Words)
		if c.Tried != nil {
			k.Alias(c.Tried.Words, c.Words)
		}
	}
	return k
}

// soon is how long after NOSCRIPT a client sends the script's text at most.
const soon = time.Second

// retries ties scripts to the calls that Redis refused for want of their text:
// the same arguments, sent on the same connection soon before. Commands are in the
// order in which they went to Redis.
func retries(commands []*Command) {
	refused := map[string]*Command{}
	for _, c := range commands {
		if !c.Script() || c.Ending == harness.Dropped || len(refused) == 0 && !c.NoScript() {
			continue
		}
		key := ""
		if len(c.Words) > 2 {
			key = fmt.Sprint(c.Conn, c.Words[2:])
		}
		if c.NoScript() {
			refused[key] = c
		} else if first := refused[key]; first != nil && c.Arrived-first.Sent < soon {
			c.Tried = first
			delete(refused, key)
		}
	}
}

// NoScript reports whether Redis refused a script for want of its text.
func (c *Command) NoScript() bool {
	return c.IsError && len(c.Result) > 0 && strings.HasPrefix(strings.TrimPrefix(c.Result[0], "-"), "NOSCRIPT")
}

// the puts an article before a verb; a script has a name of its own.
func the(name string) string {
	if strings.HasPrefix(name, "script ") || strings.HasPrefix(name, "function ") {
		return name
	}
	return "the " + name
}
