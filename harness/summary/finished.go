package summary

import (
	"iter"
	"slices"

	"github.com/flakehunt/flakehunt/harness"
)

// Finished says how many numbered trials were done in every one of the suites.
func Finished(trials iter.Seq[harness.Trial], suites []string) int {
	done := map[string]int{}
	for t := range trials {
		if Counted(t.Arm) {
			done[t.Suite]++
		}
	}
	least := -1
	for _, s := range suites {
		if least < 0 || done[s] < least {
			least = done[s]
		}
	}
	return max(least, 0)
}

// Suites lists the suites of numbered trials.
func Suites(trials []harness.Trial) (list []string) {
	for _, t := range trials {
		if Counted(t.Arm) && harness.Numbered(t.Suite) && !slices.Contains(list, t.Suite) {
			list = append(list, t.Suite)
		}
	}
	return list
}
