package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// wantedRate is how many times as many trials a second as a loop over the runner.
const wantedRate = 5

// numbered reports whether a trial is one of --trials.
func (l line) numbered() bool {
	return (l.Arm == "survey" || l.Arm == "direct") && !strings.HasSuffix(l.Suite, " (alone)")
}

// rate compares the trials that a hunt aims at one test, which share processes of
// the runner, with a shell loop over it. The hunt's are counted from when its
// numbered trials, each a process of its own, have ended. A loop runs before and
// after the hunt, so that a change of the machine's load meets both.
func (b *bench) rate(ctx context.Context) error {
	fmt.Printf("%-12s %9s %9s %7s  %s\n", "", "loop/s", "warm/s", "ratio", "of a warm trial: the test, what was injected, all else")
	for _, r := range b.those("pytest", "vitest", "jest", "mocha", "rspec") {
		dir, err := b.suite(r, test{"waits", r.lang.rate})
		if err != nil {
			return err
		}
		n := b.times(10)
		before, err := b.loop(ctx, r, dir, n)
		if err != nil {
			return err
		}
		if _, _, _, err := b.hunt(ctx, r, dir, "--trials", fmt.Sprint(b.times(60))); err != nil {
			return err
		}
		after, err := b.loop(ctx, r, dir, n)
		if err != nil {
			return err
		}
		list, err := journal(dir)
		if err != nil {
			return err
		}
		warm := warmTrials(list)
		if len(warm) < 5 {
			b.miss("rate of %s: only %d warm trials", r.name, len(warm))
			continue
		}
		loop := 2 * float64(n) / (before + after).Seconds()
		hunted := perSecond(warm)
		own, injected, rest := parts(warm)
		fmt.Printf("%-12s %9.2f %9.2f %6.1f×  %s, %s, %s; %d trials\n", r.name, loop, hunted, hunted/loop, own, injected, rest, len(warm))
		if (r.name == "pytest" || r.name == "vitest") && hunted < wantedRate*loop {
			b.miss("rate of %s: %.1f times the loop's, not %d", r.name, hunted/loop, wantedRate)
		}
	}
	return nil
}

// loop runs the suite n times with a Redis of its own.
func (b *bench) loop(ctx context.Context, r testRunner, dir string, n int) (time.Duration, error) {
	port, stop, err := redisServer(ctx, b.dir)
	if err != nil {
		return 0, err
	}
	defer stop()
	script := fmt.Sprintf("i=0; while [ $i -lt %d ]; do \"$@\" >loop.log 2>&1 || exit 1; i=$((i+1)); done", n)
	c := exec.CommandContext(ctx, "sh", append([]string{"-c", script, "sh"}, r.argv...)...)
	c.Dir = dir
	c.Env = append(c.Environ(), "REDIS_HOST=127.0.0.1", "REDIS_PORT="+port, "REDIS_URL=redis://127.0.0.1:"+port)
	start := time.Now()
	if err := c.Run(); err != nil {
		return 0, fmt.Errorf("a loop over %s: %w; see %s", r.name, err, dir)
	}
	return time.Since(start), nil
}

// warmTrials are those aimed at the test after the last numbered trial has ended.
func warmTrials(list []line) []line {
	var end time.Time
	for _, t := range list {
		if took, err := time.ParseDuration(t.Duration); err == nil && t.numbered() && t.Start.Add(took).After(end) {
			end = t.Start.Add(took)
		}
	}
	var warm []line
	for _, t := range list {
		if !t.numbered() && t.Start.After(end) {
			warm = append(warm, t)
		}
	}
	return warm
}

// parts are the mean times of a trial: of the test without what was injected, that,
// and of all before and after the test.
func parts(list []line) (own, injected, rest time.Duration) {
	for _, t := range list {
		all, _ := time.ParseDuration(t.Duration)
		var test, added time.Duration
		for _, o := range t.Outcomes {
			d, _ := time.ParseDuration(o.Duration)
			i, _ := time.ParseDuration(o.Injected)
			test, added = test+d, added+i
		}
		own += test - min(added, test)
		injected += min(added, test)
		rest += all - test
	}
	n := time.Duration(len(list))
	return (own / n).Round(time.Millisecond), (injected / n).Round(time.Millisecond), (rest / n).Round(time.Millisecond)
}
