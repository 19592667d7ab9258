package main

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// cell is one answer.
type cell struct {
	cause, class, change, verb string
	seed, code                 int
	said, want, got            string
	took                       time.Duration
}

func (c cell) right() bool {
	for w := range strings.SplitSeq(c.want, "|") {
		if c.got == w {
			return true
		}
	}
	return false
}

func (c cell) String() string {
	mark := "ok   "
	if !c.right() {
		mark = "WRONG"
	}
	return fmt.Sprintf("%s %d %-18s %-24s %-10s %-7s want %-34s got %-26s %4.0fs  %s", mark, c.seed, c.cause, c.class, c.change, c.verb, c.want, c.got, c.took.Seconds(), c.said)
}

// wanted is what must be said after a change, with the exit code.
func wanted(verb, change string) string {
	if verb == "verify" {
		return map[string]string{
			"fix": "fixed 0", "bump": "moved 1|still failing 1", "no-op": "still failing 1", "unrelated": "still failing 1",
			"broken": "does not build 3", "other": "another failure now 1",
		}[change]
	}
	return map[string]string{
		"fix": "did not reproduce 0|diverged 4", "bump": "reproduced 1|did not reproduce 0", "no-op": "reproduced 1", "unrelated": "reproduced 1",
		"broken": "does not build 3", "other": "another failure now 4",
	}[change]
}

// answers are the forms of an answer, by what stands in it.
var answers = []struct{ words, name string }{
	{"does not build", "does not build"}, {"another failure now", "another failure now"}, {"moved: margin", "moved"}, {"still failing", "still failing"},
	{"undecided", "undecided"}, {"  fixed", "fixed"}, {"  tolerated", "tolerated"}, {"did not reproduce", "did not reproduce"}, {"  reproduced", "reproduced"},
	{"  diverged", "diverged"}, {"schedule no longer applies", "no longer applies"},
}

// reading is which answer was given, with the exit code.
func (c cell) reading() string {
	for _, a := range answers {
		if strings.Contains(c.said, a.words) {
			return fmt.Sprintf("%s %d", a.name, c.code)
		}
	}
	return fmt.Sprintf("? %d", c.code)
}

// words is what a command printed and how it ended.
type words struct {
	out, err string
	code     int
}

func command(dir, name string, args ...string) words {
	cmd := exec.Command(name, args...)
	var out, errs strings.Builder
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &out, &errs
	err := cmd.Run()
	w := words{out: out.String(), err: errs.String()}
	if exit := new(exec.ExitError); errors.As(err, &exit) {
		w.code = exit.ExitCode()
	} else if err != nil {
		w.err, w.code = err.Error(), -1
	}
	return w
}

// answer is the line that answers: the second on standard output, else the last of
// standard error.
func (w words) answer() string {
	lines := strings.Split(strings.TrimSpace(w.out), "\n")
	if len(lines) > 1 {
		return lines[1]
	}
	return w.last()
}

func (w words) last() string {
	lines := strings.Split(strings.TrimSpace(w.err), "\n")
	return lines[len(lines)-1]
}
