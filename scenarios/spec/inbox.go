package spec

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/fixtures"
)

// Inbox keeps what a handler was given, in the order in which it finished.
type Inbox struct {
	env *Env
	mu  sync.Mutex
	got []fixtures.Message
}

// Put is a fixtures.Handler that keeps the message.
func (b *Inbox) Put(_ context.Context, msg fixtures.Message) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, msg)
	return nil
}

// Received returns what has come so far.
func (b *Inbox) Received() []fixtures.Message {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]fixtures.Message(nil), b.got...)
}

// Await waits for n messages and returns them; with fewer it fails the scenario
// and ends it.
func (b *Inbox) Await(t T, n int) []fixtures.Message {
	t.Helper()
	return b.AwaitAfter(t, 0, n)
}

// AwaitAfter is Await for messages that come here only after some commands, one
// after another, as a reply does.
func (b *Inbox) AwaitAfter(t T, commands, n int) []fixtures.Message {
	t.Helper()
	var got []fixtures.Message // as it was when last looked at: another may come while it is reported
	seen, within := b.env.Await(t, commands, func() bool {
		got = b.Received()
		return len(got) >= n
	})
	if !seen {
		t.Errorf("expected %s within %v, received %d", messages(n), within, len(got))
		t.FailNow()
	}
	return got
}

// AwaitAll waits until each inbox has a message, all within the same time, and
// fails the scenario, and ends it, if one has none.
func (e *Env) AwaitAll(t T, inboxes map[string]*Inbox) {
	t.Helper()
	var missing []string
	seen, within := e.Await(t, 0, func() bool {
		missing = missing[:0]
		for name, b := range inboxes {
			if len(b.Received()) == 0 {
				missing = append(missing, name)
			}
		}
		return len(missing) == 0
	})
	if !seen {
		slices.Sort(missing)
		t.Errorf("expected 1 message within %v for each of %d subscribers, received 0 for %s",
			within, len(inboxes), strings.Join(missing, ", "))
		t.FailNow()
	}
}

// AwaitExactly waits for n messages, then for long enough to see one too many.
func (b *Inbox) AwaitExactly(t T, n int) []fixtures.Message {
	t.Helper()
	b.Await(t, n)
	b.env.WatchForStray(t)
	got := b.Received()
	if len(got) != n {
		t.Errorf("expected %s, received %d", messages(n), len(got))
		t.FailNow()
	}
	return got
}

// ExpectNone watches for long enough to see a message, and fails on one.
func (b *Inbox) ExpectNone(t T, why string) {
	t.Helper()
	b.env.WatchForStray(t)
	if n := len(b.Received()); n != 0 {
		t.Errorf("expected no message %s, received %d", why, n)
	}
}

func messages(n int) string {
	if n == 1 {
		return "1 message"
	}
	return strconv.Itoa(n) + " messages"
}
