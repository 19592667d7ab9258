package gotest

import (
	"fmt"
	"strings"
	"sync"

	"github.com/flakehunt/flakehunt/internal/volatile"
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
	same := volatile.Name(last)
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
