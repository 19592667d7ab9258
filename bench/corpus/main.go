// Command corpus hunts the labelled tests under fixtures/corpus with default
// flags, and prints how the causes that were told compare with the labels.
//
//	go build -o /tmp/flakehunt ../cmd/flakehunt && go run ./corpus -flakehunt /tmp/flakehunt -seeds 1,2,3
//
// A label is argued from a test's code and is never changed to fit a result.
// The command must never start a hunt with a flag that a user would not give.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// label says what is true of a test.
type label struct {
	Label  string   `json:"label"`  // a class, "decoy" or "sound"
	Accept []string `json:"accept"` // classes that are not wrong either
	Why    string   `json:"why"`
}

// suite is a part of the corpus in one language.
type suite struct {
	name string
	argv []string
	env  []string
}

func suites() []suite {
	return []suite{
		{name: "go", argv: []string{"go", "test", "./..."}},
		{name: "python", argv: []string{"/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider"}, env: []string{"PYTHONDONTWRITEBYTECODE=1"}},
		{name: "ts", argv: []string{"npx", "vitest", "run"}},
	}
}

func main() {
	log.SetFlags(0)
	program := flag.String("flakehunt", "flakehunt", "the binary")
	seeds := flag.String("seeds", "1", "one hunt a seed, separated by commas")
	only := flag.String("suites", "go,python,ts", "which parts")
	trials := flag.String("trials", "", "--trials of each hunt; empty: the default")
	run := flag.String("run", "", "--run of each hunt")
	redis := flag.String("redis", "server", "--redis of each hunt")
	root := flag.String("root", "..", "the repository")
	keep := flag.String("keep", "", "directory for the outputs; empty: a temporary one")
	most := flag.Float64("wrong", -1, "exit 1 when more than this share of the flaky tests has a wrong cause, or a decoy or sound test is blamed; negative: never")
	flag.Parse()

	dir, err := filepath.Abs(filepath.Join(*root, "fixtures/corpus"))
	check(err)
	bin, err := filepath.Abs(*program)
	check(err)
	labels := map[string]label{}
	b, err := os.ReadFile(filepath.Join(dir, "labels.json"))
	check(err)
	check(json.Unmarshal(b, &labels))
	out := *keep
	if out == "" {
		out, err = os.MkdirTemp("", "corpus-")
		check(err)
		defer os.RemoveAll(out)
	}
	out, err = filepath.Abs(out)
	check(err)

	var all []score
	for _, s := range suites() {
		if !slices.Contains(strings.Split(*only, ","), s.name) {
			continue
		}
		for seed := range strings.SplitSeq(*seeds, ",") {
			to := filepath.Join(out, s.name+"-"+seed)
			args := []string{"run", "--redis", *redis, "--seed", seed, "--out", to}
			if *trials != "" {
				args = append(args, "--trials", *trials)
			}
			if *run != "" {
				args = append(args, "--run", *run)
			}
			r, took, err := hunt(bin, filepath.Join(dir, s.name), append(append(args, "--"), s.argv...), s.env, to)
			check(err)
			scores := judge(s.name, labels, r, *run != "")
			for _, x := range scores {
				fmt.Printf("%-12s seed %s  %-70s %-26s %s\n", x.result, seed, x.test, x.label, x.told)
			}
			fmt.Printf("%s, seed %s: %s\n\n", s.name, seed, took.Round(time.Second))
			all = append(all, scores...)
		}
	}
	if bad := sum(all); *most >= 0 && bad > *most {
		os.Exit(1)
	}
}

// hunt runs flakehunt once and reads its result.
func hunt(bin, dir string, args, env []string, out string) (*result, time.Duration, error) {
	c := exec.Command(bin, args...)
	c.Dir, c.Env = dir, append(os.Environ(), env...)
	began := time.Now()
	printed, err := c.CombinedOutput()
	took := time.Since(began)
	var ended *exec.ExitError
	if err != nil && !errors.As(err, &ended) {
		return nil, took, err
	}
	b, err := os.ReadFile(filepath.Join(out, "result.json"))
	if err != nil {
		return nil, took, fmt.Errorf("%w; flakehunt printed:\n%s", err, printed)
	}
	r := &result{}
	return r, took, json.Unmarshal(b, r)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
