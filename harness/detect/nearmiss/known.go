package nearmiss

import (
	"github.com/flakehunt/flakehunt/harness"
)

// Known is what earlier trials of the test taught. The zero value knows nothing.
type Known struct {
	blocked map[pair]bool
	shapes  map[pair]int // blocked pairs by role and verb alone
}

type pair struct{ first, then harness.Point }

// family leaves of a pair what its siblings share: roles and verbs.
func family(first, then harness.Point) pair {
	strip := func(p harness.Point) harness.Point { return harness.Point{Role: p.Role, Dir: p.Dir, Verb: p.Verb} }
	return pair{strip(first), strip(then)}
}

// Block notes that the program itself keeps then after first: a hold of first
// until then had no end.
func (k *Known) Block(first, then harness.Point) {
	if k.blocked == nil {
		k.blocked, k.shapes = map[pair]bool{}, map[pair]int{}
	}
	if p := (pair{first, then}); !k.blocked[p] {
		k.blocked[p] = true
		k.shapes[family(first, then)]++
	}
}

// Blocked reports whether Block was called for the pair.
func (k Known) Blocked(first, then harness.Point) bool { return k.blocked[pair{first, then}] }

// Discount is a factor for candidates whose siblings turned out to be blocked:
// most programs order a kind of pair everywhere or nowhere.
func (k Known) Discount(c Candidate) float64 {
	f := 1.0
	for range k.shapes[family(c.First, c.Then)] {
		f /= 2
	}
	return f
}
