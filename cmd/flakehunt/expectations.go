package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness"
)

// expectation is one row of the table that closes the report on the shipped
// suites: what the tests assume, and what the adapter does about it.
type expectation struct {
	topic   string
	expects string
	sound   string
	faulty  map[fixtures.Defect]string
	classes []harness.Class
}

// expectations lists the rows in the order of the report.
func expectations() []expectation {
	return []expectation{
		{
			"listener ready", "a message published right after Subscribe is received",
			"Subscribe and Publish wait until Redis has confirmed PSUBSCRIBE",
			map[fixtures.Defect]string{fixtures.ListenerNotReady: "PSUBSCRIBE is sent in the background; Subscribe and Publish return at once"},
			[]harness.Class{harness.RaceSubscribePublish},
		},
		{
			"message format", "a handler gets the envelope that was published, whatever its payload",
			"the wrapped form is told from a payload with a field msg by its shape",
			map[fixtures.Defect]string{fixtures.EnvelopeUnwrap: "any object with a field msg is unwrapped"},
			[]harness.Class{harness.FormatEnvelope},
		},
		{
			"handler errors", "one handler's failure leaves the others alone",
			"each handler runs on its own; errors and panics are logged",
			map[fixtures.Defect]string{fixtures.HandlerError: "a failure ends the dispatch of its message"},
			[]harness.Class{harness.IsolationHandler},
		},
		{
			"concurrent subscribes", "every subscriber gets the first message, once",
			"subscribes to one topic are serialised and return when attached",
			map[fixtures.Defect]string{
				fixtures.MultiSubscriber:    "a second Subscribe returns before it is attached",
				fixtures.DuplicateSubscribe: "the topic map is read, SUBSCRIBE awaited, then the map written",
			},
			[]harness.Class{harness.RaceMultiSubscriber, harness.RaceDuplicateSubscribe},
		},
		{
			"TTL expiry", "a key is there before its deadline and gone after it, counted from the reply to SET",
			"SET is awaited, so a sleep after it starts later than the deadline's clock",
			map[fixtures.Defect]string{
				fixtures.TTLEarly: "a short TTL must outlast several steps",
				fixtures.TTLLate:  "the deadline is counted from before the SET",
				fixtures.TTLExact: "a remaining TTL is compared with an exact number",
			},
			[]harness.Class{harness.TTLExpiredEarly, harness.TTLExpiredLate, harness.TTLMissing},
		},
		{
			"message order", "handlers see messages in the order in which one publisher sent them",
			"handlers of one topic run one message after the other",
			map[fixtures.Defect]string{fixtures.NoOrder: "handlers of successive messages run at the same time"},
			[]harness.Class{harness.OrderMessages, harness.OrderCommands},
		},
		{
			"once, and counting", "work with one id runs once; no increment is lost",
			"SET NX, INCR and one Lua script",
			map[fixtures.Defect]string{
				fixtures.CheckThenActOnce: "GET, then SET",
				fixtures.LostUpdate:       "GET, add, SET",
			},
			[]harness.Class{harness.RaceCheckThenAct, harness.RaceLostUpdate},
		},
	}
}

// compare fills the table from what a run measured.
func compare(r *harness.Result, on fixtures.Defects) []harness.Expectation {
	var rows []harness.Expectation
	for _, e := range expectations() {
		row := harness.Expectation{Topic: e.topic, Expects: e.expects, Implementation: e.sound}
		var faults []string
		for _, d := range fixtures.AllDefects() {
			if text, ok := e.faulty[d]; ok && on.Has(d) {
				faults = append(faults, text)
			}
		}
		if len(faults) > 0 {
			row.Implementation = strings.Join(faults, "; ")
		}
		row.Gap, row.Tests = gap(r, e.classes)
		rows = append(rows, row)
	}
	return rows
}

// gap says what was measured for some classes: failures, and the smallest
// margin of a test that failed.
func gap(r *harness.Result, classes []harness.Class) (text string, tests []string) {
	var smallest *harness.Margin
	causes := 0
	for _, f := range r.Findings {
		if !slices.Contains(classes, f.Class) || f.Standing == harness.Latent || f.Standing == harness.Simulated && r.Simulation != nil {
			continue
		}
		causes++
		for _, t := range f.Tests {
			if !slices.Contains(tests, t) {
				tests = append(tests, t)
			}
		}
		if f.Margin != nil && (smallest == nil || f.Margin.Size < smallest.Size) {
			smallest = f.Margin
		}
	}
	switch {
	case causes == 0:
		return "none: no failure was provoked", nil
	case smallest != nil:
		return fmt.Sprintf("%d tests fail; the nearest when %s is %.0f ms late", len(tests), smallest.Edge, smallest.Size.Milliseconds()), tests
	}
	return fmt.Sprintf("%d tests fail", len(tests)), tests
}
