package detect

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// errorReply tells of error replies of which no order or delay is the cause.
func errorReply(t *Trace) []Match { return errorsOf(t, harness.Unattributed) }

// serverState tells of error replies by which something beside the keys was not
// there, or was there already.
func serverState(t *Trace) []Match { return errorsOf(t, harness.OrderServerState) }

// errorsOf lists the error replies of a class that nobody dealt with, each kind
// once. One that the failure quotes explains it; another may be what the test
// expects.
func errorsOf(t *Trace, class harness.Class) []Match {
	seen := map[string]bool{}
	var out []Match
	for _, c := range t.Commands {
		if !c.IsError || len(c.Result) == 0 {
			continue
		}
		code := Code(c.Result[0])
		kind, rival := classOf(t, c, code)
		if kind != class || seen[code+c.Verb] || handled(t, c, code) {
			continue
		}
		seen[code+c.Verb] = true
		m := Match{
			Title:       fmt.Sprintf("%s was answered by %s", strings.TrimSpace(c.Verb+" "+c.Point.Key), brief(c.Result[0])),
			Explanation: fmt.Sprintf("%s was executed at %s, and Redis answered %q.%s", c.Verb, at3(t, c.Sent), c.Result[0], advice(code)),
			Events:      seqs(c.Seq, c.Reply), First: c.Point, Then: c.Point.Reply(), Score: 0.45,
		}
		if rival != nil {
			m.Explanation += fmt.Sprintf(" %s of another connection was executed at %s.", rival.Verb, at3(t, rival.Sent))
			m.Events, m.Then, m.Score = seqs(append(m.Events, rival.Seq, rival.Reply)...), rival.Point, 0.6
		}
		if t.message().quotes(c.Result[0]) || len(code) > 3 && t.message().quotes(code) {
			m.Score = 0.96
		}
		out = append(out, m)
	}
	return out
}

// Code is the word that an error reply begins with, "ERR" with what follows it
// for those that say no more: "NOSCRIPT", "WRONGTYPE", "ERR syntax error".
func Code(reply string) string {
	word, rest, _ := strings.Cut(reply, " ")
	if word != "ERR" {
		return word
	}
	words := strings.Fields(rest)
	return strings.Join(append([]string{word}, words[:min(3, len(words))]...), " ")
}

// classOf says what an error reply may be a sign of, and which command of another
// connection has to do with it.
func classOf(t *Trace, c *Command, code string) (harness.Class, *Command) {
	if harness.ServerCondition(code) {
		return harness.InfrastructureClass, nil
	}
	switch code {
	case "NOSCRIPT":
		return harness.OrderServerState, lastOf(t, c, "SCRIPT|FLUSH", "SCRIPT|LOAD")
	case "NOGROUP", "BUSYGROUP":
		return harness.OrderServerState, lastOf(t, c, "XGROUP|CREATE", "XGROUP|DESTROY", "DEL", "UNLINK", "FLUSHALL", "FLUSHDB")
	case "NOPERM", "WRONGPASS":
		return harness.OrderServerState, lastOf(t, c, "ACL|SETUSER", "ACL|DELUSER", "CONFIG|SET")
	case "WRONGTYPE":
		for _, key := range c.Keys {
			on := t.On(key)
			var last *Command
			for _, w := range on {
				if w.Writes && w.Sent < c.Sent {
					last = w
				}
			}
			switch {
			case last == nil:
				return harness.IsolationTestLeak, nil // of another type before the test wrote it
			case last.Conn != c.Conn:
				return harness.OrderCommands, last
			}
		}
	}
	return harness.Unattributed, nil
}

// lastOf is the last command of the verbs that another connection sent before c;
// nil if there is none.
func lastOf(t *Trace, c *Command, verbs ...string) *Command {
	var last *Command
	for _, o := range t.Commands {
		if o.Conn != c.Conn && o.Sent < c.Sent && !o.IsError && slices.Contains(verbs, o.Verb) {
			last = o
		}
	}
	return last
}

// handled reports whether the client dealt with the error: it sent the whole
// script where its hash was not known, or went on with a group that was there.
func handled(t *Trace, c *Command, code string) bool {
	switch code {
	case "NOSCRIPT":
		return slices.ContainsFunc(t.Commands, func(o *Command) bool {
			return o.Arrived >= c.Done && !o.IsError && (o.Verb == "EVAL" || o.Verb == "SCRIPT|LOAD")
		})
	case "BUSYGROUP":
		return slices.ContainsFunc(t.Commands, func(o *Command) bool {
			return o.Arrived >= c.Done && !o.IsError && (o.Verb == "XREADGROUP" || o.Verb == "XACK") && !removes(o)
		})
	}
	return false
}

// advice is a sentence for the errors of which it is known what mends them.
func advice(code string) string {
	switch code {
	case "NOSCRIPT":
		return " The script cache is the server's: send EVAL where EVALSHA finds nothing, and flush it in no test that others run beside."
	case "NOGROUP":
		return " Create the group, with MKSTREAM, before the first read."
	case "BUSYGROUP":
		return " Take a group that is there already for created."
	case "WRONGTYPE":
		return " The key holds a value of another type: two parts of the program use one name, or something was left over."
	}
	return ""
}
