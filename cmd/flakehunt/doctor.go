package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/flakehunt/flakehunt/harness"
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
	return &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine offers, and what a run would use",
		Long: `Say which Redis providers work here and which one 'auto' takes, whether private
network namespaces are allowed (for --takeover), and how late timers run. What
dead earlier runs left behind is removed, and named.

` + exitHelp,
		Example: "  flakehunt doctor\n  flakehunt doctor --json",
		RunE: func(c *cobra.Command, _ []string) error {
			checks, taken := a.diagnose(c.Context())
			if a.json {
				e := json.NewEncoder(a.out)
				e.SetIndent("", "  ")
				return e.Encode(struct {
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
		},
	}
}

// diagnose looks at everything a run may need.
func (a *app) diagnose(ctx context.Context) (checks []check, auto string) {
	add := func(what string, err error, found string) {
		if err != nil {
			found = oneLine(err)
		}
		checks = append(checks, check{what, err == nil, found})
	}
	for _, p := range (redisenv.Spec{Log: a.logger()}).Providers() {
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
	for _, removed := range sweep(ctx, a.logger()) {
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
