// Command adapters measures what the adapters of test runners cost and whether
// they see rightly, on suites that it writes itself in a temporary directory:
//
//	rate       trials a second of a test of 50 ms, beside a shell loop over the runner
//	leftovers  whether a test that runs again in one process ends as in a new one
//	frames     whether each command is given to the test that sent it
//	first      seconds from the start to the first explained finding, by runner
//	crowd      trials a minute of a suite that computes, and its natural failures
//
// It needs redis-server, pytest with redis, RSpec, PHPUnit with redis, and Node
// with the packages of fixtures/external/js-runners (npm ci there). Without a
// runner its rows are left out and named.
//
//	go build -o /tmp/flakehunt ../cmd/flakehunt && go run ./adapters -flakehunt /tmp/flakehunt
//
// It ends with 1 when something was not reached. It must never run as part of the
// tests.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// bench is one run of this program.
type bench struct {
	flakehunt string
	modules   string // a directory node_modules
	dir       string // for the suites
	short     bool
	runners   []string // only these; empty: all
	missed    []string // targets that were not reached
}

func main() {
	log.SetFlags(0)
	b := &bench{}
	program := flag.String("flakehunt", "flakehunt", "the binary")
	modules := flag.String("modules", "../fixtures/external/js-runners/node_modules", "packages of Node's runners")
	only := flag.String("only", "rate,leftovers,frames,first,crowd", "which parts")
	runners := flag.String("runners", "", "only these runners, such as pytest,vitest")
	keep := flag.Bool("keep", false, "leave the suites and what was written about them")
	flag.BoolVar(&b.short, "short", false, "a fifth of the trials: whether it works, not how fast")
	flag.Parse()
	var err error
	b.flakehunt, err = filepath.Abs(*program)
	check(err)
	b.modules, err = filepath.Abs(*modules)
	check(err)
	b.runners = strings.FieldsFunc(*runners, func(r rune) bool { return r == ',' })
	b.dir, err = os.MkdirTemp("", "flakehunt-adapters-")
	check(err)
	ctx := context.Background()
	parts := []struct {
		name string
		do   func(context.Context) error
	}{{"rate", b.rate}, {"leftovers", b.leftovers}, {"frames", b.frames}, {"first", b.first}, {"crowd", b.crowd}}
	for _, p := range parts {
		if !slices.Contains(strings.Split(*only, ","), p.name) {
			continue
		}
		start := time.Now()
		fmt.Printf("\n%s (load %s)\n", p.name, load())
		if err := p.do(ctx); err != nil {
			b.miss("%s: %v", p.name, err)
		}
		fmt.Printf("took %s (load %s)\n", time.Since(start).Round(time.Second), load())
	}
	if *keep {
		fmt.Println("kept:", b.dir)
	} else if err := os.RemoveAll(b.dir); err != nil {
		log.Print(err)
	}
	if len(b.missed) > 0 {
		fmt.Printf("\nnot reached:\n  %s\n", strings.Join(b.missed, "\n  "))
		os.Exit(1)
	}
	fmt.Println("\nall reached")
}

func (b *bench) miss(format string, args ...any) {
	b.missed = append(b.missed, fmt.Sprintf(format, args...))
}

// times is a number of trials, a fifth of it where it need not be exact.
func (b *bench) times(n int) int {
	if b.short {
		return max(2, n/5)
	}
	return n
}

// load is how many tasks wanted to run in the last minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
