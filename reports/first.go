package reports

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/flakehunt/flakehunt/harness"
)

// firstThings is how many findings the page names as the first to mend.
const firstThings = 5

// firstView is one line of "what to do first".
type firstView struct{ ID, Title, Reason string }

// firstRule says how they are ordered.
const firstRule = "In the order of failures to be expected: tests × natural failure rate × runs a week; of those that never failed by themselves, the thinnest margin first."

// doFirst lists findings by what they cost: first those that fail by themselves,
// the most failures first, then those that a late command breaks, the thinnest
// margin first.
func doFirst(r *harness.Result, week float64) (list []firstView) {
	found := slices.Clone(shown(r))
	slices.SortStableFunc(found, func(a, b *harness.Finding) int {
		return cmp.Or(cmp.Compare(perRun(b), perRun(a)), cmp.Compare(slack(a), slack(b)), cmp.Compare(len(b.Tests), len(a.Tests)))
	})
	for i, f := range found {
		if i == firstThings {
			break
		}
		v := firstView{ID: oneLine(f.ID, 40), Title: oneLine(f.Title, 300)}
		if f.Class == harness.Unattributed || f.Class == harness.NotRedis { // its title is what the test printed
			v.Title = happened(f)
		}
		switch rate := perRun(f); {
		case rate > 0 && week > 0:
			v.Reason = fmt.Sprintf("%s, about %s a week at %.0f runs a week", failRate(f), expected(rate*week), week)
		case rate > 0:
			v.Reason = fmt.Sprintf("%s, about %s in 100 runs of the suite", failRate(f), expected(100*rate))
		case f.Margin != nil && !f.Margin.Ordered:
			v.Reason = "never failed by itself; fails once one command is " + short(f.Margin.Size) + " late"
		default:
			v.Reason = "never failed by itself; margin not measured"
		}
		if n := len(f.Tests); n > 1 {
			v.Reason += fmt.Sprintf(" (%d tests)", n)
		}
		list = append(list, v)
	}
	return list
}

// perRun is how many failures of a finding one run of its suite brings.
func perRun(f *harness.Finding) float64 {
	if f.Natural.N == 0 {
		return 0
	}
	return float64(f.Natural.K) / float64(f.Natural.N) * float64(len(f.Tests))
}

func failRate(f *harness.Finding) string {
	return fmt.Sprintf("failed %d of %d with nothing injected", f.Natural.K, f.Natural.N)
}

func expected(n float64) string {
	if n < 0.95 {
		return fmt.Sprintf("%.1g failures", n)
	}
	return count(int(n+0.5), "failure")
}

func slack(f *harness.Finding) harness.Duration {
	if f.Margin == nil || f.Margin.Ordered {
		return 1 << 62
	}
	return f.Margin.Size
}

// runsAWeek is how often the suite ran, by its history; 0: that is not known. Runs of
// less than a day say nothing of a week.
func runsAWeek(points []TrendPoint) float64 {
	var first, last time.Time
	n := 0
	for _, p := range points {
		if p.When.IsZero() {
			continue
		}
		if n++; first.IsZero() || p.When.Before(first) {
			first = p.When
		}
		if p.When.After(last) {
			last = p.When
		}
	}
	if span := last.Sub(first); n > 1 && span >= 24*time.Hour {
		return float64(n-1) / (span.Hours() / (7 * 24))
	}
	return 0
}

// sharesBy counts findings by a word of theirs, the commonest first.
func sharesBy(list []findingView, word func(*findingView) string) (shares []share) {
	for i := range list {
		w := word(&list[i])
		j := slices.IndexFunc(shares, func(s share) bool { return s.Name == w })
		if j < 0 {
			j = len(shares)
			shares = append(shares, share{Name: w, Class: w})
		}
		shares[j].N++
	}
	slices.SortStableFunc(shares, func(a, b share) int { return b.N - a.N })
	return shares
}
