package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// frames lets twenty tests write and read keys of their own names, and asks the
// history of the survey, as flakehunt history tells it, whose each command is.
// Each test fails at its end, since only failing tests have a history.
func (b *bench) frames(ctx context.Context) error {
	for _, r := range b.those("pytest", "vitest", "jest", "mocha", "node --test", "rspec", "phpunit") {
		var tests []test
		for i := range 20 {
			name := fmt.Sprintf("t%02d", i)
			tests = append(tests, test{name, fmt.Sprintf(r.lang.keys, name)})
		}
		dir, err := b.suite(r, tests...)
		if err != nil {
			return err
		}
		if _, _, _, err := b.hunt(ctx, r, dir, "--strategy", "none", "--trials", "1"); err != nil {
			return err
		}
		right, wrong, err := b.owners(ctx, dir)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		const sent = 20 * 5 * 2
		fmt.Printf("%-12s %d of %d commands given to the test that sent them, %d to another\n", r.name, right, sent, wrong)
		if right != sent || wrong > 0 {
			b.miss("frames of %s: %d of %d right, %d wrong", r.name, right, sent, wrong)
		}
	}
	return nil
}

// ofKey finds the key that a command of a test names.
var ofKey = regexp.MustCompile(`^(?i:set|get) (t\d\d):\d`)

// owners counts the commands of the survey whose key is of the test that they were
// given to, and those whose is not.
func (b *bench) owners(ctx context.Context, dir string) (right, wrong int, err error) {
	trials, err := journal(dir)
	if err != nil {
		return 0, 0, err
	}
	file := filepath.Join(dir, "out", filepath.FromSlash(trials[0].History)) // others prove what is suspected
	text, err := exec.CommandContext(ctx, b.flakehunt, "history", "--json", file).Output()
	if err != nil {
		return 0, 0, fmt.Errorf("flakehunt history: %w", err)
	}
	var list []struct {
		Outcome struct {
			Test struct{ Name, Title string } `json:"test"`
		} `json:"outcome"`
		Frames []struct{ Dir, Text string } `json:"frames"`
	}
	if err := json.Unmarshal(text, &list); err != nil {
		return 0, 0, err
	}
	for _, r := range list {
		for _, f := range r.Frames {
			m := ofKey.FindStringSubmatch(f.Text)
			switch {
			case f.Dir != ">" || m == nil:
			case strings.HasSuffix(r.Outcome.Test.Name, m[1]):
				right++
			default:
				wrong++
			}
		}
	}
	return right, wrong, nil
}
