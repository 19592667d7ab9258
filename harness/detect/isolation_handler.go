package detect

import (
	"fmt"
	"slices"

	"github.com/flakehunt/flakehunt/internal/phrase"
)

// isolationHandler: Redis delivered every message in time, and yet a handler did not see it.
func isolationHandler(t *Trace) []Match {
	if len(t.Deliveries) == 0 {
		return nil
	}
	want, got, counted := shortfall(t)
	for _, m := range misses(t) {
		if m.score >= pick(counted, 0.5, 0.3) {
			return nil
		}
	}
	if counted && got >= want {
		return nil
	}
	if _, late := t.latestMessage(); late {
		return nil // it may have come when the test had given up
	}
	last := map[string]*Command{}
	for _, p := range t.Commands {
		if publishes(p) {
			last[p.Args[0]] = p
		}
	}
	for _, p := range last { // earlier ones may have been tries to find out whether anyone listens
		if !delivered(t, p) {
			return nil
		}
	}
	d := t.Deliveries[len(t.Deliveries)-1]
	m := Match{
		Title: fmt.Sprintf("every message on %s reached the client, and a handler did not see it", d.Channel),
		First: d.Event.Point, Then: d.Event.Point, Score: 0.3 + t.message().hint("handler", "missed", "called"),
	}
	for _, d := range t.Deliveries {
		if d.Publish != nil && len(m.Events) < 20 {
			m.Events = append(m.Events, d.Event.Seq)
		}
	}
	m.Events = seqs(m.Events...)
	m.Explanation = fmt.Sprintf("All %s were delivered to the subscriber's connection, in time; nothing on the wire was late or missing. "+
		"So they were lost inside the client: most likely another handler of the topic failed, or panicked, and ended the dispatch. "+
		"Catch errors and panics of each handler by itself.", phrase.Plural(len(t.Deliveries), "message"))
	if counted {
		m.Score = 0.7
		m.Explanation = fmt.Sprintf("The test saw %d of %d. ", got, want) + m.Explanation
	}
	return []Match{m}
}

// delivered reports whether p went to a subscriber.
func delivered(t *Trace, p *Command) bool {
	return slices.ContainsFunc(t.DeliveriesOf(p), func(d *Delivery) bool { return !d.lost() })
}
