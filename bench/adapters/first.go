package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// mostFirst is how long the first explained finding may take on two processors.
const mostFirst = time.Minute

// unexplained are the classes that name no cause.
var unexplained = []string{"", "unattributed", "not-redis", "infrastructure"}

// first hunts a suite of ten tests with default flags, two of them flaky, and says
// when the first finding with a proven cause was written.
func (b *bench) first(ctx context.Context) error {
	for _, r := range b.those("pytest", "vitest", "jest", "mocha", "node --test", "rspec", "phpunit") {
		var tests []test
		for i, body := range r.lang.sound {
			tests = append(tests, test{fmt.Sprintf("sound%d", i), body})
		}
		tests = slices.Insert(tests, 3, test{"lost", r.lang.lost})
		tests = slices.Insert(tests, 7, test{"expires", r.lang.expires})
		dir, err := b.suite(r, tests...)
		if err != nil {
			return err
		}
		took, said, err := b.firstFinding(ctx, r, dir)
		if err != nil {
			return err
		}
		fmt.Printf("%-12s %5.1f s  %s\n", r.name, took.Seconds(), said)
		if said == "" {
			b.miss("first finding of %s: none was explained", r.name)
		} else if took > mostFirst {
			b.miss("first finding of %s: after %s, not %s", r.name, took.Round(time.Second), mostFirst)
		}
	}
	return nil
}

// firstFinding hunts until a finding is explained, and says of which cause.
func (b *bench) firstFinding(ctx context.Context, r testRunner, dir string) (took time.Duration, said string, err error) {
	args := append([]string{"run", "--seed", "1", "--redis", "server", "--out", "out", "--"}, r.argv...)
	c := exec.CommandContext(ctx, b.flakehunt, args...)
	c.Dir = dir
	log, err := os.Create(filepath.Join(dir, "hunt.log"))
	if err != nil {
		return 0, "", err
	}
	defer log.Close()
	c.Stdout, c.Stderr = log, log
	start := time.Now()
	if err := c.Start(); err != nil {
		return 0, "", err
	}
	over := make(chan error, 1)
	go func() { over <- c.Wait() }()
	look := time.NewTicker(50 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case err = <-over:
			if e := new(exec.ExitError); errors.As(err, &e) && e.ExitCode() == 1 {
				err = nil
			}
			return time.Since(start), explained(dir), err
		case <-look.C:
		}
		if said = explained(dir); said != "" {
			took = time.Since(start)
			if err := c.Process.Signal(os.Interrupt); err != nil {
				return took, said, err
			}
			<-over // 130: it was interrupted
			return took, said, nil
		}
	}
}

// explained gives the class and test of a finding that names a cause; "": there is
// none yet.
func explained(dir string) string {
	files, _ := filepath.Glob(filepath.Join(dir, "out", "findings", "F-*.json"))
	for _, file := range files {
		text, err := os.ReadFile(file)
		var f struct {
			Class string `json:"class"`
			Title string `json:"title"`
		}
		if err == nil && json.Unmarshal(text, &f) == nil && !slices.Contains(unexplained, f.Class) {
			return f.Class + ": " + f.Title
		}
	}
	return ""
}
