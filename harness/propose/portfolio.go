package propose

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"github.com/flakehunt/flakehunt/harness/explore"
)

// Portfolio says what undirected arms have brought so far, in all tests.
type Portfolio struct {
	mu    sync.Mutex
	tried map[string]int
	hit   map[string]int
}

// Arm chooses the n-th arm of a test, from 0, and how often it was played on the
// test before: those that failed other tests come first, then small delays.
func (p *Portfolio) Arm(n int, weight func(kind string) float64) (explore.Arm, int) {
	list := explore.Arms()
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.SortStableFunc(list, func(a, b explore.Arm) int {
		return cmp.Compare(p.worth(b.Name)*weight("arm:"+b.Name), p.worth(a.Name)*weight("arm:"+a.Name))
	})
	return list[n%len(list)], n / len(list)
}

// worth is one more than the arm's hits, over one more than those expected of it
// at one in ten. p.mu is held.
func (p *Portfolio) worth(name string) float64 {
	return (1 + float64(p.hit[name])) / (1 + 0.1*float64(p.tried[name]))
}

// Learn counts a trial.
func (p *Portfolio) Learn(name string, hit bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tried == nil {
		p.tried, p.hit = map[string]int{}, map[string]int{}
	}
	p.tried[name]++
	if hit {
		p.hit[name]++
	}
}

// String says which arms failed a test, and how often.
func (p *Portfolio) String() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := ""
	for _, a := range explore.Arms() {
		if n := p.tried[a.Name]; n > 0 {
			s += fmt.Sprintf(" · %s %d/%d", a.Name, p.hit[a.Name], n)
		}
	}
	if s == "" {
		return ""
	}
	return "undirected trials that failed, by arm: " + s[len(" · "):]
}
