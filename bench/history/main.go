// Command history measures what a large history costs: it records one million
// results of 1,000 tests, then runs flakehunt's trend and gate on them and says
// how long each took, how much memory it held, and how large the page is. It
// must never run as part of the tests.
//
//	go run ./history -flakehunt ../flakehunt
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/store"
	"github.com/flakehunt/flakehunt/harness/summary"
	"github.com/flakehunt/flakehunt/harness/trend"
)

func main() {
	binary := flag.String("flakehunt", "flakehunt", "the program to measure")
	dir := flag.String("dir", "", "where to keep the databases (default: a temporary directory)")
	seed := flag.Uint64("seed", 1, "seed of the made-up failures")
	flag.Parse()
	if err := measure(context.Background(), *binary, *dir, *seed); err != nil {
		fmt.Fprintln(os.Stderr, "history:", err)
		os.Exit(1)
	}
}

func measure(ctx context.Context, binary, dir string, seed uint64) error {
	if dir == "" {
		made, err := os.MkdirTemp("", "flakehunt-history-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(made)
		dir = made
	}
	fmt.Printf("seed %d\n\n| history | step | time | of it CPU | memory | output |\n|---|---|---|---|---|---|\n", seed)
	// One million executions twice: as hunts record them, 20 trials a run, and
	// as imported files do, one trial a run, which is the larger database.
	for _, shape := range []struct{ runs, trials int }{{50, 20}, {1000, 1}} {
		if err := one(ctx, binary, dir, seed, shape.runs, shape.trials); err != nil {
			return err
		}
	}
	return nil
}

const tests = 1000

func one(ctx context.Context, binary, dir string, seed uint64, runs, trials int) error {
	name := fmt.Sprintf("%d runs × %d tests × %d trials", runs, tests, trials)
	db := filepath.Join(dir, fmt.Sprintf("h-%d.db", runs))
	start := time.Now()
	s, err := store.Open(ctx, db)
	if err != nil {
		return err
	}
	var last *harness.Result
	for run := range runs {
		last = made(seed, run, runs, trials)
		if _, err := s.Record(ctx, last, trend.Meta{Commit: fmt.Sprintf("%040x", run*7919), Branch: "main"}); err != nil {
			return err
		}
	}
	if err := s.Close(); err != nil {
		return err
	}
	info, err := os.Stat(db)
	if err != nil {
		return err
	}
	row := func(step string, c cost, output string) {
		fmt.Printf("| %s | %s | %s | %s | %d MB | %s |\n", name, step, c.wall.Round(time.Millisecond), c.cpu.Round(time.Millisecond), c.rss>>10, output)
	}
	row("record (in this program)", cost{wall: time.Since(start)}, fmt.Sprintf("%.1f MB file", float64(info.Size())/1e6))

	out := filepath.Join(dir, fmt.Sprintf("out-%d", runs))
	if err := os.MkdirAll(out, 0o755); err != nil {
		return err
	}
	b, err := json.Marshal(last)
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(out, "result.json"), b, 0o644); err != nil {
		return err
	}
	page := filepath.Join(dir, fmt.Sprintf("trend-%d.html", runs))
	for _, step := range []struct {
		name string
		args []string
	}{
		{"trend --html", []string{"trend", "-q", "--db", db, "--html", page}},
		{"gate", []string{"gate", "-q", "--db", db, "--last", "1000", out}},
	} {
		c, err := run(ctx, binary, step.args)
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		size := ""
		if info, err := os.Stat(page); err == nil && step.name == "trend --html" {
			size = fmt.Sprintf("%.2f MB page", float64(info.Size())/1e6)
		}
		row(step.name, c, size)
	}
	return nil
}

// made is one made-up run: every tenth test fails 1 % of the time, one breaks
// in the last third.
func made(seed uint64, run, runs, trials int) *harness.Result {
	rng := rand.New(rand.NewPCG(seed, uint64(run)))
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(run) * time.Hour)
	list := make([]harness.Trial, trials)
	for i := range list {
		list[i] = harness.Trial{Index: i + 1, Suite: "suite", Arm: harness.Survey, Start: start}
		for t := range tests {
			o := harness.Outcome{Test: harness.TestID{Name: fmt.Sprintf("suite-%d/category-%d/what-is-tested-%04d", t%5, t%17, t), Suite: fmt.Sprintf("suite-%d", t%5)},
				Verdict: harness.Passed, Duration: harness.Duration(rng.IntN(1e8))}
			rate := 0.0
			switch {
			case t == 7 && run > runs*2/3:
				rate = 0.3
			case t%10 == 3:
				rate = 0.01
			}
			if rng.Float64() < rate {
				o.Verdict, o.Failure = harness.Failed, &harness.Failure{Kind: harness.AssertionFailure, Message: fmt.Sprintf("expected %d, got %d", t, run)}
			}
			list[i].Outcomes = append(list[i].Outcomes, o)
		}
	}
	return &harness.Result{Version: harness.ResultVersion, Tool: "bench", Started: start, Seed: uint64(run), Strategy: "directed", TrialsDone: trials, Tests: summary.Tests(list)}
}

// cost is what a command took.
type cost struct {
	wall, cpu time.Duration // cpu: on all processors, which a busy machine does not lengthen
	rss       int64         // the most memory held, in kB
}

func run(ctx context.Context, name string, args []string) (cost, error) {
	c := exec.CommandContext(ctx, name, args...)
	c.Stderr = os.Stderr
	start := time.Now()
	err := c.Run()
	k := cost{wall: time.Since(start)}
	var e *exec.ExitError
	if errors.As(err, &e) && e.ExitCode() == 1 {
		err = nil // a breach is a verdict
	}
	if err != nil {
		return k, err
	}
	k.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		k.rss = usage.Maxrss
	}
	return k, nil
}
