package gotest

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
)

// What a subtest's name may hold that is another one in each run.
const (
	uuid = `[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}`
	ulid = `[0-7][0-9A-HJKMNP-TV-Z]{25}`
	id   = `[0-9A-Za-z]{16,}` // if harness.LooksRandom says so
)

// placeholders are the words that take its place, and what finds it again.
var placeholders = []struct{ word, pattern string }{{"{uuid}", uuid}, {"{ulid}", ulid}, {"{id}", id}}

var (
	volatile = regexp.MustCompile(uuid + `|` + id)
	isUUID   = regexp.MustCompile(`^` + uuid + `$`)
	numbered = regexp.MustCompile(`#\d\d+$`)
)

// names gives the subtests of one process names that they have in the next one
// too: t.Run(uuid.NewString(), …) would else be another test in each trial. Those
// that would have the same name are numbered in the order in which they begin, as
// the testing package does with names that repeat.
type names struct {
	mu     sync.Mutex
	stable map[string]string // by the name as it is
	taken  map[string]int
}

func (n *names) of(test string) string {
	if !strings.Contains(test, "/") {
		return test
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.stable == nil {
		n.stable, n.taken = map[string]string{}, map[string]int{}
	}
	return n.find(test)
}

func (n *names) find(test string) string {
	if known, ok := n.stable[test]; ok {
		return known
	}
	at := strings.LastIndexByte(test, '/')
	if at < 0 {
		return test
	}
	last := test[at+1:]
	same := steady(last)
	name := n.find(test[:at]) + "/" + same
	if same != last {
		k := n.taken[name]
		n.taken[name]++
		if k > 0 {
			name += fmt.Sprintf("#%02d", k)
		}
	}
	n.stable[test] = name
	return name
}

// steady puts words in the place of what is volatile in one element of a name.
func steady(element string) string {
	return volatile.ReplaceAllStringFunc(element, func(w string) string {
		switch {
		case isUUID.MatchString(w):
			return "{uuid}"
		case harness.ULID(w):
			return "{ulid}"
		case harness.LooksRandom(w):
			return "{id}"
		}
		return w
	})
}

// element gives a pattern for one element of a stable name. Of subtests that are
// told apart by number alone it matches all.
func element(name string) string {
	pattern := regexp.QuoteMeta(name)
	found := false
	for _, p := range placeholders {
		if quoted := regexp.QuoteMeta(p.word); strings.Contains(pattern, quoted) {
			pattern, found = strings.ReplaceAll(pattern, quoted, p.pattern), true
		}
	}
	if found {
		pattern = numbered.ReplaceAllString(pattern, "")
	}
	return "^" + pattern + "$"
}
