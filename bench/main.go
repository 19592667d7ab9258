// Command bench measures the proxy beside Toxiproxy and a plain io.Copy proxy:
//
//	go run . throughput [-rounds 9]   commands a second, processor time a command, beside the targets
//	go run . delay                    how exactly delays of 5, 20 and 100 ms are kept
//	go run . burst                    a hundred delayed commands that arrive together
//	go run . decisions [-runs 1000]   one seed, one decision log, whatever the interleaving
//	go run . race [-n 100]            holds decide a race, and never fail a correct test
//	go run . soak [-for 10m]          a thousand clients, every byte checked
//
// It starts its own redis-server, each proxy in its own process, and
// redis-benchmark as the client; it must never measure against a Redis that
// somebody else uses. README.md has the figures.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/pprof"
	"strings"
	"syscall"
	"time"
)

const measurements = "throughput, delay, burst, decisions, race or soak"

func main() {
	// SIGPIPE: with "| head", the processes that were started would be left else.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGPIPE)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	if len(args) == 0 {
		return fmt.Errorf("say what to measure: %s", measurements)
	}
	name, args := args[0], args[1:]
	fs := flag.NewFlagSet(name, flag.ContinueOnError)
	switch name {
	case "serve": // one proxy; started by the others
		kind := fs.String("kind", "", "which proxy")
		upstream := fs.String("upstream", "", "where Redis is")
		delay := fs.Duration("delay", 0, "delay of each command")
		plain := fs.Bool("plain", false, "record nothing and load no rules")
		profile := fs.String("profile", "", "write a CPU profile to this file")
		if err := fs.Parse(args); err != nil {
			return err
		}
		if *profile != "" {
			f, err := os.Create(*profile)
			if err != nil {
				return err
			}
			defer f.Close()
			if err := pprof.StartCPUProfile(f); err != nil {
				return err
			}
			defer pprof.StopCPUProfile()
		}
		return serve(ctx, *kind, *upstream, *delay, *plain, os.Stdin, out)
	case "throughput":
		t := throughput{}
		fs.IntVar(&t.rounds, "rounds", 9, "pairs of runs for each figure")
		fs.DurationVar(&t.row, "row", 500*time.Millisecond, "about how long one run lasts")
		fs.Float64Var(&t.foreign, "foreign", 0.15, "drop pairs during which other processes used more than this many processors")
		fs.DurationVar(&t.budget, "budget", 20*time.Minute, "stop after this, with what there is")
		fs.BoolVar(&t.plain, "plain", false, "without recording and rules")
		fs.StringVar(&t.only, "only", strings.Join([]string{kindFlakehunt, kindPortable, kindCopy, kindNone}, ","), "these proxies, separated by commas")
		fs.StringVar(&t.shapes, "shapes", "1x1,1x16,50x1,50x16", "clients x pipeline, separated by commas")
		if err := fs.Parse(args); err != nil {
			return err
		}
		return t.run(ctx, out)
	case "delay":
		d := delays{}
		fs.IntVar(&d.samples, "samples", 200, "commands for each delay and proxy")
		asked := fs.String("asked", "5ms,20ms,100ms", "delays, separated by commas")
		fs.Float64Var(&d.foreign, "foreign", 0.15, "wait until other processes use at most this many processors")
		if err := fs.Parse(args); err != nil {
			return err
		}
		for text := range strings.SplitSeq(*asked, ",") {
			t, err := time.ParseDuration(text)
			if err != nil {
				return fmt.Errorf("-asked: %w", err)
			}
			d.asked = append(d.asked, t)
		}
		return d.run(ctx, out)
	case "burst":
		if err := fs.Parse(args); err != nil {
			return err
		}
		return burst(ctx, out)
	case "decisions":
		d := decisions{}
		fs.IntVar(&d.runs, "runs", 1000, "runs for each strategy and engine")
		fs.Uint64Var(&d.seed, "seed", 1, "of all runs")
		fs.IntVar(&d.conns, "conns", 4, "connections that race each other")
		if err := fs.Parse(args); err != nil {
			return err
		}
		return d.run(ctx, out)
	case "race":
		r := race{}
		fs.IntVar(&r.n, "n", 100, "times for each case and engine")
		fs.DurationVar(&r.stall, "stall", 50*time.Millisecond, "how long nothing must move before a hold that cannot be fulfilled is given up")
		if err := fs.Parse(args); err != nil {
			return err
		}
		return r.run(ctx, out)
	case "soak":
		s := soak{}
		fs.DurationVar(&s.length, "for", 10*time.Minute, "how long")
		fs.IntVar(&s.clients, "clients", 1000, "connections")
		fs.DurationVar(&s.trial, "trial", 20*time.Second, "a recording is kept so long: what it takes on disk grows with it")
		if err := fs.Parse(args); err != nil {
			return err
		}
		return s.run(ctx, out)
	}
	return fmt.Errorf("unknown measurement %q: want %s", name, measurements)
}
