package stats

import (
	"fmt"
	"math"
)

// Excludes gives the failure rate that n clean trials exclude: had the rate
// been higher, at least one of them would have failed with probability conf or
// more. 20 clean trials exclude rates above 13.9 % at 95 %. No trials exclude
// nothing (1). A conf outside (0,1) means 0.95.
//
// It is the one-sided Clopper–Pearson limit at k = 0: 1 - (1-conf)^(1/n).
func Excludes(n int, conf float64) float64 {
	if n <= 0 {
		return 1
	}
	return -math.Expm1(math.Log(1-confidence(conf)) / float64(n))
}

// CleanRuns gives how many clean trials are needed to exclude a failure rate:
// 59 for 5 %, 299 for 1 %, 2,995 for 0.1 % at 95 %. A rate of 0 can't be
// excluded by any number and gives math.MaxInt; a rate of 1 or more needs one.
func CleanRuns(rate, conf float64) int {
	switch {
	case rate <= 0 || math.IsNaN(rate):
		return math.MaxInt
	case rate >= 1:
		return 1
	}
	n := math.Log(1-confidence(conf)) / math.Log1p(-rate)
	if n >= math.MaxInt/2 {
		return math.MaxInt
	}
	// A hair of slack: 1-0.9^k makes n come out at 7.000000001 where it is 7.
	return int(math.Ceil(n - 1e-9))
}

// ExclusionSentence says what n clean trials exclude, for a person.
func ExclusionSentence(n int, conf float64) string {
	if n <= 0 {
		return "no trial ran: nothing is excluded"
	}
	conf = confidence(conf)
	return fmt.Sprintf("%d clean %s exclude%s a failure rate above %s at %s",
		n, map[bool]string{true: "run", false: "runs"}[n == 1], map[bool]string{true: "s", false: ""}[n == 1],
		Percent(Excludes(n, conf)), Percent(conf))
}
