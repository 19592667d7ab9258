package simtest

import (
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/detect"
	"github.com/flakehunt/flakehunt/harness/history"
	"github.com/flakehunt/flakehunt/harness/sim/bubble"
)

// tags is the flag without which the test would not be in the binary.
func tags() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			if s.Key == "-tags" && s.Value != "" {
				return " -tags " + s.Value
			}
		}
	}
	return ""
}

// report says of a failed seed how to play it again, what was late, what it
// looks like, and what was on the wire.
func report(test string, seed uint64, s schedule, buffer *history.Buffer) string {
	var b strings.Builder
	if seed == 0 {
		b.WriteString("simulated: failed without any delay, so no schedule is to blame\n")
	} else {
		fmt.Fprintf(&b, "simulated: failed with seed %d\n", seed)
		fmt.Fprintf(&b, "  again:  %s=%d go test -run '^%s$'%s\n", SeedEnv, seed, strings.SplitN(test, "/", 2)[0], tags())
	}
	events, err := buffer.Events(test)
	if err != nil {
		fmt.Fprintf(&b, "  no timeline: %v\n", err)
		return b.String()
	}
	events = bubble.Canonicalize(events)
	for _, e := range events {
		if e.Action == harness.Delay {
			fmt.Fprintf(&b, "  late:   %s, by %v\n", e.Point, e.Asked)
		}
	}
	var suspects []uint64
	outcome := harness.Outcome{
		Test: harness.TestID{Name: test}, Verdict: harness.Failed,
		Failure: &harness.Failure{Kind: harness.AssertionFailure},
	}
	for i, m := range detect.Run(detect.NewTrace(events, outcome)) {
		if i == 0 {
			fmt.Fprintf(&b, "  looks like %s: %s\n", m.Class, m.Title)
			suspects = m.Events
		}
	}
	b.WriteString("  timeline (virtual time since the body began; > to Redis, < to the client):\n")
	for _, l := range history.Lines(events, suspects) {
		mark := " "
		if l.Suspect {
			mark = "*"
		}
		note := ""
		if l.Note != "" {
			note = "   (" + l.Note + ")"
		}
		fmt.Fprintf(&b, "  %s %9s  %-5s %s %s%s\n", mark, time.Duration(l.At).Round(10*time.Microsecond), l.Role, l.Dir, l.Text, note)
	}
	return strings.TrimRight(b.String(), "\n")
}
