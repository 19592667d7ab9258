package history

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// Literal writes r as the Go value of a detector's test:
//
//	var outcome = harness.Outcome{…}
//	var events = []harness.Event{…}
func Literal(w io.Writer, r Recording) error {
	b := bufio.NewWriter(w)
	o := r.Outcome
	fmt.Fprintf(b, "var outcome = harness.Outcome{Test: harness.TestID{Name: %q, Suite: %q}, Verdict: %q", o.Test.Name, o.Test.Suite, string(o.Verdict))
	if f := o.Failure; f != nil {
		fmt.Fprintf(b, ", Failure: &harness.Failure{Kind: %q, Message: %q}", string(f.Kind), f.Message)
	}
	if o.Boundary != "" {
		fmt.Fprintf(b, ", Boundary: %q", string(o.Boundary))
	}
	if len(o.Blocked) > 0 {
		points := make([]string, len(o.Blocked))
		for i, p := range o.Blocked {
			points[i] = "{" + pointFields(p) + "}"
		}
		fmt.Fprintf(b, ", Blocked: []harness.Point{%s}", strings.Join(points, ", "))
	}
	fmt.Fprint(b, "}\n\nvar events = []harness.Event{\n")
	for i := range r.Events {
		literalEvent(b, &r.Events[i])
	}
	fmt.Fprint(b, "}\n")
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write history as Go: %w", err)
	}
	return nil
}

// literalEvent writes what of an event is not zero.
func literalEvent(b *bufio.Writer, ev *harness.Event) {
	fmt.Fprintf(b, "\t{Seq: %d", ev.Seq)
	add := func(given bool, name, value string) {
		if given {
			fmt.Fprintf(b, ", %s: %s", name, value)
		}
	}
	kinds := [...]string{"Unspecified", "Request", "Reply", "Push", "Open", "Close", "Begin", "End", "Warning"}
	endings := [...]string{"Forwarded", "Fulfilled", "Stalled", "TimedOut", "Dropped"}
	if int(ev.Kind) < len(kinds) {
		add(true, "Kind", "harness."+kinds[ev.Kind])
	}
	add(ev.Conn != 0, "Conn", strconv.FormatUint(uint64(ev.Conn), 10))
	add(ev.Test != "", "Test", strconv.Quote(ev.Test))
	add(!ev.Point.IsZero(), "Point", "harness.Point{"+pointFields(ev.Point)+"}")
	add(true, "In", nanoseconds(ev.In))
	add(ev.Out != 0, "Out", nanoseconds(ev.Out))
	add(ev.Action != harness.Pass, "Action", strconv.Quote(string(ev.Action)))
	add(ev.Asked != 0, "Asked", nanoseconds(ev.Asked))
	if int(ev.Ending) < len(endings) {
		add(ev.Ending != harness.Forwarded, "Ending", "harness."+endings[ev.Ending])
	}
	add(ev.ReplyTo != 0, "ReplyTo", strconv.FormatUint(ev.ReplyTo, 10))
	add(ev.Size != 0, "Size", strconv.Itoa(ev.Size))
	add(ev.IsError, "IsError", "true")
	add(ev.InMulti, "InMulti", "true")
	add(ev.Blocking, "Blocking", "true")
	add(len(ev.Raw) > 0, "Raw", "[]byte("+strconv.Quote(string(ev.Raw))+")")
	if len(ev.Args) > 0 {
		words := make([]string, len(ev.Args))
		for i, w := range ev.Args {
			words[i] = strconv.Quote(w)
		}
		add(true, "Args", "[]string{"+strings.Join(words, ", ")+"}")
	}
	fmt.Fprint(b, "},\n")
}

func pointFields(p harness.Point) string {
	dir := ""
	if p.Dir == harness.ToClient {
		dir = ", Dir: harness.ToClient"
	}
	return fmt.Sprintf("Role: %q%s, Verb: %q, Key: %q, N: %d", p.Role, dir, p.Verb, p.Key, p.N)
}

// nanoseconds is a duration as a constant.
func nanoseconds(d time.Duration) string { return strconv.FormatInt(int64(d), 10) }
