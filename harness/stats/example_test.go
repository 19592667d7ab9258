package stats_test

import (
	"fmt"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
)

func ExampleExclusionSentence() {
	fmt.Println(stats.ExclusionSentence(20, 0.95))
	fmt.Println(stats.CleanRuns(0.01, 0.95), "clean runs exclude 1 %")
	// Output:
	// 20 clean runs exclude a failure rate above 13.9 % at 95 %
	// 299 clean runs exclude 1 %
}

func ExampleClopperPearson() {
	fmt.Println(stats.ClopperPearson(1, 20, 0.95))
	fmt.Println(stats.ClopperPearson(0, 2, 0.95).Warnings)
	// Output:
	// 0.127 % to 24.9 % (95 %)
	// [only 2 trials: the interval is wide]
}

func ExampleSequential() {
	var s stats.Sequential
	for _, failed := range []bool{false, false, true} {
		fmt.Println(s.Observe(failed))
	}
	// Output:
	// undecided after 1 trial (0 failed)
	// undecided after 2 trials (0 failed)
	// flaky after 3 trials (1 failed): it passes and fails under like conditions, certain; by pass and fail seen; 296 of 299 fixed trials saved
}

func ExampleChangePoints() {
	var history []harness.Count
	for run := range 40 {
		c := harness.Count{N: 20}
		if run >= 30 {
			c.K = 3
		}
		history = append(history, c)
	}
	for _, p := range stats.ChangePoints(history, 0.05).Points {
		fmt.Printf("at run %d (%d to %d): %d of %d, then %d of %d\n", p.At, p.Lo, p.Hi, p.Before.K, p.Before.N, p.After.K, p.After.N)
	}
	// Output:
	// at run 30 (29 to 30): 0 of 600, then 30 of 200
}

func ExampleRegress() {
	r := stats.Regress(harness.Count{K: 1, N: 400}, harness.Count{K: 4, N: 20}, 0.01)
	fmt.Printf("worse: %t, p = %.2g\n", r.Worse, r.P)
	// Output:
	// worse: true, p = 1.8e-05
}

func ExampleDistribution_Exceeds() {
	d, err := stats.ParseDistribution("normal(20ms,15ms)")
	if err != nil {
		panic(err)
	}
	fmt.Println("a margin of 50 ms is exceeded in", stats.Percent(d.Exceeds(50*time.Millisecond)), "of trials")
	// Output:
	// a margin of 50 ms is exceeded in 2.28 % of trials
}
