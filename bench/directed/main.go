// Command directed measures the directed hunt beside its peers, on faults that
// are known:
//
//	go run ./directed defects     active trials until each defect fails, against plain rerun and Toxiproxy's jitter
//	go run ./directed gaps        the same for racing pairs 1 ms to 1 s apart in a suite of 200 other commands
//	go run ./directed thresholds  margins of tests that tolerate 5 to 250 ms
//	go run ./directed hardened    hunts of the sound variant: findings, of which there should be none
//	go run ./directed replay      each finding replayed, on a quiet and on a busy machine
//	go run ./directed verify      a fix, a longer wait and no change told apart
//
// It takes a Redis of its own (--redis server or embedded) and must never use
// one that somebody else runs. README.md one level up has the figures.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/flakehunt/flakehunt/fixtures"
	"github.com/flakehunt/flakehunt/harness/redisenv"
)

// options are the flags; each command reads those that concern it.
type options struct {
	redis   string
	seeds   int
	first   uint64
	workers int
	defects []fixtures.Defect
	trials  int
	peers   bool
	out     io.Writer
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "directed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	commands := map[string]func(context.Context, options) error{
		"defects": defects, "gaps": gaps, "thresholds": thresholds,
		"hardened": hardened, "replay": replays, "verify": verifies,
	}
	if len(args) == 0 || commands[args[0]] == nil {
		return fmt.Errorf("say what to measure: defects, gaps, thresholds, hardened, replay or verify")
	}
	o := options{out: out}
	var only string
	fs := flag.NewFlagSet(args[0], flag.ContinueOnError)
	fs.StringVar(&o.redis, "redis", "server", "server or embedded")
	fs.IntVar(&o.seeds, "seeds", 10, "how many seeds")
	fs.Uint64Var(&o.first, "seed", 1, "the first seed; the others follow")
	fs.IntVar(&o.workers, "workers", 4, "trials at a time")
	fs.IntVar(&o.trials, "trials", 8, "the most trials to the first failure")
	fs.StringVar(&only, "defect", "", "only these defects, separated by commas")
	fs.BoolVar(&o.peers, "peers", true, "measure the peers too")
	if err := fs.Parse(args[1:]); err != nil {
		return err
	}
	o.defects = fixtures.AllDefects()
	if only != "" {
		o.defects = nil
		for _, name := range strings.Split(only, ",") {
			o.defects = append(o.defects, fixtures.Defect(name))
		}
	}
	if strings.Contains(o.redis, "://") {
		return fmt.Errorf("--redis %s: want server or embedded: a Redis of this program's own", o.redis)
	}
	return commands[args[0]](ctx, o)
}

// provider is the Redis to measure with.
func (o options) provider(ctx context.Context) (redisenv.Provider, error) {
	p, _, err := redisenv.Resolve(ctx, redisenv.Spec{Provider: o.redis})
	return p, err
}
