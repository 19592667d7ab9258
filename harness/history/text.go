package history

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
)

// Recording is a history together with how its test ended, as the text form
// holds them:
//
//	# a comment
//	test "smoke/listener/publish-right-after-subscribe"
//	outcome fail assertion "expected 1 message within 200ms, received 0"
//	blocked kv>SET "k" #1
//	1 0s begin
//	2 1.2ms c3 pub>PUBLISH "orders" #1 | PUBLISH orders "{\"id\":1}" | out=1.3ms
//	3 1.5ms c3 pub<PUBLISH "orders" #1 | 0 | out=1.6ms re=2
//
// A line of an event is: sequence number, time of arrival, connection, point;
// then after a bar its words, quoted where they hold more than letters, digits
// and plain signs; then after a bar its attributes: out, action, asked, ending,
// re (the request that a reply answers), size, and the words dropped, error,
// multi, blocking, push. Without out a frame left when it came.
type Recording struct {
	Outcome harness.Outcome
	Events  []harness.Event
}

var kindNames = map[string]harness.Kind{
	"begin": harness.Begin, "end": harness.End, "open": harness.Open, "close": harness.Close, "warning": harness.Warning,
}

// Format writes r as text. Payloads are written as far as they were kept.
func Format(w io.Writer, r Recording) error {
	b := bufio.NewWriter(w)
	o := r.Outcome
	test := o.Test.Name
	fmt.Fprintf(b, "test %q\n", test)
	if o.Verdict != harness.Unknown {
		fmt.Fprintf(b, "outcome %s", o.Verdict)
		if o.Failure != nil {
			fmt.Fprintf(b, " %s %q", o.Failure.Kind, o.Failure.Message)
		}
		fmt.Fprintln(b)
	}
	for _, p := range o.Blocked {
		fmt.Fprintf(b, "blocked %s\n", p)
	}
	for i := range r.Events {
		ev := &r.Events[i]
		if ev.Test != test {
			test = ev.Test
			fmt.Fprintf(b, "test %q\n", test)
		}
		writeEvent(b, ev)
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write history as text: %w", err)
	}
	return nil
}

func writeEvent(b *bufio.Writer, ev *harness.Event) {
	fmt.Fprintf(b, "%d %s", ev.Seq, ev.In)
	if ev.Conn != 0 {
		fmt.Fprintf(b, " c%d", ev.Conn)
	}
	words := ev.Args
	switch ev.Kind {
	case harness.Request, harness.Reply, harness.Push:
		fmt.Fprintf(b, " %s", ev.Point)
	case harness.Warning:
		fmt.Fprintf(b, " %s", ev.Kind)
		words = []string{string(ev.Raw)}
	default:
		fmt.Fprintf(b, " %s", ev.Kind)
		if ev.Kind == harness.Close && len(ev.Raw) > 0 { // by whom
			words = []string{string(ev.Raw)}
		}
	}
	attrs := attributes(ev)
	if len(words) > 0 || len(attrs) > 0 {
		b.WriteString(" |")
		for _, w := range words {
			b.WriteByte(' ')
			b.WriteString(quote(w))
		}
	}
	if len(attrs) > 0 {
		b.WriteString(" | ")
		b.WriteString(strings.Join(attrs, " "))
	}
	b.WriteByte('\n')
}

func attributes(ev *harness.Event) []string {
	var out []string
	add := func(on bool, s string) {
		if on {
			out = append(out, s)
		}
	}
	frame := ev.Kind == harness.Request || ev.Kind == harness.Reply || ev.Kind == harness.Push
	add(frame && ev.Out != 0 && ev.Out != ev.In, "out="+ev.Out.String())
	add(frame && ev.Out == 0, "dropped")
	add(ev.Action != harness.Pass, "action="+string(ev.Action))
	add(ev.Asked != 0, "asked="+ev.Asked.String())
	add(ev.Ending != harness.Forwarded && ev.Ending != harness.Dropped, "ending="+strings.ReplaceAll(ev.Ending.String(), " ", "-"))
	add(ev.ReplyTo != 0, "re="+strconv.FormatUint(ev.ReplyTo, 10))
	add(ev.Size != 0, "size="+strconv.Itoa(ev.Size))
	add(ev.IsError, "error")
	add(ev.InMulti, "multi")
	add(ev.Blocking, "blocking")
	add(ev.Kind == harness.Push && !pushVerb(ev.Point), "push")
	return out
}

// pushVerb reports whether a frame at p can be told to be a push by its name.
func pushVerb(p harness.Point) bool {
	return p.Dir == harness.ToClient && p.Verb != "" && p.Verb == strings.ToLower(p.Verb)
}

func quote(w string) string {
	plain := w != "" && w != "|" && w != "#"
	for i := 0; i < len(w) && plain; i++ {
		if c := w[i]; c <= ' ' || c >= 0x7f || c == '"' || c == '\\' {
			plain = false
		}
	}
	if plain || w == "…" {
		return w
	}
	return strconv.Quote(w)
}
