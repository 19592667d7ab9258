// Command stats measures the statistics by simulation: how often sequential
// decisions are wrong when one peeks after every trial, how many trials they
// save, how often a flat history alarms, and how near a change point is placed.
// It must never run as part of the tests.
//
//	go run ./stats -sims 10000
package main

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/stats"
)

func main() {
	sims := flag.Int("sims", 10_000, "simulated tests for each rate")
	places := flag.Int("places", 1000, "simulated histories for each change point")
	seed := flag.Uint64("seed", 1, "seed of everything")
	flag.Parse()
	fmt.Printf("seed %d\n", *seed)
	for _, rule := range []stats.Rule{{}, {Tolerated: 0.001}} {
		if err := sequential(rule, *sims, *seed); err != nil {
			fmt.Fprintln(os.Stderr, "stats:", err)
			os.Exit(1)
		}
	}
	flat(*sims, *seed)
	located(*places, *seed)
}

// each calls fn for 0 to n-1 on all processors, each with its own generator.
func each(n int, seed, stream uint64, fn func(rng *rand.Rand)) {
	var wg sync.WaitGroup
	var next atomic.Int64
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				fn(rand.New(rand.NewPCG(seed, stream<<32+uint64(i))))
			}
		})
	}
	wg.Wait()
}

// mostTrials ends a simulated test that is never decided.
const mostTrials = 5000

func sequential(rule stats.Rule, sims int, seed uint64) error {
	fmt.Printf("\nStable excludes 1 %%, tolerated %s, alpha 5 %%; a look after every trial; %d tests a rate\n\n", stats.Percent(rule.Tolerated), sims)
	fmt.Println("| true rate | stable | flaky | broken | undecided | wrong | trials, mean | fixed plan | saved |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	if err := rule.Validate(); err != nil {
		return err
	}
	for i, rate := range []float64{0, 0.001, 0.01, 0.05, 0.2} {
		var stable, flaky, broken, open, wrong, trials atomic.Int64
		each(sims, seed, uint64(i)+1, func(rng *rand.Rand) {
			s, err := stats.NewSequential(rule)
			if err != nil {
				panic(err) // validated above
			}
			d := s.Decision()
			for n := 0; n < mostTrials && d.Status == harness.Undecided; n++ {
				d = s.Observe(rng.Float64() < rate)
			}
			trials.Add(int64(d.Trials))
			switch d.Status {
			case harness.Stable:
				stable.Add(1)
				if rate >= 0.01 {
					wrong.Add(1)
				}
			case harness.Flaky:
				flaky.Add(1)
				if rate <= rule.Tolerated {
					wrong.Add(1)
				}
			case harness.Broken:
				broken.Add(1)
				wrong.Add(1) // no rate here is above 75 %
			default:
				open.Add(1)
			}
		})
		share := func(n *atomic.Int64) string { return stats.Percent(float64(n.Load()) / float64(sims)) }
		mean, fixed := float64(trials.Load())/float64(sims), float64(rule.FixedTrials())
		fmt.Printf("| %s | %s | %s | %s | %s | %s | %.1f | %.0f | %s |\n", stats.Percent(rate), share(&stable), share(&flaky), share(&broken),
			share(&open), share(&wrong), mean, fixed, stats.Percent(1-mean/fixed))
	}
	return nil
}

// history draws runs of n trials whose rate changes from run `at` on.
func history(rng *rand.Rand, runs, n, at int, before, after float64) []harness.Count {
	h := make([]harness.Count, runs)
	for i := range h {
		rate := before
		if i >= at {
			rate = after
		}
		h[i].N = n
		for range n {
			if rng.Float64() < rate {
				h[i].K++
			}
		}
	}
	return h
}

func flat(sims int, seed uint64) {
	fmt.Printf("\nFalse alarms on flat histories of 400 runs, level 5 %%, %d histories each\n\n| trials a run | rate | alarms |\n|---|---|---|\n", sims)
	for i, c := range []struct {
		n    int
		rate float64
		sims int
	}{{1, 0.005, sims}, {1, 0.05, sims}, {20, 0.005, sims / 4}, {20, 0.05, sims / 20}} {
		var alarms atomic.Int64
		each(c.sims, seed, 100+uint64(i), func(rng *rand.Rand) {
			if len(stats.ChangePoints(history(rng, 400, c.n, 400, c.rate, 0), 0.05).Points) > 0 {
				alarms.Add(1)
			}
		})
		fmt.Printf("| %d | %s | %s of %d |\n", c.n, stats.Percent(c.rate), stats.Percent(float64(alarms.Load())/float64(c.sims)), c.sims)
	}
}

// near is how far from the true place counts as found.
const near = 15

// located places a change from 0.5 % to 5 % at a run drawn from the middle half
// of 400. The oracle knows both rates and gives the window of 31 runs that holds
// most of the posterior: no method places more changes within 15 runs, averaged
// over places.
func located(sims int, seed uint64) {
	fmt.Printf("\nA change from 0.5 %% to 5 %% in 400 runs, placed within %d runs, %d histories each\n\n", near, sims)
	fmt.Println("| trials a run | at | found at all | placed | oracle that knows both rates |")
	fmt.Println("|---|---|---|---|---|")
	for i, n := range []int{1, 2, 3, 5, 10, 20} {
		for _, fixed := range []bool{true, false} {
			var found, placed, best atomic.Int64
			each(sims, seed, 200+uint64(i), func(rng *rand.Rand) {
				at := 200
				if !fixed {
					at = 100 + rng.IntN(201)
				}
				h := history(rng, 400, n, at, 0.005, 0.05)
				points := stats.ChangePoints(h, 0.05).Points
				hit := false
				for _, p := range points {
					hit = hit || (p.At >= at-near && p.At <= at+near)
				}
				if len(points) > 0 {
					found.Add(1)
				}
				if hit {
					placed.Add(1)
				}
				if o := oracle(h, 0.005, 0.05); o >= at-near && o <= at+near {
					best.Add(1)
				}
			})
			where := "200"
			if !fixed {
				where = "100 to 300"
			}
			share := func(n *atomic.Int64) string { return stats.Percent(float64(n.Load()) / float64(sims)) }
			fmt.Printf("| %d | %s | %s | %s | %s |\n", n, where, share(&found), share(&placed), share(&best))
		}
	}
}

// oracle gives the middle of the likeliest window under a flat prior on the
// places 100 to 300.
func oracle(h []harness.Count, before, after float64) int {
	const first, last = 100, 300
	logs := make([]float64, len(h)+1)
	for t := 1; t <= len(h); t++ {
		c := h[t-1]
		logs[t] = logs[t-1] + float64(c.K)*math.Log(before/after) + float64(c.N-c.K)*math.Log((1-before)/(1-after))
	}
	top := math.Inf(-1)
	for t := first; t <= last; t++ {
		top = max(top, logs[t])
	}
	best, where := -1.0, first
	for mid := first; mid <= last; mid++ {
		sum := 0.0
		for t := max(first, mid-near); t <= min(last, mid+near); t++ {
			sum += math.Exp(logs[t] - top)
		}
		if sum > best {
			best, where = sum, mid
		}
	}
	return where
}
