package stats

import (
	"math"
	"slices"
)

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
	if len(m.log) == 0 {
		return false
	}
	// The largest term alone bounds the sum, and costs no exponential.
	top, need := slices.Max(m.log), -math.Log(alpha)
	const hair = 1e-9 // of slack, for 299 additions of one logarithm
	switch {
	case top >= need-hair:
		return true
	case top+math.Log(float64(len(m.log))) < need-hair:
		return false
	}
	sum := 0.0
	for _, l := range m.log {
		sum += math.Exp(l - top)
	}
	return top+math.Log(sum) >= need-hair
}
