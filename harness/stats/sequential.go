package stats

import (
	"fmt"
	"math"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// Rule says what a sequential decision claims, and how often it may be wrong.
// The zero value is the default rule: stable means a failure rate below 1 %,
// flaky means that it fails at times, broken means a rate above 75 %, each
// wrong with probability at most 5 %, however often one looks.
type Rule struct {
	// Alpha is the greatest probability that a claim is wrong; 0: 0.05.
	Alpha float64
	// Stable is the failure rate that "stable" excludes; 0: 0.01.
	Stable float64
	// Tolerated is the rate that "flaky" excludes: failures below it are let
	// pass. 0 means that one failure beside one pass is enough, a fact that
	// cannot be wrong.
	Tolerated float64
	// Broken is the rate that "broken" exceeds; 0: 0.75.
	Broken float64
}

func (r Rule) filled() Rule {
	r.Alpha = level(r.Alpha, 0.05)
	r.Stable = level(r.Stable, 0.01)
	r.Broken = level(r.Broken, 0.75)
	if !(r.Tolerated > 0) {
		r.Tolerated = 0
	}
	return r
}

// Validate says why a rule can't work.
func (r Rule) Validate() error {
	r = r.filled()
	if r.Tolerated >= r.Stable {
		return fmt.Errorf("sequential rule: tolerated rate %s must be below the rate that stable excludes, %s: lower the first or raise the second",
			Percent(r.Tolerated), Percent(r.Stable))
	}
	if r.Stable >= r.Broken {
		return fmt.Errorf("sequential rule: stable excludes %s, broken exceeds %s: the first must be the smaller",
			Percent(r.Stable), Percent(r.Broken))
	}
	return nil
}

// Decision is what a sequential test said, and when.
type Decision struct {
	Status   harness.Status // Stable, Flaky, Broken, or Undecided
	By       string         // who decided: "e-process", or "pass and fail seen"
	Trials   int            // after how many
	Failures int            // of these
	FixedN   int            // how many trials a plan fixed beforehand would have taken
	Saved    int            // FixedN - Trials; negative when peeking cost trials
	Alpha    float64        // the claim is wrong with at most this probability
	Claim    string         // "failure rate below 1.0 %"
	Warnings []string
}

// String gives one line for a person.
func (d Decision) String() string {
	if d.Status == harness.Undecided {
		return fmt.Sprintf("undecided after %s (%d failed)", plural(d.Trials, "trial"), d.Failures)
	}
	sure := "certain"
	if d.Alpha > 0 {
		sure = "wrong at most " + Percent(d.Alpha) + " of the time"
	}
	saved := fmt.Sprintf("%d of %d fixed trials saved", d.Saved, d.FixedN)
	if d.Saved <= 0 {
		saved = fmt.Sprintf("a fixed plan takes %d", d.FixedN)
	}
	return fmt.Sprintf("%s after %s (%d failed): %s, %s; by %s; %s",
		d.Status, plural(d.Trials, "trial"), d.Failures, d.Claim, sure, d.By, saved)
}

// Sequential decides stable, flaky or broken from trials as they come. One may
// look after each trial and stop when it has decided: the stated error holds
// for the worst moment to look, not for a number of trials fixed beforehand.
// The zero value follows the zero Rule. It is not safe for concurrent use.
//
// Three e-processes run side by side, one for each claim to be refuted
// ("the rate is at least Stable", "… at most Tolerated", "… at most Broken").
// Each is a mixture of likelihood ratios, a non-negative supermartingale that
// starts at 1, so by Ville's inequality it ever reaches 1/alpha with
// probability at most alpha when its claim is true. A mixture with one point
// is Wald's SPRT. With the default rule the two errors that are possible at
// one rate, a false "stable" and a false "broken", add up to less than alpha
// too: (1-p)^299 + p^11 is convex in p, so it is greatest at p = Stable or
// p = Broken, where it is 0.0495 and 0.0422.
//
// Wald, Annals of Mathematical Statistics 16 (1945), p. 117; Ramdas, Grünwald,
// Vovk & Shafer, "Game-theoretic statistics and safe anytime-valid inference",
// Statistical Science 38 (2023), sections 2 and 4.2 (method of mixtures);
// Howard, Ramdas, McAuliffe & Sekhon, Annals of Statistics 49 (2021).
//
// Assumption: given the past, each trial fails with a chance on the same side
// of the rule's rates; it need not be constant.
type Sequential struct {
	rule    Rule
	stable  mixture // evidence against rate >= rule.Stable
	flaky   mixture // evidence against rate <= rule.Tolerated
	broken  mixture // evidence against rate <= rule.Broken
	n, k    int
	decided Decision
}

// NewSequential starts a test. It fails when the rule can't work.
func NewSequential(rule Rule) (*Sequential, error) {
	if err := rule.Validate(); err != nil {
		return nil, err
	}
	s := &Sequential{}
	s.start(rule)
	return s, nil
}

func (s *Sequential) start(rule Rule) {
	s.rule = rule.filled()
	r := s.rule
	if r.Tolerated == 0 {
		// The first failure settles it as flaky, so only clean histories can
		// end as stable: all weight on a rate of 0 wastes none.
		s.stable = newMixture(r.Stable, Less, 0)
	} else {
		between := math.Sqrt(r.Tolerated * r.Stable)
		s.stable = newMixture(r.Stable, Less, 0, r.Tolerated/4, r.Tolerated/2, r.Tolerated, between)
		s.flaky = newMixture(r.Tolerated, Greater, r.Stable, between, 2*r.Stable, 5*r.Stable, 0.2, 0.5)
	}
	s.broken = newMixture(r.Broken, Greater, 1, (1+r.Broken)/2)
	if r.Tolerated == 0 {
		s.broken = newMixture(r.Broken, Greater, 1)
	}
	s.decided = Decision{Status: harness.Undecided}
}

// Observe takes the next trial and gives the decision so far. After the first
// decision it stays, save that a later failure turns stable into flaky, and a
// later pass turns broken into flaky, when Tolerated is 0: what was seen
// overrides what was inferred.
func (s *Sequential) Observe(failed bool) Decision {
	if s.decided.Status == "" {
		s.start(s.rule)
	}
	s.n++
	if failed {
		s.k++
	}
	s.stable.see(failed)
	s.flaky.see(failed)
	s.broken.see(failed)
	mixed := s.k > 0 && s.k < s.n
	switch {
	case s.decided.Status == harness.Flaky:
	case s.rule.Tolerated == 0 && mixed:
		s.decide(harness.Flaky, "pass and fail seen", "it passes and fails under like conditions", 0)
	case s.decided.Status != harness.Undecided:
	case s.stable.reached(s.rule.Alpha):
		s.decide(harness.Stable, "e-process", "failure rate below "+Percent(s.rule.Stable), s.rule.Alpha)
	case s.broken.reached(s.rule.Alpha):
		s.decide(harness.Broken, "e-process", "failure rate above "+Percent(s.rule.Broken), s.rule.Alpha)
	case mixed && s.flaky.reached(s.rule.Alpha):
		s.decide(harness.Flaky, "e-process", "failure rate above "+Percent(s.rule.Tolerated), s.rule.Alpha)
	}
	return s.Decision()
}

// Decision gives the decision so far; Status is Undecided while there is none.
func (s *Sequential) Decision() Decision {
	if s.decided.Status == "" || s.decided.Status == harness.Undecided {
		return Decision{Status: harness.Undecided, Trials: s.n, Failures: s.k, FixedN: s.rule.filled().FixedTrials()}
	}
	return s.decided
}

func (s *Sequential) decide(status harness.Status, by, claim string, alpha float64) {
	fixed := s.rule.FixedTrials()
	s.decided = Decision{Status: status, By: by, Trials: s.n, Failures: s.k,
		FixedN: fixed, Saved: fixed - s.n, Alpha: alpha, Claim: claim}
}

// Decide gives the decision on trials in order, true being a failure; it stops
// at the first decision, as a hunt does that runs until it has decided.
func Decide(rule Rule, failed []bool) (Decision, error) {
	s, err := NewSequential(rule)
	if err != nil {
		return Decision{}, err
	}
	for _, f := range failed {
		if d := s.Observe(f); d.Status != harness.Undecided {
			return d, nil
		}
	}
	return s.Decision(), nil
}

// FixedTrials gives how many trials a plan without peeking takes to tell the
// rule's Stable rate from its Tolerated rate with the same errors: the least n
// for which some number of failures c has P(at most c | Stable) <= Alpha and
// P(more than c | Tolerated) <= Alpha. With Tolerated 0, that is CleanRuns.
func (r Rule) FixedTrials() int {
	r = r.filled()
	n := CleanRuns(r.Stable, 1-r.Alpha)
	if r.Tolerated == 0 {
		return n
	}
	for c := 0; c < 10_000; c++ {
		for atMost(c, n, r.Stable) > r.Alpha {
			n++
		}
		if 1-atMost(c, n, r.Tolerated) <= r.Alpha {
			return n
		}
	}
	return math.MaxInt // the two rates are too close to be told apart in practice
}

func atMost(c, n int, p float64) float64 {
	sum := 0.0
	for x := 0; x <= c; x++ {
		sum += math.Exp(logBinomial(x, n, p))
	}
	return sum
}

// mixture is an e-process against rates on the far side of its null rate: the
// average of likelihood ratios of alternatives to that rate. It holds logs.
type mixture struct {
	pass, fail []float64 // what one trial adds to each alternative's log ratio
	log        []float64 // each alternative's log ratio, its weight included
}

// newMixture weighs the first alternative with 0.9 when there are more, and
// shares the rest: the first is the one that is expected, the others keep the
// power when it is not. Only rates on the given side of null may take part:
// another one's ratio would not be a supermartingale under the claim.
func newMixture(null float64, side Side, alternatives ...float64) mixture {
	alternatives = slices.DeleteFunc(alternatives, func(q float64) bool {
		return q < 0 || q > 1 || (side == Less && q >= null) || (side == Greater && q <= null)
	})
	var m mixture
	for i, q := range alternatives {
		w := 1.0
		if len(alternatives) > 1 {
			w = 0.1 / float64(len(alternatives)-1)
			if i == 0 {
				w = 0.9
			}
		}
		m.fail = append(m.fail, math.Log(q)-math.Log(null))
		m.pass = append(m.pass, math.Log1p(-q)-math.Log1p(-null))
		m.log = append(m.log, math.Log(w))
	}
	return m
}

func (m *mixture) see(failed bool) {
	step := m.pass
	if failed {
		step = m.fail
	}
	for i := range m.log {
		m.log[i] += step[i]
	}
}

// reached reports whether the e-process is at or above 1/alpha. An empty
// mixture never is.
func (m *mixture) reached(alpha float64) bool {
	sum := 0.0
	for _, l := range m.log {
		sum += math.Exp(l)
	}
	// A hair of slack for 299 additions of one logarithm.
	return len(m.log) > 0 && sum*(1+1e-9) >= 1/alpha
}
