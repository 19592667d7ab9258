package probe

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
	"github.com/flakehunt/flakehunt/internal/phrase"
)

// Wire is what was seen between the suite and Redis.
type Wire struct {
	Connections int      `json:"connections"` // that the proxy made to Redis
	Commands    int      `json:"commands"`
	Verbs       []Verb   `json:"verbs,omitempty"`     // most frequent first
	Clients     []string `json:"clients,omitempty"`   // names that connections gave themselves (CLIENT SETNAME)
	Libraries   []string `json:"libraries,omitempty"` // as they name themselves (CLIENT SETINFO)
	RESP3       bool     `json:"resp3,omitempty"`     // HELLO 3 was sent; else RESP2 is spoken
	Login       bool     `json:"login,omitempty"`     // a password was sent
	Blocking    []Verb   `json:"blocking,omitempty"`  // commands that may wait in Redis
	PubSub      []Verb   `json:"pubsub,omitempty"`
	Multi       int      `json:"multi,omitempty"`   // transactions
	Scripts     int      `json:"scripts,omitempty"` // EVAL and its like
	Errors      int      `json:"errors,omitempty"`  // that Redis answered, other than those of the handshake
	FirstError  string   `json:"first_error,omitempty"`
	Unread      []string `json:"unread,omitempty"` // connections whose bytes were passed through without being understood
}

// Verb is a command and how often it came.
type Verb struct {
	Name string `json:"name"`
	N    int    `json:"n"`
}

// most is how many of a kind are kept.
const most = 20

// tally is a Recorder that keeps counts alone, so that a suite may send as much
// as it likes.
type tally struct {
	mu       sync.Mutex
	wire     Wire
	verbs    map[string]int
	blocking map[string]int
	pubsub   map[string]int
	foreign  map[uint32]bool // connections that speak another protocol
}

func newTally() *tally {
	return &tally{verbs: map[string]int{}, blocking: map[string]int{}, pubsub: map[string]int{}, foreign: map[uint32]bool{}}
}

var _ harness.Recorder = (*tally)(nil)

// Record counts one event.
func (t *tally) Record(e *harness.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := &t.wire
	switch e.Kind {
	case harness.Open:
		w.Connections++
	case harness.Request:
		t.request(e)
	case harness.Reply:
		if e.IsError && !expected(e) {
			w.Errors++
			if w.FirstError == "" {
				w.FirstError = e.Point.Verb + ": " + strings.TrimLeft(strings.TrimSpace(phrase.FirstLine(string(e.Raw))), "-")
			}
		}
	case harness.Warning:
		keep(&w.Unread, string(e.Raw))
	}
}

func (t *tally) request(e *harness.Event) {
	w := &t.wire
	verb := e.Point.Verb
	if t.foreign[e.Conn] || strings.ContainsFunc(verb, func(r rune) bool { return !unicode.IsPrint(r) }) {
		t.foreign[e.Conn] = true // TLS, most likely: what looks like a command later is none either
		keep(&w.Unread, "a client speaks another protocol than Redis'")
		return
	}
	w.Commands++
	t.verbs[verb]++
	switch {
	case e.Blocking:
		t.blocking[verb]++
	case strings.HasSuffix(verb, "SUBSCRIBE"), verb == "PUBLISH", verb == "SPUBLISH":
		t.pubsub[verb]++
	case verb == "MULTI":
		w.Multi++
	case strings.HasPrefix(verb, "EVAL"), strings.HasPrefix(verb, "FCALL"):
		w.Scripts++
	case verb == "AUTH":
		w.Login = true
	case verb == "HELLO":
		words := resp.Words(e.Raw)
		w.RESP3 = w.RESP3 || len(words) > 1 && words[1] == "3"
		for i, word := range words {
			switch {
			case strings.EqualFold(word, "AUTH"):
				w.Login = true
			case strings.EqualFold(word, "SETNAME") && i+1 < len(words):
				keep(&w.Clients, words[i+1])
			}
		}
	case verb == "CLIENT|SETNAME":
		if words := resp.Words(e.Raw); len(words) > 2 {
			keep(&w.Clients, words[2])
		}
	case verb == "CLIENT|SETINFO":
		if words := resp.Words(e.Raw); len(words) > 3 && strings.EqualFold(words[2], "LIB-NAME") {
			keep(&w.Libraries, words[3])
		}
	}
}

// expected reports whether an error is one that clients meet as a matter of
// course: what an older Redis does not know of the handshake, a script that is
// not cached yet.
func expected(e *harness.Event) bool {
	switch e.Point.Verb {
	case "HELLO", "CLIENT|SETINFO", "CLIENT|MAINT_NOTIFICATIONS", "CLIENT|TRACKING", "CLIENT|ID", "READONLY":
		return true
	}
	text := string(e.Raw)
	return strings.HasPrefix(text, "-NOSCRIPT") || strings.Contains(text, "CLIENT") && strings.Contains(text, "unknown")
}

// seen gives what was counted so far.
func (t *tally) seen() Wire {
	t.mu.Lock()
	defer t.mu.Unlock()
	w := t.wire
	w.Clients, w.Libraries, w.Unread = slices.Clone(w.Clients), slices.Clone(w.Libraries), slices.Clone(w.Unread)
	w.Verbs, w.Blocking, w.PubSub = ranked(t.verbs), ranked(t.blocking), ranked(t.pubsub)
	return w
}

func ranked(m map[string]int) (list []Verb) {
	for name, n := range m {
		list = append(list, Verb{name, n})
	}
	slices.SortFunc(list, func(a, b Verb) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Name, b.Name)) })
	return list[:min(len(list), most)]
}

func keep(list *[]string, s string) {
	if s != "" && len(*list) < most && !slices.Contains(*list, s) {
		*list = append(*list, s)
	}
}
