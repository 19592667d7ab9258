package detect

import (
	"slices"
	"strings"

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
	refused := map[uint32]*Command{} // by connection: the EVALSHA that was answered NOSCRIPT last
	for _, c := range commands {
		k.Learn(c.Words)
		switch {
		case c.Verb == "EVALSHA" && c.IsError:
			refused[c.Conn] = c
		case c.Verb == "EVAL" && refused[c.Conn] != nil:
			k.Alias(refused[c.Conn].Words, c.Words)
			refused[c.Conn] = nil
		}
	}
	return k
}

// the puts an article before a verb; a script has a name of its own.
func the(name string) string {
	if strings.HasPrefix(name, "script ") || strings.HasPrefix(name, "function ") {
		return name
	}
	return "the " + name
}
