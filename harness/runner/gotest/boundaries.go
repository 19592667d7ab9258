package gotest

import (
	"strings"

	"github.com/flakehunt/flakehunt/harness/runner/ingest"
)

// boundaries tells the wire which test a command belongs to, from the lines
// that the testing package prints as tests begin and end.
//
// It is a fair guess, not more: a line is printed before its test begins, but
// read a moment later (some 0.1 ms on a quiet machine). While several tests run
// at once no command can be told to be of one of them, so none is. What a
// parent does after a subtest is not its any more either: its commands would be
// numbered from one again. A test that runs alone has sure boundaries.
type boundaries struct {
	begin, end func(test string)
	name       func(short string) string

	active  []string // begun, neither ended nor paused
	current string
}

// see takes the next event.
func (b *boundaries) see(ev ingest.GoEvent) {
	if ev.Test == "" {
		return
	}
	switch ev.Action {
	case "run", "cont":
		b.active = append(b.active, ev.Test)
		if leaf := b.leaf(); leaf == ev.Test {
			b.become(leaf)
		} else {
			b.become("")
		}
	case "pause", "pass", "fail", "skip":
		for i, t := range b.active {
			if t == ev.Test {
				b.active = append(b.active[:i], b.active[i+1:]...)
				break
			}
		}
		if b.current == ev.Test {
			b.become("")
		}
	}
}

// leaf is the only innermost test under way, or "".
func (b *boundaries) leaf() string {
	leaf := ""
	for _, t := range b.active {
		switch {
		case leaf == "" || strings.HasPrefix(t, leaf+"/"):
			leaf = t
		case !strings.HasPrefix(leaf, t+"/"):
			return ""
		}
	}
	return leaf
}

func (b *boundaries) become(test string) {
	if b.current != "" && b.end != nil {
		b.end(b.name(b.current))
	}
	if b.current = test; test != "" && b.begin != nil {
		b.begin(b.name(test))
	}
}

func (b *boundaries) close() { b.become("") }
