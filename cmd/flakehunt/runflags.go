package main

import (
	"context"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/explore"
	"github.com/flakehunt/flakehunt/harness/hunt"
	"github.com/flakehunt/flakehunt/harness/runner/gotest"
	"github.com/flakehunt/flakehunt/harness/runner/suite"
	"github.com/flakehunt/flakehunt/harness/shard"
	"github.com/flakehunt/flakehunt/harness/stats"
	"github.com/flakehunt/flakehunt/scenarios"
)

// runFlags are the flags of run.
type runFlags struct {
	environment
	shippedFlags
	suiteFlags
	delayFlags
	budgetFlags
	config     string
	run        string
	seed       uint64
	seedGiven  bool
	shard      string
	db         string
	junitFlaky string
	resume     bool
	assume     string
	since      string
}

// shippedFlags are about the suites that ship with it.
type shippedFlags struct {
	variant  string
	defects  []string
	waits    string
	simulate time.Duration
}

// suiteFlags are about a suite of the user's.
type suiteFlags struct {
	junit    string
	oneTest  string
	env      []string
	takeover []string
	forward  []string
}

// delayFlags say how delays are chosen.
type delayFlags struct {
	strategy     string
	faults       []string
	maxDelay     time.Duration
	latency      time.Duration
	jitter       time.Duration
	distribution string
}

// budgetFlags say when a hunt ends.
type budgetFlags struct {
	trials       int
	forD         time.Duration
	untilDecided bool
	rates        int
}

func (f *runFlags) register(fs *pflag.FlagSet) {
	f.environment.register(fs)
	fs.StringVar(&f.config, "config", "", "settings file (default flakehunt.yaml, if there is one); flags win over it")
	fs.IntVar(&f.trials, "trials", 20, "how often each suite is run")
	fs.DurationVar(&f.forD, "for", 0, "go on for this long instead of a number of trials")
	fs.DurationVar(&f.maxDelay, "max-delay", hunt.MaxDelay, "the longest delay of one frame that counts as a slow network: a client deadline it breaks is a finding")
	fs.BoolVar(&f.untilDecided, "until-decided", false, "stop a test's trials as soon as the sequential test has decided; exit 4 if some are undecided")
	fs.StringVar(&f.strategy, "strategy", "directed", "how delays are chosen: "+strings.Join(strategies(), ", "))
	fs.DurationVar(&f.simulate, "simulate", 3*time.Second, "for the shipped suites under directed: search in virtual time for this long first, then prove what was found on the real Redis; 0 leaves it out")
	fs.DurationVar(&f.latency, "latency", 0, "for latency: mean delay of each frame, in each direction")
	fs.DurationVar(&f.jitter, "jitter", 0, "for latency: spread around it")
	fs.StringVar(&f.distribution, "distribution", "uniform", "for latency: fixed, uniform or normal")
	fs.StringSliceVar(&f.faults, "faults", nil, "for directed: faults that it may use beside delays: disconnect, which also provokes what takes a lost connection (default: none)")
	fs.StringVar(&f.variant, "variant", "hardened", "for the shipped suites: hardened, or as-described (all defects on)")
	fs.StringSliceVar(&f.defects, "defect", nil, "for the shipped suites: switch on this defect alone (repeatable)")
	fs.StringVar(&f.waits, "waits", "hardened", "for the shipped suites: hardened (poll until seen) or fixed (sleep, then look)")
	fs.StringVar(&f.run, "run", "", "only tests whose name matches this regular expression")
	fs.Uint64Var(&f.seed, "seed", 0, "seed of all random choices (default: a new one, which is printed)")
	fs.StringVar(&f.shard, "shard", "", "do only part I of N of the trials, as I/N (default: what the CI system's variables say, if --seed is given too)")
	fs.StringVar(&f.assume, "assume", "", "forecast failure rates from the margins for a delay of each frame, such as 'normal(20ms,15ms)'")
	fs.StringVar(&f.db, "db", "", "history database to record the run in (SQLite)")
	fs.StringVar(&f.junitFlaky, "junit-flaky", "pass", "a flaky test in junit.xml: pass (flakyFailure only) or fail (failure as well)")
	fs.StringVar(&f.since, "since", "", "hunt only tests that the change since this git revision touches, and survey the rest; with --for a budget for a pull request")
	fs.IntVar(&f.rates, "rates", 0, "also run each test alone, and the suite with all CPUs kept busy, so many times each: a test's three rates")
	f.foreign(fs)
	fs.BoolVar(&f.resume, "resume", false, "go on with the run that --out holds")
}

// foreign are the flags that say how a suite of the user's is run.
func (f *runFlags) foreign(fs *pflag.FlagSet) {
	fs.StringVar(&f.junit, "junit", "", "for a command: glob of the JUnit files that it writes; {dir} is a directory of the trial's own")
	fs.StringVar(&f.oneTest, "one-test", "", "for a command: how to run a single test, as in 'npx vitest run -t {name}'")
	fs.StringArrayVar(&f.env, "env", nil, "for a command: a further variable, NAME=TEMPLATE with {addr}, {host}, {port}, {url} (repeatable)")
	fs.StringSliceVar(&f.takeover, "takeover", nil, "for a command: HOST:PORT on which Redis answers in a loopback of its own (Linux, repeatable)")
	fs.StringSliceVar(&f.forward, "forward", nil, "with --takeover: port of another local service that the suite needs (repeatable)")
}

func strategies() []string { return append([]string{"directed"}, explore.Names()...) }

