package marks

import (
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/harness"
)

// Boundaries turns the beginnings and ends of tests, which may overlap, into
// marks that do not: at any time at most one test is the current one.
//
// While several tests run at once no command can be told to be of one of them,
// so none is. What a parent does after a subtest is not its any more either: its
// commands would be numbered from one again. Safe for concurrent use.
type Boundaries struct {
	Begin, End func(test string) // either may be nil

	mu      sync.Mutex
	active  []string // begun and not ended
	current string
	exact   bool
	known   map[string]harness.Boundary // of each test that has begun
}

// Of says how the boundaries of a test were found: unknown when it never
// began, or when another test that is neither above nor below it ran meanwhile.
func (b *Boundaries) Of(test string) harness.Boundary {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.known[test]
}

// Began takes the beginning of a test; exact says that the suite itself said so.
// Once one was exact, those that are not are left aside.
func (b *Boundaries) Began(test string, exact bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.counts(exact) {
		return
	}
	b.active = append(b.active, test)
	if b.known == nil {
		b.known = map[string]harness.Boundary{}
	}
	how := harness.BoundaryEvents
	if exact {
		how = harness.BoundaryMarked
	}
	if was, again := b.known[test]; !again || was != harness.BoundaryUnknown {
		b.known[test] = how
	}
	for _, t := range b.active {
		if t != test && !below(test, t) && !below(t, test) {
			b.known[test], b.known[t] = harness.BoundaryUnknown, harness.BoundaryUnknown
		}
	}
	if b.leaf() == test {
		b.become(test)
	} else {
		b.become("")
	}
}

// Ended takes the end of a test, or a pause in it.
func (b *Boundaries) Ended(test string, exact bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.counts(exact) {
		return
	}
	for i, t := range b.active {
		if t == test {
			b.active = append(b.active[:i], b.active[i+1:]...)
			break
		}
	}
	if b.current == test {
		b.become("")
	}
}

// Exact reports whether the suite marked its boundaries itself.
func (b *Boundaries) Exact() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.exact
}

// Close ends the current test.
func (b *Boundaries) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.become("")
	b.active = nil
}

func (b *Boundaries) counts(exact bool) bool {
	if exact && !b.exact {
		b.exact = true
		b.active = nil
		b.known = nil
	}
	return exact == b.exact
}

// leaf is the only innermost test under way, or "". Subtests are joined to
// their parent by "/" (Go) or " > ".
func (b *Boundaries) leaf() string {
	leaf := ""
	for _, t := range b.active {
		switch {
		case leaf == "" || below(t, leaf):
			leaf = t
		case !below(leaf, t):
			return ""
		}
	}
	return leaf
}

func below(t, parent string) bool {
	return strings.HasPrefix(t, parent+"/") || strings.HasPrefix(t, parent+" > ")
}

func (b *Boundaries) become(test string) {
	if b.current == test {
		return
	}
	if b.current != "" && b.End != nil {
		b.End(b.current)
	}
	if b.current = test; test != "" && b.Begin != nil {
		b.Begin(test)
	}
}
