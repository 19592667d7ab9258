package scenarios

import (
	"strings"

	"github.com/flakehunt/flakehunt/fixtures"
)

// Expectation is one row of the table that closes the report on the shipped
// suites: what the tests assume, and what the adapter does about it.
type Expectation struct {
	Topic   string
	Expects string
	Sound   string
	Faulty  map[fixtures.Defect]string
	Classes []string // of the failures that break it
}

// Implementation says what the adapter does with these defects.
func (e Expectation) Implementation(on fixtures.Defects) string {
	var faults []string
	for _, d := range fixtures.AllDefects() {
		if text, ok := e.Faulty[d]; ok && on.Has(d) {
			faults = append(faults, text)
		}
	}
	if len(faults) > 0 {
		return strings.Join(faults, "; ")
	}
	return e.Sound
}

// Expectations lists the rows in the order of the report.
func Expectations() []Expectation {
	return []Expectation{
		{
			"listener ready", "a message published right after Subscribe is received",
			"Subscribe and Publish wait until Redis has confirmed PSUBSCRIBE",
			map[fixtures.Defect]string{fixtures.ListenerNotReady: "PSUBSCRIBE is sent in the background; Subscribe and Publish return at once"},
			[]string{"race/subscribe-publish"},
		},
		{
			"message format", "a handler gets the envelope that was published, whatever its payload",
			"the wrapped form is told from a payload with a field msg by its shape",
			map[fixtures.Defect]string{fixtures.EnvelopeUnwrap: "any object with a field msg is unwrapped"},
			[]string{"format/envelope"},
		},
		{
			"handler errors", "one handler's failure leaves the others alone",
			"each handler runs on its own; errors and panics are logged",
			map[fixtures.Defect]string{fixtures.HandlerError: "a failure ends the dispatch of its message"},
			[]string{"isolation/handler"},
		},
		{
			"concurrent subscribes", "every subscriber gets the first message, once",
			"subscribes to one topic are serialised and return when attached",
			map[fixtures.Defect]string{
				fixtures.MultiSubscriber:    "a second Subscribe returns before it is attached",
				fixtures.DuplicateSubscribe: "the topic map is read, SUBSCRIBE awaited, then the map written",
			},
			[]string{"race/multi-subscriber", "race/duplicate-subscribe"},
		},
		{
			"TTL expiry", "a key is there before its deadline and gone after it, counted from the reply to SET",
			"SET is awaited, so a sleep after it starts later than the deadline's clock",
			map[fixtures.Defect]string{
				fixtures.TTLEarly: "a short TTL must outlast several steps",
				fixtures.TTLLate:  "the deadline is counted from before the SET",
				fixtures.TTLExact: "a remaining TTL is compared with an exact number",
			},
			[]string{"ttl/expired-early", "ttl/expired-late", "ttl/missing"},
		},
		{
			"message order", "handlers see messages in the order in which one publisher sent them",
			"handlers of one topic run one message after the other",
			map[fixtures.Defect]string{fixtures.NoOrder: "handlers of successive messages run at the same time"},
			[]string{"order/messages", "order/commands"},
		},
		{
			"once, and counting", "work with one id runs once; no increment is lost",
			"SET NX, INCR and one Lua script",
			map[fixtures.Defect]string{
				fixtures.CheckThenActOnce: "GET, then SET",
				fixtures.LostUpdate:       "GET, add, SET",
			},
			[]string{"race/check-then-act", "race/lost-update"},
		},
	}
}
