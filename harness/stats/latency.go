package stats

import (
	"fmt"
	"math"
	"strings"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/flakehunt/flakehunt/internal/phrase"
)

// Distribution is how long a network delays a frame.
type Distribution struct {
	kind string
	a, b time.Duration
}

// ParseDistribution reads normal(MEAN,SD), uniform(LO,HI), exponential(MEAN) or
// fixed(D), each a duration such as 20ms; a bare duration is fixed. Negative
// delays don't exist: a normal draw below 0 is one of 0.
func ParseDistribution(s string) (Distribution, error) {
	bad := func(why string) (Distribution, error) {
		return Distribution{}, fmt.Errorf("latency distribution %q: %s; want normal(20ms,15ms), uniform(0ms,50ms), exponential(20ms), fixed(20ms) or a duration", s, why)
	}
	text := strings.ReplaceAll(strings.TrimSpace(s), " ", "")
	name, args, found := strings.Cut(text, "(")
	if !found {
		name, args = "fixed", text+")"
	}
	args, closed := strings.CutSuffix(args, ")")
	if !closed {
		return bad("the closing bracket is missing")
	}
	want := map[string]int{"normal": 2, "uniform": 2, "exponential": 1, "fixed": 1}[name]
	if want == 0 {
		return bad("unknown name " + fmt.Sprintf("%q", name))
	}
	parts := strings.Split(args, ",")
	if len(parts) != want {
		return bad(fmt.Sprintf("%s takes %s", name, phrase.Plural(want, "duration")))
	}
	d := Distribution{kind: name}
	for i, p := range parts {
		v, err := time.ParseDuration(p)
		if err != nil {
			return bad(fmt.Sprintf("%q is no duration", p))
		}
		if v < 0 {
			return bad("delays are not negative")
		}
		if i == 0 {
			d.a = v
		} else {
			d.b = v
		}
	}
	if name == "uniform" && d.b < d.a {
		return bad("the upper end is below the lower")
	}
	return d, nil
}

// String gives what ParseDistribution reads back.
func (d Distribution) String() string {
	switch d.kind {
	case "normal", "uniform":
		return fmt.Sprintf("%s(%s,%s)", d.kind, d.a, d.b)
	case "":
		return "fixed(0s)"
	}
	return fmt.Sprintf("%s(%s)", d.kind, d.a)
}

// Exceeds gives the probability that a delay is greater than margin: how often
// a test with that margin fails when one frame is delayed so. A margin below 0
// is always exceeded.
func (d Distribution) Exceeds(margin time.Duration) float64 {
	if margin < 0 {
		return 1
	}
	m, a, b := float64(margin), float64(d.a), float64(d.b)
	switch d.kind {
	case "normal":
		if b > 0 {
			return distuv.Normal{Mu: a, Sigma: b}.Survival(m)
		}
	case "uniform":
		if b > a {
			return min(1, max(0, (b-m)/(b-a)))
		}
	case "exponential":
		if a == 0 {
			return 0
		}
		return math.Exp(-m / a)
	}
	if a > m {
		return 1
	}
	return 0
}
