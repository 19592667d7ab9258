package verdict

import (
	"cmp"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// strength ranks what a finding rests on, the stronger the higher.
func strength(f harness.Finding) int {
	switch {
	case f.Standing == harness.Latent:
		return 0
	case f.Standing == harness.Simulated:
		return 1
	case f.Provoked.K > 0 && f.Counter.N > 0 && f.Counter.K == 0:
		return 4
	case f.Provoked.K > 0:
		return 3
	}
	return 2 // natural failures alone
}

// Compare orders two findings of one cause, the better proven first: by what
// they rest on, then fewer decisions (none is worst: it cannot be replayed), more
// reproductions, more natural failures, at last the older, the smaller seed and
// the first test's name. Two that compare equal say the same, so that a merge
// does not depend on the order of its parts.
func Compare(a, b harness.Finding) int {
	decisions := func(f harness.Finding) int {
		if n := len(f.Schedule.Decisions); n > 0 {
			return n
		}
		return 1 << 30
	}
	first := func(f harness.Finding) string {
		if len(f.Tests) == 0 {
			return ""
		}
		return f.Tests[0]
	}
	return cmp.Or(
		cmp.Compare(strength(b), strength(a)),
		cmp.Compare(decisions(a), decisions(b)),
		cmp.Compare(b.Provoked.K, a.Provoked.K),
		cmp.Compare(b.Natural.K, a.Natural.K),
		a.Found.Compare(b.Found),
		cmp.Compare(a.Seed, b.Seed),
		cmp.Compare(first(a), first(b)),
	)
}

// Merge makes one finding of two that have the same fingerprint. The better
// proven one gives the schedule, the text and the test to replay; the tests and
// the natural failures of both count, and failures under one undirected strategy
// do. A prediction adds nothing to what was shown.
func Merge(a, b harness.Finding) harness.Finding {
	if Compare(b, a) < 0 {
		a, b = b, a
	}
	return Join(a, b)
}

// Join does the same for two of which the first is the better proven.
func Join(a, b harness.Finding) harness.Finding {
	a.Tests = slices.Clone(a.Tests)
	if b.Standing == harness.Latent && a.Standing != harness.Latent {
		return a
	}
	for _, t := range b.Tests {
		if !slices.Contains(a.Tests, t) {
			a.Tests = append(a.Tests, t)
		}
	}
	a.Natural.K += b.Natural.K
	if len(a.Schedule.Decisions) == 0 && len(b.Schedule.Decisions) == 0 {
		a.Provoked.K += b.Provoked.K
	}
	if a.Standing == harness.Provoked && b.Standing == harness.Natural {
		a.Standing = harness.Natural
	}
	return a
}

// Order lists findings as reports do: those in most tests first, what was only
// predicted last.
func Order(a, b harness.Finding) int {
	predicted := func(f harness.Finding) int {
		if f.Standing == harness.Latent {
			return 1
		}
		return 0
	}
	return cmp.Or(
		cmp.Compare(predicted(a), predicted(b)),
		cmp.Compare(len(b.Tests), len(a.Tests)),
		cmp.Compare(a.ID, b.ID),
	)
}
