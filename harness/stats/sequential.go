package stats

import (
	"fmt"
	"math"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/internal/phrase"
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
	Claim    string         // "failure rate below 1 %"
	Warnings []string
}

// String gives one line for a person.
func (d Decision) String() string {
	if d.Status == harness.Undecided {
		return fmt.Sprintf("undecided after %s (%d failed)", phrase.Plural(d.Trials, "trial"), d.Failures)
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
		d.Status, phrase.Plural(d.Trials, "trial"), d.Failures, d.Claim, sure, d.By, saved)
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
	fixed   int // rule.FixedTrials(), which is costly
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
	s.fixed = s.rule.FixedTrials()
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
	if s.decided.Status == "" {
		return Decision{Status: harness.Undecided, FixedN: s.rule.FixedTrials()}
	}
	if s.decided.Status == harness.Undecided {
		return Decision{Status: harness.Undecided, Trials: s.n, Failures: s.k, FixedN: s.fixed}
	}
	return s.decided
}

func (s *Sequential) decide(status harness.Status, by, claim string, alpha float64) {
	s.decided = Decision{Status: status, By: by, Trials: s.n, Failures: s.k,
		FixedN: s.fixed, Saved: s.fixed - s.n, Alpha: alpha, Claim: claim}
}
