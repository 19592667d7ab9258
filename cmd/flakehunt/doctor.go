package main

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/probe"
	"github.com/flakehunt/flakehunt/harness/redisenv"
	"github.com/flakehunt/flakehunt/harness/runner"
	"github.com/flakehunt/flakehunt/harness/runner/netns"
)

// check is one line of doctor's.
type check struct {
	What  string `json:"what"`
	OK    bool   `json:"ok"`
	Found string `json:"found"`
}

func newDoctorCmd(a *app) *cobra.Command {
	var f runFlags
	var timeout time.Duration
	c := &cobra.Command{
		Use:   "doctor [flags] | doctor [flags] -- COMMAND…",
		Short: "Say what this machine offers, or what a hunt of a suite would meet",
		Long: `Without a command: say which Redis providers work here and which one 'auto'
takes, whether private network namespaces are allowed (for --takeover), and how
late timers run. What dead earlier runs left behind is removed, and named.

With a command: run the suite once and say what a hunt of it would meet. Does it
reach Redis through flakehunt, and by which variable (each gets an address of
its own)? Which clients, which commands, how many tests, how they are told
apart, how much of the time it waits. Where no command is seen, it is run once
more: with the variables set that its sources name, and in a private loopback
in which Redis answers at localhost:6379. The last line is the command to hunt
with. The flags and settings of 'run' are taken as they are.

Exit codes:
  0    the machine was looked at; with a command: a hunt of it would work
  1    with a command: as it was given, a hunt of it would be of no use (no
       command reached Redis, or no test passed); what to change is said
  2    usage: a flag or an argument is wrong, or there is no such command
  3    the harness or Redis could not do its work
  130  interrupted`,
		Example: `  flakehunt doctor
  flakehunt doctor --json
  flakehunt doctor -- go test ./...
  flakehunt doctor -- npx vitest run`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			at := c.ArgsLenAtDash()
			switch {
			case at < 0 && len(args) > 0 || at > 0:
				return usagef("doctor: unexpected %q; the suite's command comes after --, as in 'flakehunt doctor -- go test ./...'", args[0])
			case at == 0 && len(args) == 0:
				return usagef("doctor: nothing follows --; write the test command there, as in 'flakehunt doctor -- go test ./...'")
			case timeout <= 0:
				return usagef("--timeout %s: want more than 0, such as 2m", timeout)
			case at == 0:
				if _, err := loadSettings(f.config, c.Flags()); err != nil {
					return err
				}
				return doctorSuite(c.Context(), a, &f, args, timeout)
			}
			if i := slices.IndexFunc(ofSuite, c.Flags().Changed); i >= 0 {
				return usagef("--%s is about a suite: write its command after --, as in 'flakehunt doctor --%s … -- COMMAND'", ofSuite[i], ofSuite[i])
			}
			return doctorMachine(c.Context(), a)
		},
	}
	// All flags of run are taken, so that doctor can be written in its place and
	// reads the same settings; those that say nothing of a suite are not shown.
	fs := c.Flags()
	f.register(fs)
	fs.VisitAll(func(f *pflag.Flag) { f.Hidden = !slices.Contains(ofSuite, f.Name) })
	fs.DurationVar(&timeout, "timeout", probe.DefaultTimeout, "how long the suite may run")
	return c
}

// ofSuite are those of run that say how a suite is run and on which Redis.
var ofSuite = []string{"junit", "one-test", "env", "takeover", "forward", "redis", "image", "allow-flush", "config", "timeout"}

// doctorMachine says what this machine offers.
func doctorMachine(ctx context.Context, a *app) error {
	checks, taken := diagnose(ctx, a.logger())
	if a.json {
		return a.printJSON(struct {
			Auto   string  `json:"auto"`
			Checks []check `json:"checks"`
		}{taken, checks})
	}
	w := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	for _, k := range checks {
		mark := "no"
		if k.OK {
			mark = "ok"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", mark, k.What, k.Found)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(a.out, "\n--redis auto takes: %s\n", taken)
	return nil
}

// diagnose looks at everything a run may need.
func diagnose(ctx context.Context, log *slog.Logger) (checks []check, auto string) {
	add := func(what string, err error, found string) {
		if err != nil {
			found = oneLine(err)
		}
		checks = append(checks, check{what, err == nil, found})
	}
	for _, p := range (redisenv.Spec{Log: log}).Providers() {
		found, err := tryProvider(ctx, p)
		add("redis: "+p.Name(), err, found)
		if err == nil && auto == "" {
			auto = p.Name()
		}
	}
	add("private loopback", netns.Check(ctx), "user and network namespaces work: --takeover can be used")
	late := runner.Measure(ctx, time.Second)
	note := ""
	if late > 5*time.Millisecond {
		note = "; a crowded machine: mind --parallel"
	}
	add("timers", nil, fmt.Sprintf("run %s late at the 99th percentile%s", harness.Duration(late), note))
	add("machine", nil, fmt.Sprintf("%d CPUs, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version()))
	for _, removed := range sweep(ctx, log) {
		add("left behind", nil, removed)
	}
	return checks, auto
}

// tryProvider really starts a Redis: that a program is there does not say that it works.
func tryProvider(ctx context.Context, p redisenv.Provider) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	if err := p.Check(ctx); err != nil {
		return "", err
	}
	start := time.Now()
	inst, err := p.Start(ctx)
	if err != nil {
		return "", err
	}
	info := inst.Info()
	found := fmt.Sprintf("Redis %s, up in %s", info.Version, time.Since(start).Round(time.Millisecond))
	if info.Image != "" {
		found += ", image " + info.Image
	}
	if !info.Real {
		found = fmt.Sprintf("up in %s; an imitation of Redis", time.Since(start).Round(time.Millisecond))
	}
	return found, inst.Close(context.WithoutCancel(ctx))
}