// check finds what is wrong with the flags before anything is started.
func (f *runFlags) check() error {
	switch {
	case f.trials < 1:
		return usagef("--trials %d: want at least 1", f.trials)
	case f.rates < 0:
		return usagef("--rates %d: want 0 or more", f.rates)
	case f.maxDelay <= 0:
		return usagef("--max-delay %s: want a duration above 0, such as 500ms", f.maxDelay)
	case f.simulate < 0:
		return usagef("--simulate %s: want a duration that is not negative, such as 2s, or 0 to leave it out", f.simulate)
	case f.latency < 0 || f.jitter < 0:
		return usagef("--latency and --jitter: want durations that are not negative, such as 20ms")
	case (f.latency > 0 || f.jitter > 0) && f.strategy != "latency":
		return usagef("--latency and --jitter belong to --strategy latency, not to %s", f.strategy)
	case len(f.faults) > 0 && f.strategy != "directed":
		return usagef("--faults belongs to --strategy directed, not to %s", f.strategy)
	}
	for _, fault := range f.faults {
		if fault != string(harness.Disconnect) {
			return usagef("--faults %q: want disconnect", fault)
		}
	}
	for _, e := range []struct {
		flag, value string
		among       []string
	}{
		{"strategy", f.strategy, strategies()},
		{"distribution", f.distribution, []string{"fixed", "uniform", "normal"}},
		{"variant", f.variant, []string{"hardened", "as-described"}},
		{"waits", f.waits, []string{string(scenarios.HardenedWaits), string(scenarios.FixedWaits)}},
		{"junit-flaky", f.junitFlaky, []string{"pass", "fail"}},
	} {
		if !slices.Contains(e.among, e.value) {
			return usagef("--%s %q: want one of %s", e.flag, e.value, strings.Join(e.among, ", "))
		}
	}
	if f.assume != "" {
		if _, err := stats.ParseDistribution(f.assume); err != nil {
			return usagef("--assume: %w", err)
		}
	}
	if _, err := f.part(); err != nil {
		return err
	}
	return f.environment.check()
}

var shardForm = regexp.MustCompile(`^(\d{1,6})/(\d{1,6})$`)

// part says which of all trials are ours: what --shard says, else what the CI
// system's variables do.
func (f *runFlags) part() (shard.Shard, error) {
	if f.shard == "" {
		s, err := shard.FromEnv(os.Getenv)
		if err != nil {
			return shard.Shard{}, usagef("%w", err)
		}
		return s, nil
	}
	var s shard.Shard
	if m := shardForm.FindStringSubmatch(f.shard); m != nil {
		s.I, _ = strconv.Atoi(m[1])
		s.N, _ = strconv.Atoi(m[2])
	}
	if s.I < 1 || s.N < s.I {
		return s, usagef("--shard %q: want I/N with 1 ≤ I ≤ N, as in 2/8", f.shard)
	}
	return s, nil
}

// chooseSeed makes a seed where none was given. Shards must all have the same
// one, so theirs comes from what names the CI run.
func (f *runFlags) chooseSeed(ctx context.Context) error {
	s, err := f.part()
	if err != nil {
		return err
	}
	if s.N <= 1 {
		f.seed = uint64(rand.Uint32())
		return nil
	}
	m := meta(ctx)
	if f.seed = shard.Seed(m.CIRun, m.Commit); f.seed == 0 {
		return usagef("shard %s: all shards need the same seed, and nothing here names the CI run: give each the same --seed", s)
	}
	return nil
}

// params are the strategy's settings as a schedule holds them.
func (f *runFlags) params() map[string]string {
	if len(f.faults) > 0 {
		return map[string]string{"faults": strings.Join(f.faults, ",")}
	}
	if f.strategy != "latency" {
		return nil
	}
	return map[string]string{"latency": f.latency.String(), "jitter": f.jitter.String(), "distribution": f.distribution}
}

// actions are the faults that the directed strategy may use.
func (f *runFlags) actions() []harness.Action {
	var list []harness.Action
	for _, fault := range f.faults {
		list = append(list, harness.Action(fault))
	}
	return list
}

// target says what is to be run.
func (f *runFlags) target(suites, command []string) (harness.Target, error) {
	if len(command) == 0 {
		for _, flag := range []struct {
			name  string
			given bool
		}{{"junit", f.junit != ""}, {"one-test", f.oneTest != ""}, {"env", len(f.env) > 0}, {"takeover", len(f.takeover) > 0}} {
			if flag.given {
				return harness.Target{}, usagef("--%s belongs to a command of yours: write it after --, as in 'flakehunt run --%s … -- COMMAND'", flag.name, flag.name)
			}
		}
		return harness.Target{
			Kind: harness.ShippedTarget, Suites: suites, Variant: f.variant, Defects: f.defects, Waits: f.waits, Run: f.run,
		}, nil
	}
	if len(f.forward) > 0 && len(f.takeover) == 0 {
		return harness.Target{}, usagef("--forward needs --takeover: without a loopback of its own the suite reaches local services anyway")
	}
	t := harness.Target{
		Kind: harness.CommandTarget, Argv: command, JUnit: f.junit, OneTest: f.oneTest, Env: f.env,
		Takeover: f.takeover, Forward: f.forward, Run: f.run,
	}
	if f.junit != "" {
		return t, nil
	}
	if gotest.Is(command) {
		t.Kind = harness.GoTestTarget
		return t, nil
	}
	adapter, err := suite.Choose(adapters(), command, "")
	if err != nil {
		return t, usagef("%w", err)
	}
	if adapter != nil {
		if f.oneTest != "" {
			return t, usagef("--one-test: not needed for %s, whose tests are run alone by themselves; with --junit the suite is hunted by its reports", adapter.Name())
		}
		t.Kind, t.Runner = harness.SuiteTarget, adapter.Name()
	}
	return t, nil
}
